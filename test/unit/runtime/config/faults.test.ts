import { describe, expect, test } from "vitest";
import { CONFIG_TABLE } from "@node-agent/shared/runtime/config/table.ts";
import { faultReport } from "@node-agent/shared/runtime/config/load.ts";
import { faultsOf, warningsOf, type Given } from "./load-support.ts";

const ACTIVE = {
  CIVO_NODE_AGENT_MONITOR_ONLY: "false",
  CIVO_API_KEY: "key",
  CIVO_REGION: "LON1",
  CIVO_CLUSTER_ID: "abc",
};
const DURATION = "a duration with a unit, such as 5m, 1h30m or 2s";
const REDIS_URL =
  "redis://[user:password@]host[:port][/db], rediss:// for TLS, redis+sentinel://host:port,host:port/master-name or redis+cluster://host:port,host:port";
const HIDDEN = "got a value that is not shown since it may hold a secret";

const wrong: [what: string, given: Given, fault: string][] = [
  [
    "a port below 1024",
    { env: { CIVO_NODE_AGENT_METRICS_PORT: "80" } },
    'CIVO_NODE_AGENT_METRICS_PORT: expected a port from 1024 to 65535, got "80"',
  ],
  [
    "a port above 65535",
    { env: { CIVO_NODE_AGENT_METRICS_PORT: "65536" } },
    'CIVO_NODE_AGENT_METRICS_PORT: expected a port from 1024 to 65535, got "65536"',
  ],
  [
    "a random port by the environment",
    { env: { CIVO_NODE_AGENT_METRICS_PORT: "0" } },
    'CIVO_NODE_AGENT_METRICS_PORT: expected a port from 1024 to 65535, got "0"',
  ],
  [
    "a port that is no number",
    { argv: ["--metrics-port", "http"] },
    '--metrics-port: expected a port from 1024 to 65535, got "http"',
  ],
  [
    "a port that Kubernetes set for a Service",
    { env: { CIVO_NODE_AGENT_METRICS_PORT: "tcp://10.43.0.9:9625" } },
    'CIVO_NODE_AGENT_METRICS_PORT: got "tcp://10.43.0.9:9625", which Kubernetes sets for a Service of that name; set enableServiceLinks: false on the pod or rename the Service',
  ],
  [
    "a duration without a unit",
    { file: "rebootWait: { gpu: 40 }" },
    `rebootWait.gpu (agent.yaml): expected ${DURATION}, got 40`,
  ],
  [
    "a duration with an unknown unit",
    { file: "resyncInterval: 30sec" },
    `resyncInterval (agent.yaml): expected ${DURATION}, got "30sec"`,
  ],
  [
    "a negative wait",
    { file: "rebootWait: { standard: -5m }" },
    `rebootWait.standard (agent.yaml): expected ${DURATION}, got "-5m"`,
  ],
  [
    "a wait of zero",
    { file: "rebootWait: { standard: 0s }" },
    'rebootWait.standard (agent.yaml): expected a duration greater than zero, got "0s"',
  ],
  [
    "a threshold of zero",
    { file: "checkers: { GPU: { threshold: 0s } }" },
    'checkers.GPU.threshold (agent.yaml): expected a duration greater than zero, got "0s"',
  ],
  [
    "a duration that a timer cannot hold",
    { file: "startupGrace: 25d" },
    'startupGrace (agent.yaml): expected a duration of at most 576h, got "25d"',
  ],
  [
    "minutes that are no number",
    { env: { CIVO_NODE_REBOOT_WAIT_MINUTES: "ten" } },
    'CIVO_NODE_REBOOT_WAIT_MINUTES: expected a number of minutes, such as 10 or 0.5, got "ten"',
  ],
  [
    "minutes with a unit",
    { env: { CIVO_GPU_NODE_REBOOT_WAIT_MINUTES: "40m" } },
    'CIVO_GPU_NODE_REBOOT_WAIT_MINUTES: expected a number of minutes, such as 10 or 0.5, got "40m"',
  ],
  [
    "negative minutes",
    { env: { CIVO_NODE_REBOOT_WAIT_MINUTES: "-1" } },
    'CIVO_NODE_REBOOT_WAIT_MINUTES: expected a number of minutes, such as 10 or 0.5, got "-1"',
  ],
  [
    "an unknown checker",
    { file: "checkers: { NodeRedy: { enabled: true } }" },
    "checkers.NodeRedy (agent.yaml): unknown checker; did you mean NodeReady?",
  ],
  [
    "a checker that resembles none",
    { file: "checkers: { Heartbeat: {} }" },
    "checkers.Heartbeat (agent.yaml): unknown checker; there are NodeReady, GPU, DiskPressure, Cilium",
  ],
  [
    "an unknown repair action",
    { file: "checkers: { GPU: { action: Replace } }" },
    'checkers.GPU.action (agent.yaml): expected one of Reboot, None, got "Replace"',
  ],
  ["an unknown key", { file: "clustr: prod" }, "clustr (agent.yaml): unknown key; did you mean cluster?"],
  [
    "an unknown nested key",
    { file: "rebootWait: { gpus: 40m }" },
    "rebootWait.gpus (agent.yaml): unknown key; did you mean gpu?",
  ],
  [
    "a value where a section belongs",
    { file: "rebootWait: 10m" },
    'rebootWait (agent.yaml): expected a mapping with the keys standard, gpu, got "10m"',
  ],
  [
    "no attempts at all",
    { file: "maxAttempts: 0" },
    "maxAttempts (agent.yaml): expected a whole number from 1 to 100, got 0",
  ],
  [
    "half an attempt",
    { env: { CIVO_NODE_AGENT_MAX_ATTEMPTS: "1.5" } },
    'CIVO_NODE_AGENT_MAX_ATTEMPTS: expected a whole number from 1 to 100, got "1.5"',
  ],
  [
    "a rate limit of nothing",
    { file: "limits: { nodePerDay: 0 }" },
    "limits.nodePerDay (agent.yaml): expected a whole number from 1 to 1000, got 0",
  ],
  [
    "a mode in the file that is neither true nor false",
    { file: "monitorOnly: sometimes" },
    'monitorOnly (agent.yaml): expected true or false, got "sometimes"',
  ],
  [
    "a cluster name that would break a key",
    { argv: ["--cluster", "prod}eu"] },
    "--cluster: expected 1 to 63 letters, digits, '.', '_' or '-', got \"prod}eu\"",
  ],
  [
    "pool ids that are none",
    { env: { CIVO_NODE_POOL_IDS: "," } },
    "CIVO_NODE_POOL_IDS: expected node pool ids (letters, digits, '-', '_', '.'), got \",\"",
  ],
  [
    "a pool id that would change the selector",
    { env: { CIVO_NODE_POOL_ID: "a)b" } },
    "CIVO_NODE_POOL_ID: expected node pool ids (letters, digits, '-', '_', '.'), got \"a)b\"",
  ],
  [
    "GPUs of a pool that are no number",
    { file: "expectedGpus: { pool-a: many }" },
    'expectedGpus.pool-a (agent.yaml): expected a whole number from 1 to 1024, got "many"',
  ],
  [
    "an unknown log level",
    { argv: ["--log-level=loud"] },
    '--log-level: expected one of fatal, error, warn, info, debug, trace, got "loud"',
  ],
  [
    "a Redis URL that is none",
    { env: { REDIS_URL: "localhost" } },
    `REDIS_URL: expected ${REDIS_URL}, ${HIDDEN}`,
  ],
  [
    "Sentinels without the name of a master",
    { file: "redis: { sentinels: ['a:26379'] }" },
    "redis.name (agent.yaml): missing; redis.sentinels needs the name of their master",
  ],
  [
    "Sentinels and a URL",
    { file: "redis: { sentinels: ['a:26379'], name: m, url: 'redis://a' }" },
    "redis.sentinels (agent.yaml): set together with redis.url; set only one",
  ],
  [
    "a password twice",
    { env: { REDIS_URL: "redis://:one@a", REDIS_PASSWORD: "two" } },
    "REDIS_PASSWORD: set, but the Redis URL holds a password too; set only one of them",
  ],
  [
    "a password in the file",
    { file: "redis: { password: hunter2 }" },
    "redis.password (agent.yaml): a secret does not belong in the file; set REDIS_PASSWORD or redis.passwordFile",
  ],
  [
    "an API key in the file",
    { file: "civo: { apiKey: hunter2 }" },
    "civo.apiKey (agent.yaml): a secret does not belong in the file; set CIVO_API_KEY or civo.apiKeyFile",
  ],
  [
    "no API key in active mode",
    { env: { ...ACTIVE, CIVO_API_KEY: "" } },
    "CIVO_API_KEY: missing, and needed to reboot (monitorOnly is false); set CIVO_API_KEY or CIVO_API_KEY_FILE, or set monitorOnly: true",
  ],
  [
    "no region in active mode",
    { env: { ...ACTIVE, CIVO_REGION: undefined } },
    "CIVO_REGION: missing, and needed to reboot (monitorOnly is false); set CIVO_REGION or the key civo.region, or set monitorOnly: true",
  ],
  [
    "no cluster id in active mode",
    { env: { ...ACTIVE, CIVO_CLUSTER_ID: undefined } },
    "CIVO_CLUSTER_ID: missing, and needed to reboot (monitorOnly is false); set CIVO_CLUSTER_ID or the key civo.clusterId, or set monitorOnly: true",
  ],
  [
    "a watcher of an active cluster without a name",
    { role: "watcher", env: { CIVO_NODE_AGENT_MONITOR_ONLY: "false" } },
    "cluster: missing, and needed when monitorOnly is false; set the key cluster, --cluster or CIVO_CLUSTER_ID",
  ],
  [
    "an API key file that is not there",
    { env: { CIVO_API_KEY_FILE: "/secrets/key" } },
    'CIVO_API_KEY_FILE: cannot read "/secrets/key": no such file',
  ],
  [
    "an API key and a file with one",
    { env: { CIVO_API_KEY: "a", CIVO_API_KEY_FILE: "/k" }, files: { "/k": "b" } },
    "CIVO_API_KEY: set together with CIVO_API_KEY_FILE; set only one of them",
  ],
  [
    "an empty API key file",
    { env: { CIVO_API_KEY_FILE: "/k" }, files: { "/k": "\n" } },
    "CIVO_API_KEY_FILE: expected a secret of printable ASCII characters without spaces, got one that is empty (not shown)",
  ],
  [
    "a Civo URL without TLS",
    { env: { CIVO_API_URL: "http://api.example.com" } },
    'CIVO_API_URL: expected https (http is for this machine only), got "http://api.example.com"; civo.allowInsecure: true lifts this',
  ],
  [
    "a Civo URL that names an address",
    { env: { CIVO_API_URL: "https://10.0.0.1" } },
    'CIVO_API_URL: expected a host name, not an IP address, got "https://10.0.0.1"; civo.allowInsecure: true lifts this',
  ],
  [
    "a Civo URL with more than an origin",
    { env: { CIVO_API_URL: "https://api.civo.com/v2" } },
    `CIVO_API_URL: expected an origin such as https://api.civo.com, without user, path or query, ${HIDDEN}`,
  ],
  [
    "a stalled interval that outlives the lock",
    { file: "timings: { stalledInterval: 30s }" },
    "timings.stalledInterval (agent.yaml): expected less than timings.lockDuration (30s), got 30s",
  ],
  [
    "a view that is blind on a quiet cluster",
    { file: "timings: { viewMaxAge: 29s }" },
    "timings.viewMaxAge (agent.yaml): expected at least twice timings.beatInterval and timings.viewProbeInterval together (30s), which is what a quiet cluster needs, got 29s",
  ],
  [
    "a probe too seldom for the age of a view",
    { env: { CIVO_NODE_AGENT_TIMINGS_VIEW_PROBE_INTERVAL: "1m" } },
    "timings.viewMaxAge: expected at least twice timings.beatInterval and timings.viewProbeInterval together (2m10s), which is what a quiet cluster needs, got 1m30s",
  ],
  [
    "a longest pause below the shortest",
    { env: { CIVO_NODE_AGENT_TIMINGS_WATCH_BACKOFF_MAX: "100ms" } },
    "CIVO_NODE_AGENT_TIMINGS_WATCH_BACKOFF_MAX: expected at least timings.watchBackoffMin (800ms), got 100ms",
  ],
  [
    "an unknown flag",
    { argv: ["--kubeconfg", "/x"] },
    "--kubeconfg: unknown flag; did you mean --kubeconfig?",
  ],
  [
    "a flag of Go's kind",
    { argv: ["-kubeconfig", "/x"] },
    "-kubeconfig: unknown flag; did you mean --kubeconfig?",
  ],
  ["a flag without its value", { argv: ["--context"] }, "--context: expected a value"],
  [
    "a flag that swallowed the next",
    { argv: ["--context", "--cluster=a"] },
    '--context: expected a value, got the flag "--cluster=a"',
  ],
  ["a stray argument", { argv: ["start"] }, 'unexpected argument "start"'],
  ["a file that is not there", { argv: ["--config", "no.yaml"] }, '--config "no.yaml": no such file'],
  ["a file that is not YAML", { file: "a: [1" }, "agent.yaml:1:6: not valid YAML (bad indent)"],
  ["a file that is a list", { file: "- a" }, "agent.yaml: expected a mapping of settings"],
  [
    "a key given twice",
    { file: "maxAttempts: 1\nmaxAttempts: 2" },
    "agent.yaml:2:1: not valid YAML (duplicate key)",
  ],
];

