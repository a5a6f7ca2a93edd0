import { afterEach, describe, expect, test } from "vitest";
import { withPause } from "@node-agent/shared/core/ledger/steps.ts";
import { HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { Drill, LONG_ENOUGH, type DrillOptions } from "./drills.ts";
import { change, grant } from "./ledger-incidents.ts";
import { waitsFor } from "./forgotten.ts";
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
    storm: {
      ...DEFAULTS.policy.storm,
      budgets: {
        pool: 10_000,
        zone: 10_000,
        cluster: 10_000,
        clusterPercent: 100,
        perHour: 10_000,
        perDay: 10_000,
        nodePerDay: 100,
        spacing: 0,
      },
      unhealthyPercent: 101,
      checkerPercent: 101,
      burst: 10_000,
      floor: 10_000,
      uncured: 10_000,
    },
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
  expect(waitsFor(drill.world, "node-7")).toBe("Storm");
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
    expect(waitsFor(drill.world, "node-0")).toBe("Storm");
  });

  test("a reboot was the cure: with an operator's grant two nodes, then four, then eight", async () => {
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
    // How many were open beside each: none beside the first, one beside the second, at most three beside the next four.
    expect(open[0]).toBe(0);
    expect(Math.max(...open.slice(0, 2))).toBe(1);
    expect(Math.max(...open.slice(2, 6))).toBeGreaterThan(1);
    expect(Math.max(...open.slice(2, 6))).toBeLessThanOrEqual(3);
    expect(drill.calls).toBeGreaterThanOrEqual(2 + 4);
    expect(drill.calls).toBeLessThanOrEqual(DEFAULTS.policy.storm.budgets.perHour);
  });

  test("where reboots do not cure, a grant costs three, two at a time", async () => {
    await aFleet({ nodes: 200 });
    const { world } = drill;
    world.weather.cloud.uncured = 1;
    drill.sicken(
      drill.machines.filter((_, i) => i % 5 < 3),
      "notReady",
    );
    await drill.run(20 * MINUTE);
    expect(await grant(world)).toBe(true);
    await drill.run(70 * MINUTE);
    expect(drill.calls).toBeLessThanOrEqual(DEFAULTS.policy.storm.uncured);
    expect(Math.max(...world.truth.executions.map(({ openOthers }) => openOthers))).toBeLessThanOrEqual(1);
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

test("1,000 nodes that flap: never more than the budgets allow, and nothing once it is a storm", async () => {
  await aFleet({ nodes: 1000 });
  const { world } = drill;
  const { budgets } = DEFAULTS.policy.storm;
  const flap = (perMinute: number) => () => {
    for (let i = 0; i < perMinute; i += 1) {
      const machine = world.random.pick(drill.machines);
      if (machine.sickness !== "none") continue;
      drill.sicken([machine], "notReady");
      world.time.at(12 * MINUTE, () => drill.heal([machine]));
    }
  };
  // Two a minute is no storm: what limits it is the budget of an hour.
  await drill.runWith(HOUR, MINUTE, flap(2));
  expect(drill.calls).toBeGreaterThan(budgets.perHour / 2);
  expect(drill.calls).toBeLessThanOrEqual(budgets.perHour);
  // Thirty a minute is one: what was called is all that is called.
  const before = drill.calls;
  await drill.runWith(10 * MINUTE, MINUTE, flap(30));
  expect(drill.calls - before).toBeLessThanOrEqual(2);
  expect(drill.violations).toEqual([]);
});

test("a burst: 90 of 1,000 nodes fail within a second, too few for a storm by their share: no call when they are due", async () => {
  await aFleet({ nodes: 1000 });
  const { checkers } = DEFAULTS.policy;
  // No two in one pool, so that no pool is down.
  drill.sicken(
    drill.machines.filter((_, i) => i % 11 === 0 && i < 990),
    "notReady",
  );
  await drill.run(checkers.NodeReady.threshold - MINUTE);
  expect(drill.calls).toBe(0);
  // Due, and for a long time.
  await drill.run(LONG_ENOUGH);
  expect(drill.calls).toBe(0);
  expect(waitsFor(drill.world, "node-0")).toBe("Storm");
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
