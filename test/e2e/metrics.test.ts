import { spawnSync } from "node:child_process";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";
import { samplesOf, type Agent } from "../support/topology-agent.ts";

const INCIDENTS = 100;

const topology = useTopology({
  pools: [
    { name: "standard", count: INCIDENTS },
    { name: "gpu", count: 2, gpus: 8 },
  ],
  workers: 2,
  // Nobody is rebooted here: what ends an incident is recovery or deletion.
  config: { checkers: { DiskPressure: { threshold: "10m" } } },
});

/** The worker that began a repair, once one did. */
let doer: Agent | undefined;

/** The seed agent's metrics with their labels; dashboards that know them go on working. */
const SEED_METRICS = [
  { role: "worker", name: "civo_node_agent_info", labels: ["version", "cluster_id"] },
  { role: "watcher", name: "civo_node_agent_info", labels: ["version", "cluster_id"] },
  { role: "worker", name: "civo_node_agent_health_check_total", labels: ["checker", "result"] },
  { role: "worker", name: "civo_node_agent_recovery_actions_total", labels: ["action", "mode"] },
  { role: "worker", name: "civo_node_agent_recovery_failures_total", labels: ["action"] },
  { role: "worker", name: "civo_node_agent_reconcile_errors_total", labels: ["reason"] },
  { role: "worker", name: "civo_node_agent_node_unhealthy_duration_seconds", labels: ["node"] },
  { role: "worker", name: "civo_node_agent_recovery_phase", labels: ["node", "phase"] },
] as const;

async function page(role: "watcher" | "worker"): Promise<string> {
  const [agent] = role === "watcher" ? topology().watchers() : topology().workers();
  return (await agent?.get("/metrics"))?.body ?? "";
}

/** Names of the nodes that any per-node series of a worker speaks of. */
async function nodesShown(): Promise<Set<string>> {
  const shown = new Set<string>();
  for (const worker of topology().workers()) {
    for (const { labels } of samplesOf((await worker.get("/metrics")).body)) {
      if (labels["node"] !== undefined) shown.add(labels["node"]);
    }
  }
  return shown;
}

describe("/metrics", () => {
  test("shows every node of 100 incidents while they last, and none of them afterwards", async () => {
    const { simulator } = topology();
    await simulator.command({ do: "break", pool: "standard", fault: "disk-pressure" });
    await eventually(async () => expect((await nodesShown()).size).toBe(INCIDENTS), { within: 60_000 });

    const names = (await simulator.truth()).filter(({ gpus }) => gpus === 0).map(({ name }) => name);
    for (const node of names.slice(0, 10)) await simulator.command({ do: "delete", node });
    await simulator.command({ do: "heal", pool: "standard" });
    await eventually(async () => expect([...(await nodesShown())]).toEqual([]), { within: 60_000 });
    const healthy = await topology().workers()[0]?.metric("civo_node_agent_nodes", { phase: "Healthy" });
    expect(healthy).toBe(INCIDENTS + 2 - 10);
    expect(await topology().workers()[0]?.metric("civo_node_agent_nodes")).toBe(healthy);
    // Records are written first, and then the jobs of those that are well are taken away.
    await eventually(async () => expect(await topology().pendingReboots()).toEqual([]), { within: 60_000 });
  });

  describe("once a repair was begun and has failed", () => {
    beforeAll(async () => {
      const { simulator } = topology();
      const fault = { api: "civo", effect: "status", status: 500, match: { method: "POST" } };
      await simulator.command({ do: "fault", fault });
      await simulator.command({
        do: "break",
        pool: "gpu",
        count: 1,
        fault: "lose-gpus",
        curedByReboot: false,
      });
      await eventually(() => expect(topology().logs({ event: "RebootAnswered" })).toHaveLength(1), {
        within: 60_000,
      });
      // One worker did it, and it is asked about it.
      doer = topology()
        .workers()
        .find((worker) => worker.logs().some(({ event }) => event === "RebootAnswered"));
    });

    test.each(SEED_METRICS)(
      "$name of a $role keeps the seed's name and labels",
      async ({ role, ...metric }) => {
        const [watcher] = topology().watchers();
        const answer = await (role === "watcher" ? watcher : doer)?.get("/metrics");
        const sample = samplesOf(answer?.body ?? "").find(({ name }) => name === metric.name);
        expect(Object.keys(sample?.labels ?? {})).toEqual(
          expect.arrayContaining([...metric.labels, "cluster"]),
        );
      },
    );
  });

  test("has a type and a help for each of the seed's metrics", async () => {
    for (const { role, name } of SEED_METRICS) {
      expect(await page(role)).toMatch(new RegExp(`^# HELP ${name} .+$`, "mu"));
      expect(await page(role)).toMatch(new RegExp(`^# TYPE ${name} (?:counter|gauge)$`, "mu"));
    }
  });
});

const hasPromtool = spawnSync("promtool", ["--version"]).error === undefined;

describe.skipIf(!hasPromtool)(
  `promtool check metrics${hasPromtool ? "" : " (skipped: promtool is not on the PATH)"}`,
  () => {
    test.each(["watcher", "worker"] as const)("accepts what a %s serves", async (role) => {
      const input = await page(role);
      const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
        input,
        encoding: "utf8",
      });
      expect(`${stdout}${stderr}`).toBe("");
      expect(status).toBe(0);
      // It reads nothing as well; this page had something in it.
      expect(input).toContain("civo_node_agent_build_info");
    });
  },
);