describe("a wrong configuration", () => {
  test.each(wrong)("with %s is refused in one clear message", (_what, given, fault) => {
    expect(faultsOf(given)).toEqual([fault]);
  });

  test("has all its faults reported together, across flags, environment, file and missing values", () => {
    const faults = faultsOf({
      argv: ["--bogus"],
      env: { CIVO_NODE_AGENT_METRICS_PORT: "80", CIVO_REGION: "LON1" },
      file: "monitorOnly: false\nclustr: x\nrebootWait: { gpu: soon }",
    });
    const subjects = faults.map((fault) => fault.split(":", 1)[0]?.split(" ", 1)[0]);
    expect(new Set(subjects)).toEqual(
      new Set([
        "--bogus",
        "CIVO_NODE_AGENT_METRICS_PORT",
        "clustr",
        "rebootWait.gpu",
        "CIVO_API_KEY",
        "CIVO_CLUSTER_ID",
      ]),
    );
    expect(faults).toHaveLength(6);
  });

  test("is reported as a list that a person can read", () => {
    expect(faultReport("worker", ["a: wrong", "b: wrong"])).toBe(
      "node-agent worker cannot start: 2 faults in its configuration\n  - a: wrong\n  - b: wrong\n",
    );
  });

  test("that multiplies aliases is refused without being unfolded", () => {
    const bomb = ["a: &a [x,x,x,x,x,x,x,x,x,x]"];
    for (const [from, to] of ["ab", "bc", "cd", "de", "ef"])
      bomb.push(`${to}: &${to} [${Array(10).fill(`*${from}`).join(",")}]`);
    expect(faultsOf({ file: bomb.join("\n") })).toEqual([
      "agent.yaml: not valid YAML (aliases cannot be resolved)",
    ]);
  });

  test("with keys of prototypes is refused like any unknown key", () => {
    expect(faultsOf({ file: "__proto__: { monitorOnly: false }\nconstructor: 1" })).toEqual([
      "__proto__ (agent.yaml): unknown key",
      "constructor (agent.yaml): unknown key",
    ]);
  });

  test.each(CONFIG_TABLE.filter(({ key }) => !key.includes("<")).map(({ key }) => key))(
    "that nests a mapping under %s is refused and names the key",
    (key) => {
      const nested = key
        .split(".")
        .reduceRight<unknown>((value, name) => ({ [name]: value }), { x: { y: 1 } });
      expect(faultsOf({ file: JSON.stringify(nested) })[0]).toContain(`${key} (agent.yaml): expected `);
    },
  );
});

