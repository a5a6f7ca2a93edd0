import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { newGrant, withGrant } from "../../../packages/shared/src/core/ledger/grant.ts";
import { DEFAULT_POLICY, type RepairPolicy } from "../../../packages/shared/src/core/policy.ts";
import { HOUR, MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { aNode, type NodeBuilder } from "../../../packages/shared/src/testing/builders.ts";
import { CallBrake } from "../../../packages/worker/src/call-brake.ts";
import { limitsOfCounts } from "../../support/limits.ts";
import type { Around } from "./intercept.ts";
import { TIMINGS, WINDOW, World } from "./world.ts";

const WAIT = 10 * MINUTE;
/** Each in a pool of its own, so that only the cluster's limit of one is shared. */
const SICK = ["node-a", "node-b", "node-c"];
const node = (name: string): NodeBuilder => aNode(name).pool(`pool-${name}`);
const inPool = (name: string): NodeBuilder => aNode(name).pool("blue");
let world: World;

/** Three nodes are due, one after the other, among many that are well: so no breaker is open. */
async function dueFleet(over: Partial<RepairPolicy> = {}): Promise<World> {
  const made = new World({
    ...DEFAULT_POLICY,
    monitorOnly: false,
    blindGrace: 0,
    limits: limitsOfCounts({ cluster: 1 }),
    storm: { ...DEFAULT_POLICY.storm, curedAfter: 0 },
    ...over,
  });
  for (let i = 0; i < 60; i += 1) made.reader.set(aNode(`well-${i}`).snapshot());
  await made.store.beat(0);
  for (const name of SICK) {
    await made.seeAndJudge(node(name));
    await made.seeAndJudge(node(name).notReady());
    await made.watch(MINUTE);
  }
  await made.watch(5 * MINUTE);
  return made;
}

beforeEach(async () => {
  world = await dueFleet();
});

describe("a limit of one, and workers on different nodes", () => {
  test("that ask at the same moment: exactly one call, and the others can say why not", async () => {
    const runs = await Promise.all(SICK.map(async (name) => world.run(name)));
    expect(world.rebooted).toHaveLength(1);
    const held = runs.filter(({ gate, why }) => gate !== "WaitWindow" || why.includes("nothing sent"));
    expect(held.map(({ why }) => why)).toEqual([
      expect.stringContaining("wrote to the ledger first"),
      expect.stringContaining("wrote to the ledger first"),
    ]);
  });

  test("that ask one after the other: the second is told which limit, and until when", async () => {
    const now = world.clock.now();
    await world.run("node-a");
    expect(await world.run("node-b")).toMatchObject({
      step: "WaitUntil",
      gate: "Limit",
      why: "Cluster: 1 open in the cluster, 1 allowed",
      at: now + WINDOW,
    });
    expect(world.rebooted).toEqual(["node-a"]);
  });

  test("the next one's turn comes as soon as the first is cured, and not before a pause", async () => {
    await world.run("node-a");
    await world.watch(2 * MINUTE);
    await world.seeAndJudge(node("node-a").bootId("boot-2"));
    await world.run("node-a");
    expect(await world.entry("node-a")).toMatchObject({ outcome: "Cured" });
    await world.run("node-b");
    expect(world.rebooted).toEqual(["node-a", "node-b"]);
  });

  test("a call that was surely not made frees its place", async () => {
    world.executor.onReboot = () => ({ outcome: "NotSent", detail: "ECONNREFUSED" });
    await world.run("node-a");
    world.executor.onReboot = () => ({ outcome: "Accepted", detail: "202" });
    await world.run("node-b");
    expect(world.rebooted).toEqual(["node-b"]);
  });

  test("repairs that cured nothing three times stop the fourth in that pool until an operator grants it", async () => {
    const cureRate = { latest: 3, minimum: 3, slowBelow: 0, stopBelow: 20 };
    world = await dueFleet({ cureRate, breaker: { ...DEFAULT_POLICY.breaker, floor: 99 } });
    for (const name of [...SICK, "node-d"]) {
      await world.seeAndJudge(inPool(name));
      await world.seeAndJudge(inPool(name).notReady());
    }
    await world.watch(5 * MINUTE);
    // The wait is over: the job tells the result. This brake lets no other call through.
    const brake = new CallBrake(world.clock, limitsOfCounts({ cluster: 1 }, { rate: 1 }));
    for (const name of SICK) {
      await world.run(name);
      await world.seeAndJudge(inPool(name).bootId("boot-2").notReady());
      await world.watch(WINDOW);
      for (let i = 0; i < 2; i += 1) brake.claim(60).send();
      expect(await world.run(name, { brake })).toMatchObject({ step: "WaitUntil" });
    }
    expect(world.rebooted).toEqual(SICK);
    expect(await world.run("node-d")).toMatchObject({
      step: "WaitUntil",
      gate: "CureRate",
      why: "Stopped: 0 of the latest 3 repairs of NodeReady in pool blue cured; 20 % must",
    });
    const reading = await world.ledger.read();
    if (reading.state !== "Found") throw new Error(reading.why);
    const order = { id: "g", by: "ann", reason: "they boot again", lasts: HOUR };
    const grant = newGrant(order, world.clock.now());
    await world.ledger.compareAndWrite(withGrant(reading.ledger, grant), reading.version);
    await world.run("node-d");
    expect(world.rebooted).toEqual([...SICK, "node-d"]);
  });
});

test("whatever the interleaving of workers over three nodes: one open reboot at most, and one call per window (I1, I3)", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.record({ seconds: fc.nat(400), flush: fc.boolean() }), { maxLength: 8 }),
      fc.array(fc.constantFrom("Accepted", "Unknown", "NotSent", "Accepted"), { minLength: 1, maxLength: 6 }),
      fc.array(fc.constantFrom("whole", "lost", "conflict"), { minLength: 1, maxLength: 7 }),
      async (scheduler, pauses, receipts, writes) => {
        const fleet = await dueFleet();
        let answered = 0;
        fleet.executor.onReboot = () => {
          answered += 1;
          return { outcome: receipts[answered % receipts.length] ?? "Accepted", detail: "" };
        };
        let written = 0;
        const around: Around = async (point, call) => {
          if (point === "executor.reboot") return call();
          await scheduler.schedule(Promise.resolve(), point);
          if (point !== "ledger.compareAndWrite") return call();
          written += 1;
          const fate = writes[written % writes.length];
          if (fate === "conflict") return { outcome: "Conflict", why: "409" };
          const answer = await call();
          return fate === "lost" ? { outcome: "Unknown", why: "reset" } : answer;
        };
        const worker = async (name: string): Promise<void> => {
          for (let run = 0; run < 3; run += 1)
            await fleet.run(name, fleet.processorDeps(around)).catch(() => {});
        };
        const rest = async (): Promise<void> => {
          for (const { seconds, flush } of pauses) {
            await scheduler.schedule(Promise.resolve(), `${seconds} s pass`);
            if (flush) fleet.flushRedis();
            await fleet.watch(seconds * SECOND);
            for (const name of SICK) await fleet.seeAndJudge(node(name).notReady());
          }
        };
        await scheduler.waitFor(Promise.all([rest(), ...[...SICK, ...SICK].map(worker)]));

        const calls = fleet.executor.calls.toSorted((a, b) => a.at - b.at);
        const gaps = calls.slice(1).map(({ at }, i) => at - (calls[i]?.at ?? 0));
        // Nothing was verified as cured: with a limit of one, any two calls are a window apart.
        for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(WAIT + TIMINGS.callDeadline);
      },
    ),
    { numRuns: 150 },
  );
}, 60_000);
