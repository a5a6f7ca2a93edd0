import { describe, expect, test } from "vitest";
import { MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import { policyOf } from "@node-agent/shared/runtime/config/config.ts";
import { VERSION } from "@node-agent/shared/runtime/version.ts";
import { configOf, load } from "./load-support.ts";

const ISSUE_FILE = `
cluster: prod-eu                 # or CIVO_CLUSTER_ID
monitorOnly: true
nodePools: []
checkers:
  NodeReady:    { enabled: true, threshold: 5m }
  GPU:          { enabled: true, threshold: 10m }
  DiskPressure: { enabled: true, threshold: 30m }
  Cilium:       { enabled: true, threshold: 10m }
rebootWait:  { standard: 10m, gpu: 40m }
maxAttempts: 3
resyncInterval: 30s
startupGrace: 10m
limits: { rate: { count: 10, percent: 3 } }
`;

describe("the configuration", () => {
  test("printed in the issue is taken as it stands and equals the defaults", () => {
    expect(configOf({ file: ISSUE_FILE })).toEqual({ ...configOf({}), cluster: "prod-eu" });
  });

  test("without anything given is the seed's: monitor-only, 9625, 10 and 40 minutes, every node", () => {
    expect(configOf({})).toMatchObject({
      cluster: "default",
      monitorOnly: true,
      nodePools: [],
      metricsPort: 9625,
      kubeconfig: "/etc/rancher/k3s/k3s.yaml",
      rebootWait: { standard: 10 * MINUTE, gpu: 40 * MINUTE },
      resyncInterval: 30 * SECOND,
      limits: { rate: { count: 10, percent: 3 } },
      redis: { kind: "standalone", host: "127.0.0.1", port: 6379, db: 0 },
      civo: { url: "https://api.civo.com", allowInsecure: false },
    });
  });

  test("gives the core its policy, whose defaults are the core's own", () => {
    expect(policyOf(configOf({}))).toEqual(DEFAULT_POLICY);
  });

  test("takes flags over environment over file over defaults", () => {
    const file = "logLevel: debug";
    const env = { CIVO_NODE_AGENT_LOG_LEVEL: "warn" };
    expect(configOf({}).logLevel).toBe("info");
    expect(configOf({ file }).logLevel).toBe("debug");
    expect(configOf({ file, env }).logLevel).toBe("warn");
    expect(configOf({ file, env, argv: ["--log-level", "trace"] }).logLevel).toBe("trace");
  });

  test("merges sections key by key", () => {
    const config = configOf({
      file: "rebootWait: { standard: 7m }",
      env: { CIVO_GPU_NODE_REBOOT_WAIT_MINUTES: "0.5" },
    });
    expect(config.rebootWait).toEqual({ standard: 7 * MINUTE, gpu: 30 * SECOND });
  });

  test("counts empty variables and empty keys as not set", () => {
    const env = {
      CIVO_NODE_AGENT_METRICS_PORT: "",
      CIVO_NODE_POOL_ID: " ",
      CIVO_NODE_AGENT_MONITOR_ONLY: "",
    };
    expect(configOf({ env, file: "rebootWait:\nredis:\n  url:\n" })).toEqual(configOf({}));
  });

  test("is frozen in depth", () => {
    const config = configOf({});
    expect(
      Object.isFrozen(config) && Object.isFrozen(config.timings) && Object.isFrozen(config.checkers.GPU),
    ).toBe(true);
  });

  test("adds up both pool variables, trimmed and without repetition", () => {
    const env = { CIVO_NODE_POOL_ID: "a", CIVO_NODE_POOL_IDS: "b, a,c," };
    expect(new Set(configOf({ env }).nodePools)).toEqual(new Set(["a", "b", "c"]));
    expect(configOf({ env }).nodePools).toHaveLength(3);
  });

  test("takes an empty kubeconfig as in-cluster, by flag and by file", () => {
    expect(configOf({ argv: ["--kubeconfig", ""] }).kubeconfig).toBe("");
    expect(configOf({ argv: ["--kubeconfig="] }).kubeconfig).toBe("");
    expect(configOf({ file: "kubeconfig: ''" }).kubeconfig).toBe("");
  });

  test("takes port 0 by flag and key, for tests", () => {
    expect(configOf({ argv: ["--metrics-port", "0"] }).metricsPort).toBe(0);
    expect(configOf({ file: "metricsPort: 0" }).metricsPort).toBe(0);
  });

  test("names the cluster by flag, key, then CIVO_CLUSTER_ID, so that watcher and worker agree on the prefix", () => {
    const env = { CIVO_CLUSTER_ID: "5f2c" };
    expect(configOf({ env }).cluster).toBe("5f2c");
    expect(configOf({ env, file: "cluster: prod-eu" })).toMatchObject({
      cluster: "prod-eu",
      civo: { clusterId: "5f2c" },
    });
    expect(configOf({ env, file: "cluster: prod-eu", argv: ["--cluster", "c"] }).cluster).toBe("c");
  });
});

describe("monitor-only mode", () => {
  test.each([
    [{}, true],
    [{ CIVO_NODE_AGENT_MONITOR_ONLY: "" }, true],
    [{ CIVO_NODE_AGENT_MONITOR_ONLY: "nonsense" }, true],
    [{ CIVO_NODE_AGENT_MONITOR_ONLY: "true" }, true],
    [{ CIVO_NODE_AGENT_MONITOR_ONLY: "1" }, true],
    [{ CIVO_NODE_AGENT_MONITOR_ONLY: "false" }, false],
    [{ CIVO_NODE_AGENT_MONITOR_ONLY: "FALSE" }, false],
    [{ CIVO_NODE_AGENT_MONITOR_ONLY: "0" }, false],
  ])("with %j is %s", (env, expected) => {
    expect(configOf({ role: "watcher", env, argv: ["--cluster", "c"] }).monitorOnly).toBe(expected);
  });

  test("stays when the variable cannot be parsed, even if the file says active", () => {
    const env = { CIVO_NODE_AGENT_MONITOR_ONLY: "off" };
    expect(configOf({ env, file: "monitorOnly: false" }).monitorOnly).toBe(true);
  });

  test("is switched by a flag with or without a value", () => {
    const file = "monitorOnly: false\ncluster: c";
    expect(configOf({ role: "watcher", file }).monitorOnly).toBe(false);
    expect(configOf({ role: "watcher", file, argv: ["--monitor-only"] }).monitorOnly).toBe(true);
    expect(configOf({ role: "watcher", argv: ["--monitor-only=false", "--cluster=c"] }).monitorOnly).toBe(
      false,
    );
  });

  test("needs nothing of Civo, and a watcher never does", () => {
    expect(configOf({ role: "worker" }).civo.apiKey).toBeUndefined();
    const file = "monitorOnly: false\ncluster: c";
    expect(configOf({ role: "watcher", file }).civo.apiKey).toBeUndefined();
  });
});

describe("the command line", () => {
  test.each([["--help"], ["-h"]])("%s explains the flags and variables, whatever else is wrong", (flag) => {
    const result = load({ argv: [flag, "--bogus"] });
    expect(result).toMatchObject({ kind: "Help" });
    const text = result.kind === "Help" ? result.text : "";
    expect(text).toContain("--kubeconfig <value>");
    expect(text).toContain("CIVO_GPU_NODE_REBOOT_WAIT_MINUTES");
    expect(text).toContain("CIVO_API_KEY");
  });

  test.each([["--version"], ["-v"]])("%s prints the version", (flag) => {
    expect(load({ argv: [flag] })).toEqual({ kind: "Version", text: VERSION });
  });
});
