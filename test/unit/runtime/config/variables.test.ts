import { describe, expect, test } from "vitest";
import { CONFIG_TABLE, type SettingRow } from "@node-agent/shared/runtime/config/table.ts";
import { RETIRED_VARIABLES } from "@node-agent/shared/runtime/config/unknown-variables.ts";
import type { Variable } from "@node-agent/shared/runtime/config/setting.ts";
import { configOf, faultsOf, load, warningsOf } from "./load-support.ts";

const both = (own: string, seed: string) => ({
  env: { CIVO_NODE_AGENT_MAX_ATTEMPTS: own, CIVO_NODE_MAX_REBOOT_RETRIES: seed },
});
const NAMED = { CIVO_CLUSTER_ID: "abc" };

describe("blanks and line breaks at the ends of a variable", () => {
  /** A valid value of each setting that has no default. */
  const samples: Readonly<Record<string, string>> = {
    cluster: "prod-eu",
    nodePools: "pool-1",
    nodeName: "w-07",
    redisNodes: "w-08",
    "paused.pools": "pool-2",
    "paused.nodes": "w-09",
    context: "prod",
    "redis.sentinels": "10.0.0.1:26379",
    "redis.name": "main",
    "redis.passwordFile": "/secrets/redis",
    "redis.sentinelPasswordFile": "/secrets/sentinel",
    "civo.apiKeyFile": "/secrets/civo",
    "console.allowedHosts": "dashboard.example.com",
    "civo.region": "LON1",
    "civo.clusterId": "cluster-1",
  };
  const files = Object.fromEntries(
    ["/secrets/redis", "/secrets/sentinel", "/secrets/civo"].map((path) => [path, "secret\n"]),
  );
  const needed: Readonly<Record<string, string>> = {
    CIVO_NODE_AGENT_REDIS_SENTINELS: "10.0.0.1:26379",
    CIVO_NODE_AGENT_REDIS_NAME: "main",
  };

  function plainOf({ key, default: fallback }: SettingRow, { unit }: Variable): string {
    const value = samples[key] ?? fallback;
    return unit === "minutes" ? value.replace(/m$/u, "") : value;
  }

  const variables = CONFIG_TABLE.flatMap((row) =>
    row.env.map((variable): [string, string] => [variable.name, plainOf(row, variable)]),
  );

  test.each(variables)("of %s mean nothing", (name, plain) => {
    expect(plain).not.toBe("");
    const others = /REDIS_(?:SENTINEL|NAME)/u.test(name) ? needed : {};
    const given = (value: string) => ({ env: { ...others, [name]: value }, files });
    expect(configOf(given(` ${plain}\n`))).toEqual(configOf(given(plain)));
  });

  test.each(["CIVO_API_KEY", "REDIS_PASSWORD"])("of the secret %s mean nothing", (name) => {
    const config = configOf({ env: { ...NAMED, [name]: " s3cret\n" } });
    const { redis, civo } = config;
    expect((name === "CIVO_API_KEY" ? civo.apiKey : redis.password)?.reveal()).toBe("s3cret");
  });

  test("mean nothing in the file and in flags either", () => {
    const file = 'civo: { region: "LON1\\n", clusterId: " abc" }\nlogLevel: "debug\\n"\nnodePools: ["p1 "]\n';
    expect(configOf({ file, argv: ["--context", "prod\n"] })).toMatchObject({
      civo: { region: "LON1", clusterId: "abc" },
      cluster: "abc",
      context: "prod",
      logLevel: "debug",
      nodePools: ["p1"],
    });
  });
});

