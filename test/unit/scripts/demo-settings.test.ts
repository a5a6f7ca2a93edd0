import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { loadConfig } from "@node-agent/shared/runtime/config/load.ts";
import { parseDuration } from "@node-agent/shared/runtime/config/durations.ts";
import { CONFIG_TABLE } from "@node-agent/shared/runtime/config/table.ts";
import { realConfig, REAL_SPANS, scaledConfig, scaledValues, SPEED } from "../../../scripts/demo/settings.ts";

const CONNECTIONS = { cluster: "demo", kubeconfig: "/run/kubeconfig", redisUrl: "redis://127.0.0.1:1234" };
const DURATIONS = CONFIG_TABLE.filter(({ isDuration, key }) => isDuration && !key.includes("<"));
const LIMITS = CONFIG_TABLE.filter(({ key }) => /^limits\.(?:rate\.count|nodePerDay)$/u.test(key));
const SCALED = DURATIONS.filter(({ key }) => REAL_SPANS[key] === undefined);

function load(yaml: string) {
  const argv = ["--config", "demo.yaml"];
  const env = { CIVO_API_KEY: "k", CIVO_REGION: "LON1", CIVO_CLUSTER_ID: "c" };
  const loaded = loadConfig({ role: "worker", argv, env, readFile: () => yaml });
  if (loaded.kind !== "Loaded") throw new Error(JSON.stringify(loaded));
  return loaded.config;
}

/** The value of a key such as `storm.settle`. */
function valueOf(config: unknown, key: string): unknown {
  return key.split(".").reduce<unknown>((part, name) => (part as Record<string, unknown>)[name], config);
}

describe("the settings of the demo", () => {
  const config = load(scaledConfig(CONNECTIONS));

  test("there are spans in the schema, those of the breaker and of the ledger among them", () => {
    const keys = DURATIONS.map(({ key }) => key);
    expect(keys).toEqual(expect.arrayContaining(["storm.settle", "breaker.youngFor", "ledger.margin"]));
    // What reads like a span and is not declared as one would not be scaled.
    const looks = CONFIG_TABLE.filter(({ default: text }) => /^\d+(?:ms|[smhd])$/u.test(text));
    for (const { key } of looks) expect(keys).toContain(key);
  });

  test.each(SCALED.map(({ key, default: span }) => [key, span]))("%s is a sixtieth of %s", (key, span) => {
    const exact = (parseDuration(span) ?? 0) / SPEED;
    // Below 50 ms timers and round trips are what takes the time.
    expect(valueOf(config, key)).toBe(exact === 0 ? 0 : Math.max(50, Math.round(exact)));
  });

  test.each(Object.entries(REAL_SPANS))("%s is a real span of %s, and a setting that exists", (key, span) => {
    expect(DURATIONS.map((row) => row.key)).toContain(key);
    expect(valueOf(config, key)).toBe(parseDuration(span));
  });

  test("every limit per hour or day lets as many more through as the demo is faster", () => {
    expect(LIMITS.map(({ key }) => key)).toEqual(["limits.rate.count", "limits.nodePerDay"]);
    for (const { key, default: limit } of LIMITS)
      expect([key, valueOf(config, key)]).toEqual([key, Number(limit) * SPEED]);
  });

  test("nothing else differs from production but the size of the fleet", () => {
    const spans = new Set([...DURATIONS, ...LIMITS].map(({ key }) => key));
    const others = Object.keys(scaledValues()).filter((key) => !spans.has(key));
    expect(others).toEqual(["limits.open.zone.count", "limits.open.cluster.count"]);
    expect(config.checkers.GPU).toMatchObject({ enabled: true, action: "Reboot" });
  });

  test("name Redis, kubeconfig and cluster, so that a command needs the file alone", () => {
    expect(config).toMatchObject({
      cluster: "demo",
      monitorOnly: false,
      kubeconfig: "/run/kubeconfig",
      redis: { kind: "standalone", host: "127.0.0.1", port: 1234 },
    });
  });
});

describe("the settings for a real cluster", () => {
  test("are those of production, monitor-only and without a word to the cluster", () => {
    const yaml = realConfig({ ...CONNECTIONS, context: "prod" });
    const config = load(yaml);
    expect(config).toMatchObject({ monitorOnly: true, events: false, context: "prod" });
    expect(Object.keys(parse(yaml) as object).toSorted()).toEqual([
      "cluster",
      "console",
      "context",
      "events",
      "kubeconfig",
      "metricsHost",
      "metricsPort",
      "monitorOnly",
      "redis",
      "timings",
    ]);
  });

  test("hold no address of Redis when that has a password", () => {
    const { redisUrl: _, ...rest } = CONNECTIONS;
    expect(parse(realConfig(rest))).not.toHaveProperty("redis");
  });
});
