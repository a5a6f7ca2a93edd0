import { z } from "zod";
import { REPAIR_ACTIONS, type CheckerName } from "../../core/check.ts";
import { DEFAULT_POLICY } from "../../core/policy.ts";
import { SECOND } from "../../core/time.ts";
import { boolean, duration, Expected, integer, list, oneOf, POSITIVE, wordOf, type Kind } from "./kinds.ts";
import { parseHostPort, REDIS_URL_EXPECTED } from "./redis-url.ts";
import { optional, section, setting } from "./setting.ts";
import {
  breaker,
  cureRate,
  flapping,
  foreignOwner,
  ledger,
  limits,
  paused,
  plannedWork,
  storm,
} from "./safety.ts";
import { timings } from "./timings.ts";

/** How much is logged, from least to most. */
export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const clusterName = wordOf(/^[A-Za-z0-9._-]{1,63}$/u, "1 to 63 letters, digits, '.', '_' or '-'");
const civoClusterId = wordOf(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/u, "the id of a Civo Kubernetes cluster");
const regionCode = wordOf(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/u, "a region code such as LON1");
/** Pool ids end in a label selector, so they are label values: a stray character would select something else. */
const poolId = wordOf(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/u, "a node pool id");
const nodeName = wordOf(/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/u, "a Kubernetes node name");
const taintKey = wordOf(
  /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/u,
  "a taint key such as node.cilium.io/agent-not-ready",
);
const token = wordOf(/^[^\s\p{Cc}]+$/u, "text without spaces or control characters");
const path = wordOf(/^[^\p{Cc}]*$/u, "a path without control characters");
const host = wordOf(/^[A-Za-z0-9.:_-]+$/u, "a host name or an IP address");
const sentinel: Kind<string> = {
  read: (raw) => (typeof raw === "string" && parseHostPort(raw) ? raw.trim() : new Expected("host:port")),
  print: (value) => value,
};
/** Read in full later, where the password is put away at once (see `parseRedisUrl`). */
const redisUrl = wordOf(/^rediss?(?:\+(?:sentinel|cluster))?:\/\/./u, REDIS_URL_EXPECTED);

/** What a port may be, for messages; that flag and key take 0 too is for tests and demonstrations. */
export const PORT_EXPECTED = "a port from 1024 to 65535";

/** 0 lets the system choose; for tests and for several processes on one machine, not to be scraped by number. */
const port: Kind<number> = {
  read: (raw) => {
    const value = integer(0, 65_535).read(raw);
    const isPort = typeof value === "number" && (value === 0 || value >= 1024);
    return isPort ? value : new Expected(PORT_EXPECTED);
  },
  print: String,
};

/** The same origins as the Civo client takes; what a host may be is checked later, it depends on allowInsecure. */
const civoUrl: Kind<string> = {
  read: (raw) => {
    const url = typeof raw === "string" ? URL.parse(raw.trim()) : null;
    const isOrigin = url !== null && /^https?:$/u.test(url.protocol) && url.href === `${url.origin}/`;
    return isOrigin
      ? url.origin
      : new Expected("an origin such as https://api.civo.com, without user, path or query");
  },
  print: (value) => value,
};

function checker(name: CheckerName) {
  const { enabled, threshold, action } = DEFAULT_POLICY.checkers[name];
  return section({
    enabled: setting(boolean, enabled, { meaning: `Whether the ${name} checker judges nodes.` }),
    threshold: setting(duration(POSITIVE), threshold, {
      meaning: `How long ${name} must fail, in observed time, before the repair is due.`,
    }),
    action: setting(oneOf(REPAIR_ACTIONS), action, {
      meaning: `What a ${name} failure asks for: Reboot, or None to report only.`,
    }),
  });
}

const checkers = {
  NodeReady: checker("NodeReady"),
  GPU: checker("GPU"),
  DiskPressure: checker("DiskPressure"),
  Cilium: checker("Cilium"),
} satisfies Record<CheckerName, unknown>;

