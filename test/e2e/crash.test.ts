import { describe, expect, test } from "vitest";
import { TIMES } from "../support/agent-config.ts";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";
import type { Agent } from "../support/topology-agent.ts";

/** The steps of an incident; a node stands at each of them when the blow falls. */
const STEPS = ["unhealthy", "pending", "call-done", "call-lost", "recovering", "waiting"] as const;

/** What is hit. A victim comes back with its data, if it has any. */
const VICTIMS = ["a-watcher", "the-worker", "all-agents", "redis-killed", "redis-stopped"] as const;
type Victim = (typeof VICTIMS)[number];

const topology = useTopology({
  pools: [
    {
      name: "standard",
      // One node stays well: a pool that is down as a whole would hold every reboot.
      nodeNames: [...VICTIMS.flatMap((victim) => STEPS.map((step) => `${victim}-${step}`)), "well"],
    },
  ],
  watchers: 2,
  workers: 2,
  // A boot takes long enough to be caught in the middle of it.
  simulator: { timings: { boot: "1500ms", kubeletReady: "500ms" } },
});
const within = 60_000;

/** Brings a node to every step at once; the fresh ones last, so that the blow falls while they are fresh. */
async function standAtEveryStep(victim: Victim): Promise<void> {
  const { simulator } = topology();
  for (const [step, effect] of [
    ["call-done", "execute-then-hang"],
    ["call-lost", "hang"],
  ] as const) {
    const { instanceId } = await simulator.node(`${victim}-${step}`);
    const match = { method: "POST", path: `/v2/instances/${instanceId}/hard_reboots` };
    await simulator.command({ do: "fault", fault: { api: "civo", effect, times: 1, match } });
  }
  await simulator.break(`${victim}-waiting`, "not-ready", { curedByReboot: 2 });
  for (const step of ["recovering", "call-done", "call-lost"])
    await simulator.break(`${victim}-${step}`, "not-ready");
  await eventually(
    async () => {
      for (const step of ["waiting", "recovering"]) {
        const record = await topology().record(`${victim}-${step}`);
        expect(record?.lastReboot?.outcome).toBe("Accepted");
      }
      for (const step of ["call-done", "call-lost"]) {
        const calls = await topology().rebootCalls(`${victim}-${step}`);
        expect(calls).toMatchObject([{ method: "POST" }]);
        expect(calls[0]?.status).toBeUndefined();
      }
    },
    { within },
  );
  await simulator.break(`${victim}-pending`, "disk-pressure");
  await eventually(async () => expect(await topology().pendingReboot(`${victim}-pending`)).toBeDefined(), {
    within,
  });
  await simulator.break(`${victim}-unhealthy`, "disk-pressure");
}

/** The worker that waits for the answer to this node's reboot call. */
function callerOf(node: string): readonly Agent[] {
  return topology()
    .workers()
    .filter((worker) =>
      worker.logs().some((line) => line["event"] === "RebootRequested" && line["node"] === node),
    );
}

async function hit(victim: Victim): Promise<void> {
  const { redis } = topology();
  switch (victim) {
    case "a-watcher":
      return killAndReplace(topology().watchers().slice(0, 1));
    case "the-worker":
      return killAndReplace(callerOf(`${victim}-call-done`));
    case "all-agents":
      return killAndReplace([...topology().watchers(), ...topology().workers()]);
    case "redis-killed":
    case "redis-stopped":
      await redis.stop(victim === "redis-killed" ? "SIGKILL" : "SIGTERM");
      return redis.start();
    default:
      return victim satisfies never;
  }
}

async function killAndReplace(agents: readonly Agent[]): Promise<void> {
  expect(agents).not.toEqual([]);
  await Promise.all(agents.map(async (agent) => agent.kill9()));
  await Promise.all(agents.map(async (agent) => topology().replace(agent)));
}

describe("whatever is killed and comes back, at whatever step of an incident, no reboot is lost or repeated", () => {
  test.each([
    { victim: "a-watcher", blow: "kill -9 of one of two watchers" },
    { victim: "the-worker", blow: "kill -9 of the worker whose calls are in flight" },
    { victim: "all-agents", blow: "kill -9 of every watcher and worker at once" },
    { victim: "redis-killed", blow: "kill -9 of Redis" },
    { victim: "redis-stopped", blow: "a restart of Redis" },
  ] as const)("$blow", async ({ victim }) => {
    await standAtEveryStep(victim);
    await hit(victim);

    const reboots = new Map<string, number>();
    for (const step of STEPS) {
      reboots.set(step, (await topology().recovered(`${victim}-${step}`)).length);
    }
    expect(Object.fromEntries(reboots)).toEqual({
      unhealthy: 1,
      pending: 1,
      "call-done": 1,
      "call-lost": 1,
      recovering: 1,
      waiting: 2,
    });
    expect(await topology().rebootCalls(`${victim}-call-done`)).toHaveLength(1);
    // The call that got lost may have happened: it is repeated only after a whole wait.
    const [lost, repeated, ...more] = await topology().rebootCalls(`${victim}-call-lost`);
    expect(more).toEqual([]);
    expect(repeated?.at).toBeGreaterThanOrEqual((lost?.at ?? Infinity) + TIMES.wait.standard);
  });
});
