import type { KubeObject } from "./kube-object.ts";
import type { ObjectStore } from "./object-store.ts";

/** One kind in one API version, and where its objects live. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly hasStatus: boolean;
  /** Field selectors that this kind knows, besides the metadata ones. */
  readonly fields: readonly string[];
  readonly store: ObjectStore;
  /** From the stored form to this version's form; absent when they are the same. */
  readonly toWire?: (stored: KubeObject) => KubeObject;
  /** From this version's form to the stored form. */
  readonly fromWire?: (wire: Record<string, unknown>) => Record<string, unknown>;
  /** Called before reads, for kinds that are computed rather than written. */
  readonly beforeRead?: (namespace: string | undefined, name: string | undefined) => void;
}

/** What discovery tells of a kind, whether its objects are kept or not. */
export type DescribedResource = Omit<Resource, "fields" | "store" | "toWire" | "fromWire" | "beforeRead"> & {
  /** All of them when left out. */
  readonly verbs?: readonly string[];
};

/** `v1` or `group/version`. */
export function apiVersionOf({ group, version }: Pick<Resource, "group" | "version">): string {
  return group === "" ? version : `${group}/${version}`;
}

/** `nodes` or `leases.coordination.k8s.io`, as messages spell a kind. */
export function qualifiedName({ plural, group }: Pick<Resource, "plural" | "group">): string {
  return group === "" ? plural : `${plural}.${group}`;
}

/** Where a request points. */
export interface Target {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/** Reads a path of the API; undefined when it names nothing that is served. */
export function targetOf(path: string, resources: readonly Resource[]): Target | undefined {
  const parts = path
    .split("/")
    .filter((part) => part !== "")
    .map(decode);
  const core = parts[0] === "api";
  if (!core && parts[0] !== "apis") return undefined;
  const [group, version] = core ? ["", parts[1]] : [parts[1], parts[2]];
  const rest = parts.slice(core ? 2 : 3);
  const inNamespace = rest[0] === "namespaces" && rest.length > 2;
  const namespace = inNamespace ? rest[1] : undefined;
  const [plural, name, subresource, ...excess] = inNamespace ? rest.slice(2) : rest;
  const resource = resources.find(
    (candidate) => candidate.group === group && candidate.version === version && candidate.plural === plural,
  );
  if (resource === undefined || excess.length > 0) return undefined;
  if (!isPlausible(resource, inNamespace, name)) return undefined;
  return {
    resource,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/** Objects of a namespaced kind have a namespace in their path, and no others do; lists may span namespaces. */
function isPlausible(resource: Resource, inNamespace: boolean, name: string | undefined): boolean {
  if (inNamespace) return resource.namespaced;
  return !resource.namespaced || name === undefined;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