describe("a configuration that is rarely meant", () => {
  const named = { CIVO_CLUSTER_ID: "abc" };
  const odd: [what: string, given: Given, warning: string][] = [
    [
      "an unparsable monitor-only variable",
      { env: { ...named, CIVO_NODE_AGENT_MONITOR_ONLY: "flase" } },
      'CIVO_NODE_AGENT_MONITOR_ONLY: expected true or false, got "flase"; staying in monitor-only mode',
    ],
    [
      "a GPU wait shorter than the standard one",
      { env: named, file: "rebootWait: { gpu: 5m }" },
      "rebootWait.gpu (5m) is shorter than rebootWait.standard (10m); GPU nodes usually take longer to boot",
    ],
    [
      "no checker enabled",
      {
        env: named,
        file: "checkers: { NodeReady: {enabled: false}, GPU: {enabled: false}, DiskPressure: {enabled: false}, Cilium: {enabled: false} }",
      },
      "every checker is disabled: no node will ever be judged",
    ],
    [
      "a grace time shorter than a call",
      { env: named, file: "timings: { shutdownGrace: 14s }" },
      "timings.shutdownGrace (14s) is shorter than a reboot call may take; a call cut off counts as a reboot",
    ],
    [
      "a cluster without a name",
      {},
      'the cluster has no name and is called "default"; set the key cluster, --cluster or CIVO_CLUSTER_ID',
    ],
  ];
  test.each(odd)("with %s works and is warned of", (_what, given, warning) => {
    expect(warningsOf(given)).toEqual([warning]);
  });
});