describe("an unknown variable", () => {
  test.each([
    ["CIVO_NODE_AGENT_METRIC_PORT", "; did you mean CIVO_NODE_AGENT_METRICS_PORT?"],
    ["CIVO_NODE_AGENT_REBOOT_WAIT_MINUTES", "; did you mean CIVO_NODE_REBOOT_WAIT_MINUTES?"],
    ["CIVO_NODE_AGENT_API_KEY", "; did you mean CIVO_API_KEY?"],
    ["CIVO_NODE_AGENT_QWFPGJLUY_ZXCDVKHM_ARSTDHNEIO", "; --help lists all"],
  ])("of our own prefix is a fault: %s", (name, advice) => {
    expect(faultsOf({ env: { ...NAMED, [name]: "1" } })).toEqual([`${name}: unknown variable${advice}`]);
  });

  test("of our own prefix is reported together with every other fault", () => {
    const env = { CIVO_NODE_AGENT_PAUSE_FLEET: "true", CIVO_NODE_AGENT_MAX_ATTEMPTS: "none", CIVO_X: "1" };
    expect(faultsOf({ env })).toEqual([
      "CIVO_NODE_AGENT_PAUSE_FLEET: unknown variable; did you mean CIVO_NODE_AGENT_PAUSED_FLEET?",
      'CIVO_NODE_AGENT_MAX_ATTEMPTS: expected a whole number from 1 to 100, got "none"',
    ]);
  });

  test.each([
    ["CIVO_NODE_POOLS_ID", "; did you mean CIVO_NODE_POOL_ID?"],
    ["CIVO_NODE_MAX_REBOOT_RETRY", "; did you mean CIVO_NODE_MAX_REBOOT_RETRIES?"],
    ["CIVO_TOKEN_OF_SOME_OTHER_TOOL", ""],
  ])("of the seed's prefix is warned of: %s", (name, advice) => {
    expect(warningsOf({ env: { ...NAMED, [name]: "1" } })).toEqual([
      `${name}: unknown variable, ignored${advice}`,
    ]);
  });

  test.each([...RETIRED_VARIABLES])("that is retired is warned of with what to do: %s", (name, instead) => {
    expect(warningsOf({ env: { ...NAMED, [name]: "8" } })).toEqual([`${name}: retired, ignored; ${instead}`]);
  });

  test("of another prefix is nobody's business", () => {
    expect(warningsOf({ env: { ...NAMED, HOME: "/root", NODE_OPTIONS: "", CIVONODE: "1" } })).toEqual([]);
  });

  test("that Kubernetes makes for a Service is neither a fault nor warned of", () => {
    const env = {
      ...NAMED,
      CIVO_NODE_AGENT_SERVICE_HOST: "10.43.0.1",
      CIVO_NODE_AGENT_SERVICE_PORT: "9625",
      CIVO_NODE_AGENT_SERVICE_PORT_METRICS: "9625",
      CIVO_NODE_AGENT_PORT: "tcp://10.43.0.1:9625",
      CIVO_NODE_AGENT_PORT_9625_TCP: "tcp://10.43.0.1:9625",
      CIVO_NODE_AGENT_PORT_9625_TCP_ADDR: "10.43.0.1",
      CIVO_NODE_AGENT_WORKER_PORT: "sctp://10.43.0.1:9625",
      CIVO_NODE_AGENT_WORKER_PORT_9625_SCTP_PROTO: "sctp",
      CIVO_CSI_SERVICE_HOST: "10.43.0.2",
    };
    expect(warningsOf({ env })).toEqual([]);
  });

  test("with an empty value is a mistake all the same", () => {
    expect(faultsOf({ env: { ...NAMED, CIVO_NODE_AGENT_PAUSE_FLEET: "" } })).toHaveLength(1);
  });

  test("is never quoted: it may hold a key", () => {
    const result = load({ env: { CIVO_NODE_AGENT_KEY: "s3cret", CIVO_KEY: "s3cret" } });
    expect(JSON.stringify(result)).not.toContain("s3cret");
  });
});

describe("CIVO_NODE_MAX_REBOOT_RETRIES, the name of the Go agent 0.2.0", () => {
  test.each(["1", " 5\n", "100"])("means maxAttempts, the first reboot included (%j)", (value) => {
    expect(configOf({ env: { CIVO_NODE_MAX_REBOOT_RETRIES: value } }).maxAttempts).toBe(Number(value));
  });

  test("wins over the file, as every variable does", () => {
    const env = { CIVO_NODE_MAX_REBOOT_RETRIES: "5" };
    expect(configOf({ env, file: "maxAttempts: 2" }).maxAttempts).toBe(5);
  });

  test("may stand beside our own name only with the same value", () => {
    expect(configOf(both("4", " 4")).maxAttempts).toBe(4);
    expect(faultsOf(both("4", "5"))).toEqual([
      "CIVO_NODE_AGENT_MAX_ATTEMPTS and CIVO_NODE_MAX_REBOOT_RETRIES: set together with different values; set only one of them",
    ]);
  });

  test.each(["0", "-1", "many"])("is refused when it is no number of reboots (%s)", (value) => {
    expect(faultsOf({ env: { CIVO_NODE_MAX_REBOOT_RETRIES: value } })).toEqual([
      `CIVO_NODE_MAX_REBOOT_RETRIES: expected a whole number from 1 to 100, got "${value}"`,
    ]);
  });
});
