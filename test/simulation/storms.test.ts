import { afterEach, describe, expect, test } from "vitest";
import { withPause } from "@node-agent/shared/core/ledger/steps.ts";
import { HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { Drill, LONG_ENOUGH, type DrillOptions } from "./drills.ts";
import { change, grant } from "./ledger-incidents.ts";
import { limitsOfCounts } from "../support/limits.ts";
import { waitsFor } from "./forgotten.ts";
import { mostOf } from "./most.ts";
import { DEFAULTS, type Settings } from "./settings.ts";

let drill: Drill;
afterEach(() => {
  drill.end();
});

async function aFleet(options: DrillOptions): Promise<Drill> {
  drill = new Drill(options);
  await drill.start();
  return drill;
}

/** The agent as it is out of the box, but without a limit on how much may fail or be rebooted at once. */
const UNLIMITED: Settings = {
  ...DEFAULTS,
  policy: {
    ...DEFAULTS.policy,
    limits: limitsOfCounts(),
    breaker: { ...DEFAULTS.policy.breaker, floor: 10_000 },
    cureRate: { ...DEFAULTS.policy.cureRate, slowBelow: 0, stopBelow: 0 },
  },
};

test("one node that fails alone is rebooted: the drills below are not calm for want of an agent", async () => {
  await aFleet({ nodes: 60 });
  drill.sicken(drill.machines.slice(0, 1), "notReady");
  await drill.run(LONG_ENOUGH);
  expect(drill.calls).toBe(1);
  expect(drill.violations).toEqual([]);
});

test("all nodes Unknown, as when a control plane loses its nodes: no call", async () => {
  await aFleet({ nodes: 100 });
  drill.sicken(drill.machines, "silent");
  await drill.run(LONG_ENOUGH);
  expect(drill.calls).toBe(0);
  expect(waitsFor(drill.world, "node-7")).toBe("Breaker");
});

describe("60 % NotReady, as at Datadog on 8 March 2023", () => {
  test("no call, however long it lasts", async () => {
    await aFleet({ nodes: 100 });
    drill.sicken(
      drill.machines.filter((_, i) => i % 5 < 3),
      "notReady",
    );
    await drill.run(LONG_ENOUGH);
    expect(drill.calls).toBe(0);
    expect(waitsFor(drill.world, "node-0")).toBe("Breaker");
  });

  test("a reboot was the cure: with an operator's grant two nodes, then as many as the limits allow", async () => {
    await aFleet({ nodes: 200 });
    const { world } = drill;
    drill.sicken(
      drill.machines.filter((_, i) => i % 5 < 3),
      "notReady",
    );
    await drill.run(20 * MINUTE);
    expect(drill.calls).toBe(0);
    expect(await grant(world)).toBe(true);
    await drill.run(40 * MINUTE);
    expect(drill.violations).toEqual([]);
    const open = world.truth.executions.map(({ openOthers }) => openOthers);
    const { limits } = DEFAULTS.policy;
    // How many were open beside each: at most one beside the first two, then as many as the cluster's limit of four.
    expect(Math.max(...open.slice(0, 2))).toBeLessThanOrEqual(1);
    expect(Math.max(...open)).toBeGreaterThan(1);
    expect(Math.max(...open)).toBeLessThan(mostOf(limits.open.cluster, 200));
    expect(drill.calls).toBeGreaterThanOrEqual(2 + 4);
    expect(drill.calls).toBeLessThanOrEqual(mostOf(limits.rate, 200));
  });

  test("where reboots do not cure, a grant costs two, then one at a time", async () => {
    await aFleet({ nodes: 200 });
    const { world } = drill;
    world.weather.cloud.uncured = 1;
    drill.sicken(
      drill.machines.filter((_, i) => i % 5 < 3),
      "notReady",
    );
    await drill.run(20 * MINUTE);
    expect(await grant(world)).toBe(true);
    const lasts = 70 * MINUTE;
    await drill.run(lasts);
    // A result is known when the checker has failed for its threshold since the boot.
    const { threshold } = DEFAULTS.policy.checkers.NodeReady;
    expect(drill.calls).toBeLessThanOrEqual(2 + lasts / threshold);
    const open = world.truth.executions.map(({ openOthers }) => openOthers);
    expect(Math.max(...open)).toBeLessThanOrEqual(1);
    expect(Math.max(...open.slice(2))).toBe(0);
  });
});

test("one checker that fails everywhere, as after a change of labels (Reddit, 14 March 2023): no call", async () => {
  await aFleet({ nodes: 100 });
  drill.sicken(drill.machines, "cilium");
  await drill.run(LONG_ENOUGH);
  expect(drill.calls).toBe(0);
});

test("an API server that comes and goes, while nodes fall silent and come back: no call for a healthy node", async () => {
  await aFleet({ nodes: 60 });
  const { random } = drill.world;
  await drill.runWith(2 * HOUR, 3 * MINUTE, (round) => {
    drill.apiServer(round % 2 === 0);
    drill.heal(drill.machines);
    if (round % 2 === 1) drill.sicken([random.pick(drill.machines)], "silent");
  });
  expect(drill.calls).toBe(0);
});

test("1,000 nodes that flap: never more than the limits allow, and nothing once so many fail that it is one failure", async () => {
  await aFleet({ nodes: 1000 });
  const { world } = drill;
  const perHour = mostOf(DEFAULTS.policy.limits.rate, 1000);
  const flap = (perMinute: number) => () => {
    for (let i = 0; i < perMinute; i += 1) {
      const machine = world.random.pick(drill.machines);
      if (machine.sickness !== "none") continue;
      drill.sicken([machine], "notReady");
      world.time.at(12 * MINUTE, () => drill.heal([machine]));
    }
  };
  // Two a minute open no breaker: what limits them is the rate.
  await drill.runWith(HOUR, MINUTE, flap(2));
  expect(drill.calls).toBeGreaterThan(perHour / 2);
  expect(drill.calls).toBeLessThanOrEqual(perHour);
  // Thirty a minute do.
  await drill.runWith(4 * MINUTE, MINUTE, flap(30));
  const before = drill.calls;
  await drill.runWith(6 * MINUTE, MINUTE, flap(30));
  expect(drill.calls).toBe(before);
  expect(drill.violations).toEqual([]);
});

test("90 of 1,000 nodes fail within a second, too few for a breaker: they are repaired, within every limit", async () => {
  await aFleet({ nodes: 1000 });
  const { checkers, limits } = DEFAULTS.policy;
  drill.sicken(
    drill.machines.filter((_, i) => i % 11 === 0 && i < 990),
    "notReady",
  );
  await drill.run(checkers.NodeReady.threshold - MINUTE);
  expect(drill.calls).toBe(0);
  await drill.run(HOUR);
  expect(drill.calls).toBe(mostOf(limits.rate, 1000));
  expect(drill.violations).toEqual([]);
});

test("a zone that is lost and comes back: no call", async () => {
  await aFleet({ nodes: 90 });
  const zone = drill.machines.filter((machine) => machine.zone === "zone-a");
  drill.sicken(zone, "silent");
  await drill.run(LONG_ENOUGH);
  drill.heal(zone);
  await drill.run(10 * MINUTE);
  expect(drill.calls).toBe(0);
});

test("a backlog of stale jobs after all nodes healed, 50 of them replaced (the queue that came back): no call", async () => {
  await aFleet({ nodes: 1000, settings: UNLIMITED });
  const { world, fleet } = drill;
  const sick = drill.machines.slice(0, 500);
  drill.sicken(sick, "notReady");
  // Judged and scheduled, and not due yet: then every process stops.
  await drill.run(3 * MINUTE);
  expect(world.queues.jobs.size).toBe(500);
  fleet.stopAll();
  await drill.run(HOUR);
  drill.heal(sick);
  for (const machine of sick.slice(0, 50)) world.truth.replace(machine);
  // 500 reboot jobs are long due; every node is waiting to be judged, many times over.
  for (let i = 0; i < 10_000; i += 1) await world.queues.wakeShards([i % 16]);
  for (const { name } of drill.machines) world.store.dirty.add(name);
  fleet.startWorkers();
  await drill.run(10 * MINUTE);
  expect(drill.calls).toBe(0);
  fleet.startWatchers();
  await drill.run(10 * MINUTE);
  expect(drill.calls).toBe(0);
  expect(world.queues.jobs.size).toBe(0);
});

test("a pause while 1,000 reboots are pending: no call, also not after a restart of everything", async () => {
  await aFleet({ nodes: 1100, poolSize: 11, settings: UNLIMITED });
  const { world, fleet } = drill;
  drill.sicken(
    drill.machines.filter((_, i) => i % 11 !== 0),
    "notReady",
  );
  await drill.run(4 * MINUTE);
  expect(world.queues.jobs.size).toBe(1000);
  const pause = { since: world.time.now, by: "operator", reason: "stop" };
  expect(await change(world, (ledger) => withPause(ledger, { level: "fleet" }, pause))).toBe(true);
  await drill.run(5 * MINUTE);
  for (const process of fleet.processes) fleet.crash(process);
  await drill.run(5 * MINUTE);
  expect(drill.calls).toBe(0);
  expect(waitsFor(world, "node-1")).toBe("Paused");
});

test("without the pause pending reboots happen, each once: the drills above hold nothing back by accident", async () => {
  // A pool that is down as a whole would be held: one node of each stays well.
  await aFleet({ nodes: 220, poolSize: 11, settings: UNLIMITED });
  drill.sicken(
    drill.machines.filter((_, i) => i % 11 !== 0),
    "notReady",
  );
  await drill.run(12 * MINUTE);
  expect(drill.calls).toBe(200);
  expect(new Set(drill.world.truth.executions.map(({ instanceId }) => instanceId)).size).toBe(200);
});
