import type { DescribedResource } from "./resource.ts";

/** The version this server says it has. */
export const KUBERNETES_VERSION = "v1.32.4+k3s1";

/** Answers for paths that are not objects: discovery, version, health. Undefined for everything else. */
export function discovery(path: string, resources: readonly DescribedResource[]): unknown {
  switch (path.replace(/\/$/, "")) {
    case "/api":
      return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
    case "/apis":
      return { kind: "APIGroupList", apiVersion: "v1", groups: groupsOf(resources) };
    case "/version":
      return versionInfo();
    case "/livez":
    case "/readyz":
    case "/healthz":
      return "ok";
    default:
      return resourceList(path, resources);
  }
}

/** Anonymous clients may read these. */
export function isPublic(path: string): boolean {
  return ["/version", "/livez", "/readyz", "/healthz"].includes(path);
}

function groupsOf(resources: readonly DescribedResource[]): unknown[] {
  const groups = new Map(
    resources.filter(({ group }) => group !== "").map(({ group, version }) => [group, version]),
  );
  return [...groups].map(([name, version]) => {
    const groupVersion = { groupVersion: `${name}/${version}`, version };
    return { name, versions: [groupVersion], preferredVersion: groupVersion };
  });
}

function resourceList(path: string, resources: readonly DescribedResource[]): unknown {
  const match = /^\/(?:api|apis\/([^/]+))\/([^/]+)\/?$/.exec(path);
  const [, group = "", version = ""] = match ?? [];
  const served = resources.filter((resource) => resource.group === group && resource.version === version);
  if (match === null || served.length === 0) return undefined;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: group === "" ? version : `${group}/${version}`,
    resources: served.flatMap(described),
  };
}

const VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"];

function described(resource: DescribedResource): unknown[] {
  const { plural, singular, kind, namespaced, shortNames, hasStatus, verbs = VERBS } = resource;
  const itself = { name: plural, singularName: singular, namespaced, kind, shortNames, verbs };
  const status = {
    name: `${plural}/status`,
    singularName: "",
    namespaced,
    kind,
    verbs: ["get", "patch", "update"],
  };
  return hasStatus ? [itself, status] : [itself];
}

function versionInfo(): Record<string, string> {
  return {
    major: "1",
    minor: "32",
    gitVersion: KUBERNETES_VERSION,
    gitCommit: "6b330558e5b55f7b3bd1a5ba8c7ab8ba1bdd4d5b",
    gitTreeState: "clean",
    buildDate: "2025-05-05T10:44:25Z",
    goVersion: "go1.23.6",
    compiler: "gc",
    platform: "linux/amd64",
  };
}
