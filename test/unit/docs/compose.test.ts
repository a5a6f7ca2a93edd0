import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { loadConfig } from "@node-agent/shared/runtime/config/load.ts";
import { readScenario } from "../../../packages/simulator/src/control/scenario.ts";
import { optionsSchema } from "../../../packages/simulator/src/options/options.ts";
import { NODE_OPTIONS } from "../../../scripts/setup/node-options.ts";
import { filesBelow, ROOT, textOf } from "./markdown.ts";

interface Service {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly profiles?: readonly string[];
  readonly read_only?: boolean;
  readonly user?: string;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly network_mode?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { condition: string; required?: boolean }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
}

const compose = parse(textOf("docker-compose.yml"), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const { services } = compose;
const AGENTS = ["watcher-1", "watcher-2", "worker-1", "worker-2", "console"];
const DEMO = "deploy/compose/demo";

function service(name: string): Service {
  const found = services[name];
  if (found === undefined) throw new Error(`docker-compose.yml: expected a service ${name}`);
  return found;
}

/** Agents read files of the operator's; our image runs as 65532 by itself. */
function userOf(name: string): string | undefined {
  if (name === "redis") return "redis";
  return AGENTS.includes(name) ? "${NODE_AGENT_USER:-65532:65532}" : undefined;
}

/** The configuration of a real cluster that people copy. */
function example(): string {
  return textOf("deploy/compose/cluster.example/config.yaml");
}

/** A file of a container, where the compose file mounts the demo's folder. */
function mounted(path: string): string {
  return textOf(path.replace("/etc/node-agent", DEMO));
}

function demoConfig(role: "watcher" | "worker" | "console") {
  const argv = ["--config", "/etc/node-agent/config.yaml"];
  const loaded = loadConfig({ role, argv, env: {}, readFile: mounted });
  if (loaded.kind !== "Loaded") throw new Error(JSON.stringify(loaded));
  return loaded.config;
}

describe("docker-compose.yml", () => {
  test("has a Redis, two watchers, two workers and the dashboard, and the simulator in the demo only", () => {
    expect(Object.keys(services).toSorted()).toEqual(["pod", "redis", "simulator", ...AGENTS].toSorted());
    expect(Object.keys(services).filter((name) => services[name]?.profiles !== undefined)).toEqual([
      "simulator",
    ]);
    expect(service("simulator").profiles).toEqual(["demo"]);
  });

  test("starts files that exist and gives them files that exist", () => {
    for (const name of [...AGENTS, "simulator"]) {
      const [script = "", ...args] = service(name).command ?? [];
      expect(script).toBe(`packages/${name.replace(/-\d$/u, "")}/src/main.ts`);
      expect(existsSync(join(ROOT, script)), script).toBe(true);
      const files = args.filter((word) => word.startsWith("/etc/node-agent/"));
      expect(files.length).toBeGreaterThan(0);
      for (const file of files) expect(() => mounted(file)).not.toThrow();
    }
  });

  test.each(Object.entries(services))("gives %s nothing it does not need", (name, one) => {
    expect(one.read_only).toBe(true);
    expect(one.cap_drop).toEqual(["ALL"]);
    expect(one.security_opt).toEqual(["no-new-privileges:true"]);
    expect(one.user).toBe(userOf(name));
    expect(JSON.stringify(one.environment ?? {})).not.toMatch(/KEY|TOKEN|PASSWORD/u);
  });

  test("publishes on this machine only", () => {
    for (const one of Object.values(services))
      for (const port of one.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/u);
  });

  test("keeps the data of Redis and never evicts it", () => {
    const command = service("redis").command ?? [];
    expect(command.join(" ")).toContain("--appendonly yes --maxmemory-policy noeviction");
    expect(service("redis").volumes).toEqual(["redis:/data"]);
    expect(Object.keys(compose.volumes)).toContain("redis");
  });

  test("lets agents wait for Redis, and for the simulator where there is one", () => {
    for (const name of AGENTS) {
      expect(service(name).depends_on).toEqual({
        redis: { condition: "service_healthy" },
        simulator: { condition: "service_healthy", required: false },
      });
    }
    for (const name of ["redis", "simulator"]) expect(service(name).healthcheck?.test[0]).toBe("CMD");
  });

  test("puts all on one network, each on a port of its own", () => {
    const others = Object.keys(services).filter((name) => name !== "pod");
    for (const name of others) expect(service(name).network_mode).toBe("service:pod");
    const ports = AGENTS.map((name) => service(name).environment?.["CIVO_NODE_AGENT_METRICS_PORT"]);
    expect(ports).toEqual(["9625", "9626", "9627", "9628", undefined]);
  });
});

describe("the demo of docker-compose.yml", () => {
  const simulator = optionsSchema.parse(parse(textOf(`${DEMO}/simulator.yaml`)));

  test.each(["watcher", "worker", "console"] as const)(
    "starts a %s that reaches Redis and simulator",
    (role) => {
      const { kubeconfig, civo, redis, console: dashboard } = demoConfig(role);
      expect(kubeconfig).toBe(simulator.writeKubeconfig);
      expect(civo.url).toBe(`http://127.0.0.1:${simulator.ports?.civo}`);
      expect([civo.region, civo.clusterId]).toEqual([simulator.region, simulator.clusterId]);
      expect(civo.apiKey?.reveal()).toBe(simulator.apiKey);
      expect(redis).toMatchObject({ kind: "standalone", host: "127.0.0.1", port: 6379 });
      expect(services["pod"]?.ports).toContain(`127.0.0.1:${dashboard.port}:${dashboard.port}`);
    },
  );

  test("waits for what the simulator really makes", () => {
    const check = service("simulator").healthcheck?.test.at(-1) ?? "";
    expect(check).toContain(`accessSync("${simulator.writeKubeconfig}")`);
    expect(check).toContain(`http://127.0.0.1:${simulator.ports?.control}/world`);
    const folder = simulator.writeKubeconfig?.replace(/\/[^/]+$/u, "");
    expect(service("simulator").volumes).toContain(`simulator:${folder}`);
    for (const name of AGENTS) expect(service(name).volumes).toContain(`simulator:${folder}:ro`);
  });

  test("finds the ledger without which active mode reboots nothing", () => {
    const { ledger, monitorOnly } = demoConfig("worker");
    expect(monitorOnly).toBe(false);
    expect(simulator.ledger).toEqual({ namespace: ledger.namespace, name: ledger.name });
  });

  test("breaks nodes of pools that exist", () => {
    const pools = simulator.pools?.map(({ name }) => name);
    for (const { command } of readScenario(join(ROOT, DEMO, "scenario.yaml"))) {
      expect(pools).toContain("pool" in command ? command.pool : undefined);
    }
  });

  test("the example of a real cluster is monitor-only", () => {
    const loaded = loadConfig({ role: "worker", argv: ["--config", "x"], env: {}, readFile: example });
    expect(loaded).toMatchObject({ kind: "Loaded", config: { monitorOnly: true }, warnings: [] });
  });
});

describe("Dockerfile", () => {
  const text = textOf("Dockerfile");
  const manifests = filesBelow("packages").filter((path) => /^packages\/[^/]+\/package\.json$/u.test(path));
  const names = manifests.map((path) => path.split("/")[1] ?? "");

  test.each(names)("holds the manifest and the sources of %s", (name) => {
    expect(text).toContain(`COPY packages/${name}/package.json packages/${name}/\n`);
    expect(text).toContain(`COPY packages/${name}/src packages/${name}/src\n`);
  });

  test("runs Node 24 as a user without rights, after filling a cache that this user can read", () => {
    expect(text.match(/^FROM .*$/gmu)).toEqual(["FROM node:24-slim AS dependencies", "FROM node:24-slim"]);
    expect(text).toMatch(/chmod -R a\+rX \.cache\nUSER 65532:65532\n/u);
    expect(text).toContain("npm ci --omit=dev --omit=optional --ignore-scripts");
    expect(text).toContain("for role in watcher worker console cli simulator; do node");
  });

  test("tells Node what the bench and the demo tell it", () => {
    expect(text).toContain(` NODE_OPTIONS=${NODE_OPTIONS} `);
  });

  test("gets only what it copies", () => {
    const allowed = textOf(".dockerignore")
      .split("\n")
      .filter((line) => /^[^#]/u.test(line));
    expect(allowed[0]).toBe("*");
    const sources = [...text.matchAll(/^COPY (?!--from)(?<what>.+) \S+$/gmu)].flatMap(
      ({ groups }) => groups?.["what"]?.split(" ") ?? [],
    );
    const patterns = new Set(sources.map((path) => `!${path.replace(/^packages\/[^/]+/u, "packages/*")}`));
    expect(allowed.slice(1).toSorted()).toEqual([...patterns].toSorted());
  });
});

test("deploy/rbac.yaml gives a watcher and a worker the nodes to read, a worker the ledger to write, events to create and pods to list, and nothing else", () => {
  const { items: objects } = parse(textOf("deploy/rbac.yaml")) as {
    items: { kind: string; metadata: { name: string; namespace?: string }; rules?: unknown }[];
  };
  const rulesOf = (kind: string): unknown =>
    Object.fromEntries(
      objects.filter((one) => one.kind === kind).map(({ metadata, rules }) => [metadata.name, rules]),
    );
  const nodes = { apiGroups: [""], resources: ["nodes"] };
  const identity = {
    apiGroups: [""],
    resources: ["namespaces"],
    resourceNames: ["kube-system"],
    verbs: ["get"],
  };
  const evidence = [
    { apiGroups: [""], resources: ["pods"], verbs: ["list"] },
    { apiGroups: ["resource.k8s.io"], resources: ["resourceslices"], verbs: ["list"] },
  ];
  expect(rulesOf("ClusterRole")).toEqual({
    "node-agent-watcher": [{ ...nodes, verbs: ["get", "list", "watch"] }],
    "node-agent-worker": [{ ...nodes, verbs: ["get", "list"] }, identity],
    "node-agent-evidence": evidence,
    "node-agent-operator": [{ ...nodes, verbs: ["get", "list", "patch"] }, ...evidence, identity],
  });
  const configMaps = { apiGroups: [""], resources: ["configmaps"] };
  const { namespace, name } = demoConfig("worker").ledger;
  const write = { ...configMaps, resourceNames: [name], verbs: ["get", "update"] };
  expect(rulesOf("Role")).toEqual({
    "node-agent-events": [{ apiGroups: [""], resources: ["events"], verbs: ["create"] }],
    "node-agent-ledger": [write],
    "node-agent-operator": [write, { ...configMaps, verbs: ["create"] }],
  });
  // Events about Nodes live in the namespace default, and nothing else of ours does.
  const elsewhere = objects.filter(({ metadata }) => metadata.name === "node-agent-events");
  expect(elsewhere.map(({ metadata }) => metadata.namespace)).toEqual(["default", "default"]);
  for (const { metadata, kind } of objects.filter((one) => !elsewhere.includes(one)))
    expect(kind === "Namespace" ? metadata.name : (metadata.namespace ?? namespace)).toBe(namespace);
  const bound = objects.filter(({ kind }) => kind.endsWith("Binding")).map(({ metadata }) => metadata.name);
  expect(bound).not.toContain("node-agent-operator");
});