/** Every setting of every process, its default and what it means: the only place where a setting is declared. */
export const settingsSchema = section({
  cluster: optional(clusterName, {
    flag: "cluster",
    meaning:
      "Name of the cluster: the prefix of its keys and queues in Redis and the cluster label of metrics. Falls back to CIVO_CLUSTER_ID, and to default in monitor-only mode.",
  }),
  monitorOnly: setting(boolean, DEFAULT_POLICY.monitorOnly, {
    flag: "monitor-only",
    meaning: "Run everything but never call the cloud. An unparsable variable keeps true.",
  }),
  nodePools: setting(list(poolId, "node pool ids (letters, digits, '-', '_', '.')"), [], {
    env: [{ name: "CIVO_NODE_POOL_IDS" }, { name: "CIVO_NODE_POOL_ID" }],
    addsUp: true,
    meaning: "Ids of the node pools to look after; empty means every node. Both variables add up.",
  }),
  includeControlPlane: setting(boolean, false, {
    meaning: "Look after control-plane nodes too.",
  }),
  includeVirtual: setting(boolean, false, {
    meaning: "Look after virtual nodes (virtual-kubelet) too.",
  }),
  nodeName: optional(nodeName, {
    env: [{ name: "NODE_NAME" }],
    meaning:
      "The node that this worker runs on (downward API: spec.nodeName): it leaves that node's reboot to another worker. Unknown if absent.",
  }),
  redisNodes: setting(list(nodeName, "node names"), [], {
    meaning:
      "Nodes that Redis runs on, which are rebooted last. Empty: found by the address of its server, where that is a node's or a pod's.",
  }),
  checkers: section(checkers),
  rebootWait: section({
    standard: setting(duration(POSITIVE), DEFAULT_POLICY.rebootWait.standard, {
      env: [{ name: "CIVO_NODE_REBOOT_WAIT_MINUTES", unit: "minutes" }],
      meaning: "How long a standard node is left alone after a reboot.",
    }),
    gpu: setting(duration(POSITIVE), DEFAULT_POLICY.rebootWait.gpu, {
      env: [{ name: "CIVO_GPU_NODE_REBOOT_WAIT_MINUTES", unit: "minutes" }],
      meaning: "How long a GPU node is left alone after a reboot.",
    }),
  }),
  maxAttempts: setting(integer(1, 100), DEFAULT_POLICY.maxAttempts, {
    env: [{ name: "CIVO_NODE_AGENT_MAX_ATTEMPTS" }, { name: "CIVO_NODE_MAX_REBOOT_RETRIES" }],
    meaning:
      "Reboots of one incident, the first included, before the node is given up as Failed. Both variables mean the same number.",
  }),
  resyncInterval: setting(duration(POSITIVE), 30 * SECOND, {
    meaning: "How often all nodes are compared with Redis and lost jobs are put back.",
  }),
  startupGrace: setting(duration(), DEFAULT_POLICY.startupGrace, {
    meaning: "A node never seen Ready is not judged before this has passed since its creation.",
  }),
  expectedGpus: z
    .record(
      z.string(),
      setting(integer(1, 1024), 1, {
        env: [],
        meaning:
          "GPUs that each node of a pool must have, by pool id. Pools not named here are held to the most ever seen on the node.",
      }),
    )
    .prefault({}),
  podEvidence: setting(boolean, true, {
    meaning:
      "Look at the pods of the device plugin and of Cilium before a repair that only their checkers ask for. Needs list on pods; without that right it is left out.",
  }),
  ciliumTaint: setting(taintKey, DEFAULT_POLICY.ciliumTaint, {
    meaning:
      "Key of the taint of Cilium's operator on nodes whose agent does not run: Cilium's agent-not-ready-taint-key.",
  }),
  respectCordon: setting(boolean, DEFAULT_POLICY.respectCordon, {
    meaning: "Leave cordoned nodes alone: a person works on them.",
  }),
  foreignOwner,
  plannedWork,
  paused,
  limits,
  breaker,
  cureRate,
  storm,
  flapping,
  ledger,
  metricsPort: setting(port, 9625, {
    env: [{ name: "CIVO_NODE_AGENT_METRICS_PORT", unit: "port" }],
    flag: "metrics-port",
    meaning: "Port of /metrics, /livez and /readyz, 1024 to 65535. Flag and key also take 0: any free port.",
  }),
  metricsHost: setting(host, "0.0.0.0", {
    flag: "metrics-host",
    meaning:
      "Address that the metrics server listens on; every interface, since pods are scraped from outside.",
  }),
  perNodeMetrics: setting(boolean, false, {
    meaning: "Add a node label to counters. Costs a series per node and reason.",
  }),
  events: setting(boolean, true, {
    meaning:
      "Tell what holds a reboot, and what became of it, as Kubernetes Events about the node. Needs create on events in the namespace default; without that a worker says so once and goes on.",
  }),
  kubeconfig: setting(path, "/etc/rancher/k3s/k3s.yaml", {
    flag: "kubeconfig",
    meaning: "Path of the kubeconfig; empty means in-cluster.",
  }),
  context: optional(token, {
    flag: "context",
    meaning: "Context of the kubeconfig; its current context if absent.",
  }),
  redis: section({
    url: setting(redisUrl, "redis://127.0.0.1:6379", {
      env: [{ name: "REDIS_URL" }],
      confidential: true,
      meaning: `Where Redis is: ${REDIS_URL_EXPECTED}.`,
    }),
    sentinels: setting(list(sentinel, "host:port addresses of Sentinels"), [], {
      meaning: "Addresses of the Sentinels (host:port), instead of a URL; needs redis.name.",
    }),
    name: optional(token, { meaning: "Name of the master that the Sentinels watch." }),
    passwordFile: optional(path, {
      env: [{ name: "REDIS_PASSWORD_FILE" }],
      meaning: "File with the password of Redis (or REDIS_PASSWORD in the environment).",
    }),
    sentinelPasswordFile: optional(path, {
      env: [{ name: "REDIS_SENTINEL_PASSWORD_FILE" }],
      meaning: "File with the password of the Sentinels (or REDIS_SENTINEL_PASSWORD in the environment).",
    }),
  }),
  civo: section({
    url: setting(civoUrl, "https://api.civo.com", {
      env: [{ name: "CIVO_API_URL" }],
      // A key pasted into the wrong variable is not repeated.
      confidential: true,
      meaning: "Address of the Civo API.",
    }),
    allowInsecure: setting(boolean, false, {
      meaning:
        "Allow http and bare IP addresses beyond this machine in civo.url: for a simulator, never for a cloud; the API key then travels in the clear.",
    }),
    apiKeyFile: optional(path, {
      env: [{ name: "CIVO_API_KEY_FILE" }],
      meaning: "File with the Civo API key (or CIVO_API_KEY in the environment).",
    }),
    region: optional(regionCode, {
      env: [{ name: "CIVO_REGION" }],
      meaning: "Civo region of the cluster, such as LON1.",
    }),
    clusterId: optional(civoClusterId, {
      env: [{ name: "CIVO_CLUSTER_ID" }],
      meaning: "Civo's id of the cluster; also the name of the cluster when none is set.",
    }),
  }),
  console: section({
    host: setting(host, "127.0.0.1", {
      flag: "console-host",
      meaning: "Address that the queue dashboard listens on; it has no authentication of its own.",
    }),
    port: setting(port, 9630, { flag: "console-port", meaning: "Port of the queue dashboard." }),
    allowedHosts: setting(list(host, "host names"), [], {
      meaning:
        "Host names under which browsers may ask the queue dashboard, such as that of an ingress. Loopback names, console.host and the address that is listened on are always allowed.",
    }),
    readOnly: setting(boolean, true, {
      meaning: "Keep the queue dashboard from changing, retrying or removing jobs.",
    }),
  }),
  logLevel: setting(oneOf(LOG_LEVELS), "info", {
    flag: "log-level",
    meaning: `How much is logged: ${LOG_LEVELS.join(", ")}.`,
  }),
  evaluationChunk: setting(integer(1, 5000), 250, {
    meaning: "Most nodes that are evaluated and committed in one step.",
  }),
  concurrency: section({
    evaluations: setting(integer(1, 64), 4, { meaning: "Evaluation jobs a worker runs at the same time." }),
    reboots: setting(integer(1, 256), 10, { meaning: "Reboot jobs a worker runs at the same time." }),
  }),
  timings,
});

/** The settings as they come out of the schema: typed, complete, not yet checked against each other. */
export type Settings = z.output<typeof settingsSchema>;
