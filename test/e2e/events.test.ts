import { describe, expect, test } from "vitest";
import { RedisPlanStore } from "@node-agent/shared/redis/plan-store.ts";
import { annotate, eventsIn, type ToldEvent } from "../support/cluster-events.ts";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";

const topology = useTopology({
  // One node stays well: a pool that is down as a whole would hold every reboot.
  pools: [{ name: "standard", nodeNames: ["sick", "opted-out", "silent", "well"] }],
  workers: 2,
  // Several plans long, so that each hold is told by one.
  config: { checkers: { NodeReady: { threshold: "1500ms" } } },
});

async function told(node: string): Promise<ToldEvent[]> {
  const all = await eventsIn(topology().simulator.kubeconfig);
  return all.filter(({ involvedObject }) => involvedObject.name === node);
}

const story = (events: readonly ToldEvent[]): string[] =>
  events.map(({ reason, message }) =>
    reason === "RebootHeld" ? `held by ${message.split(" ")[0]}` : reason,
  );

describe("what two workers tell the people of a cluster", () => {
  test("of a node that a reboot cures: each step once", async () => {
    await topology().simulator.break("sick", "not-ready");
    expect(await topology().recovered("sick")).toHaveLength(1);
    const events = await eventually(async () => {
      const all = await told("sick");
      expect(story(all)).toContain("RebootVerified");
      expect(story(all)).toContain("NodeRecovered");
      return all;
    });
    const steps = story(events);
    expect(steps.filter((step) => !step.startsWith("held")).toSorted()).toEqual([
      "NodeRecovered",
      "RebootRequested",
      "RebootVerified",
    ]);
    expect(steps).toEqual(expect.arrayContaining(["held by Threshold", "held by WaitWindow"]));
    // A gate that holds twice in a row was told twice.
    const held = steps.filter((step) => step.startsWith("held"));
    expect(held.filter((step, i) => step === held[i - 1])).toEqual([]);
    const { uid } = await topology().simulator.node("sick");
    expect(new Set(events.map(({ involvedObject }) => involvedObject.uid))).toEqual(new Set([uid]));
  });

  test("of a gate that holds although it was asked many times: once", async () => {
    const { simulator } = topology();
    await annotate(simulator.kubeconfig, "opted-out", "node-agent.civo.com/opt-out", "true");
    await simulator.break("opted-out", "not-ready");
    await eventually(
      async () => expect(story(await told("opted-out"))).toEqual(["held by Threshold", "held by OptOut"]),
      { within: 30_000 },
    );
    const { redis, simulator: api } = topology();
    const reads = async (): Promise<number> =>
      (await api.requests("kubernetes")).filter(({ path }) => path === "/api/v1/nodes/opted-out").length;
    const plans = new RedisPlanStore(redis.client, topology().keys);
    const plannedAt = async (): Promise<number> => (await plans.latest())?.at ?? 0;
    const before = { reads: await reads(), plannedAt: await plannedAt() };
    // About ten plans: each asks the gate, and none reads the node.
    await eventually(async () => expect(await plannedAt()).toBeGreaterThan(before.plannedAt + 2000));
    expect(await reads()).toBe(before.reads);
    expect(story(await told("opted-out"))).toEqual(["held by Threshold", "held by OptOut"]);
  });

  test("of a cluster that allows no events: nothing, and the node is cured all the same", async () => {
    const { simulator } = topology();
    const match = { method: "POST", path: "/api/v1/namespaces/default/events" };
    await simulator.command({
      do: "fault",
      fault: { api: "kubernetes", effect: "status", status: 403, match },
    });
    await simulator.break("silent", "not-ready");
    expect(await topology().recovered("silent")).toHaveLength(1);
    expect(await told("silent")).toEqual([]);
    const said = topology().logs({ msg: "no Kubernetes Events are written: this is not allowed" });
    expect(said.length).toBeGreaterThanOrEqual(1);
    // Each worker asks once, says so once, and leaves the server alone.
    expect(said.length).toBeLessThanOrEqual(2);
    const refused = (await simulator.requests("kubernetes")).filter(({ status }) => status === 403);
    expect(refused).toHaveLength(said.length);
  });
});
