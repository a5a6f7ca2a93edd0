import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { emptyLedger } from "../../../packages/shared/src/core/ledger/steps.ts";
import { DEFAULT_POLICY, type RepairPolicy } from "../../../packages/shared/src/core/policy.ts";
import { DAY, MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { aNode, type NodeBuilder } from "../../../packages/shared/src/testing/builders.ts";
import { ManualClock } from "../../../packages/shared/src/testing/manual-clock.ts";
import { CallSpacing } from "../../../packages/worker/src/call-spacing.ts";
import { World } from "./world.ts";

const SPACING = 30 * SECOND;
const SENT = "this process sent a reboot call a moment ago";

const node = (name: string): NodeBuilder => aNode(name).pool(`pool-${name}`);

/** The ledger forgets every reboot, and Redis the sequence number that would betray it. */
function forget(world: World): void {
  world.ledger.create(emptyLedger("cluster-1", "init", world.clock.now()), world.clock.now() - DAY);
  world.sequence.highest = 0;
}

describe("the spacing of one process", () => {
  let clock: ManualClock;
  let spacing: CallSpacing;
  beforeEach(() => {
    clock = new ManualClock();
    spacing = new CallSpacing(clock, SPACING);
  });

  test("lets the first call go, and the next one a spacing later by the monotonic clock", () => {
    {
      using claim = spacing.claim();
      expect(claim).toMatchObject({ wait: 0 });
      expect(claim.send()).toBe(true);
    }
    clock.jump(DAY);
    clock.advance(10 * SECOND);
    using early = spacing.claim();
    expect(early.wait).toBe(20 * SECOND);
    expect(early.send()).toBe(false);
    clock.advance(20 * SECOND);
    using next = spacing.claim();
    expect(next.wait).toBe(0);
    expect(next.send()).toBe(true);
  });

  test("counts from the sending, not from the claim", () => {
    {
      using claim = spacing.claim();
      clock.advance(20 * SECOND);
      claim.send();
    }
    clock.advance(10 * SECOND);
    using next = spacing.claim();
    expect(next.wait).toBe(20 * SECOND);
  });

  test("one claim at a time; one that sent nothing costs nothing", () => {
    {
      using claim = spacing.claim();
      using second = spacing.claim();
      expect(claim.wait).toBe(0);
      expect(second.wait).toBe(SPACING);
      expect(second.send()).toBe(false);
    }
    using third = spacing.claim();
    expect(third.wait).toBe(0);
  });

  test("the end of a claim that was refused does not end that of the holder", () => {
    using holder = spacing.claim();
    spacing.claim()[Symbol.dispose]();
    using another = spacing.claim();
    expect(another.wait).toBe(SPACING);
    expect(holder.send()).toBe(true);
  });

  test("a claim sends once, and not after it was given back", () => {
    const claim = spacing.claim();
    expect(claim.send()).toBe(true);
    expect(claim.send()).toBe(false);
    claim[Symbol.dispose]();
    clock.advance(SPACING);
    expect(claim.send()).toBe(false);
  });

  test("of zero is none", () => {
    const none = new CallSpacing(clock, 0);
    using one = none.claim();
    using other = none.claim();
    expect([one.wait, other.wait, one.send(), other.send()]).toEqual([0, 0, true, true]);
  });

  test("whatever is claimed, sent and given back in whatever order: two calls are a spacing apart", () => {
    const step = fc.record({
      pass: fc.nat(SPACING),
      what: fc.constantFrom("claim", "send", "end"),
      of: fc.nat(4),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const time = new ManualClock();
        const subject = new CallSpacing(time, SPACING);
        const claims = Array.from({ length: 5 }, () => subject.claim());
        const sent: number[] = [];
        for (const { pass, what, of } of steps) {
          time.advance(pass);
          if (what === "claim") claims[of] = subject.claim();
          else if (what === "end") claims[of]?.[Symbol.dispose]();
          else if (claims[of]?.send() === true) sent.push(time.monotonic());
        }
        for (const [i, at] of sent.slice(1).entries())
          expect(at - (sent[i] ?? 0)).toBeGreaterThanOrEqual(SPACING);
      }),
    );
  });
});

describe("a worker process", () => {
  const SICK = ["node-a", "node-b"];

  /** Two nodes of many are due, and no budget is in the way of rebooting both but the spacing. */
  async function dueWorld(over: Partial<RepairPolicy> = {}): Promise<World> {
    const made = new World({ ...DEFAULT_POLICY, monitorOnly: false, ...over });
    for (let i = 0; i < 60; i += 1) made.reader.set(aNode(`well-${i}`).snapshot());
    await made.store.beat(0);
    for (const name of SICK) {
      await made.seeAndJudge(node(name));
      await made.seeAndJudge(node(name).notReady());
    }
    await made.watch(5 * MINUTE);
    return made;
  }

  test("whose ledger and Redis forgot its call sends none within the spacing, and spends no window on it", async () => {
    const world = await dueWorld();
    const spacing = new CallSpacing(world.clock, SPACING);
    await world.run("node-a", { spacing });
    expect(world.rebooted).toEqual(["node-a"]);
    world.clock.advance(10 * SECOND);
    forget(world);
    const until = world.clock.now() + 20 * SECOND;
    expect(await world.run("node-b", { spacing })).toMatchObject({
      end: "Wait",
      gate: "RateLimit",
      why: SENT,
      for: 20 * SECOND,
      until,
    });
    expect(world.rebooted).toEqual(["node-a"]);
    expect(await world.entry("node-b")).toBeUndefined();
    expect(await world.record("node-b")).not.toHaveProperty("lastReboot");
    world.clock.advance(20 * SECOND);
    await world.run("node-b", { spacing });
    expect(world.rebooted).toEqual(SICK);
  });

  test("takes no slot of the shared limit for a call that it holds back itself", async () => {
    const world = await dueWorld();
    const spacing = new CallSpacing(world.clock, SPACING);
    spacing.claim().send();
    const limiter = { take: async () => expect.fail("a slot was taken") };
    expect(await world.run("node-a", { spacing, limiter })).toMatchObject({ gate: "RateLimit", why: SENT });
  });

  test("with two jobs at once sends one call, even when each has a ledger of its own", async () => {
    const world = await dueWorld();
    const other = await dueWorld();
    const spacing = new CallSpacing(world.clock, SPACING);
    const runs = await Promise.all([world.run("node-a", { spacing }), other.run("node-b", { spacing })]);
    expect([...world.rebooted, ...other.rebooted]).toHaveLength(1);
    expect(runs.map(({ gate }) => gate).toSorted()).toEqual(["RateLimit", "WaitWindow"]);
    expect(await other.entry("node-b")).toBeUndefined();
  });

  test("gives its turn back when the call was not made", async () => {
    const world = await dueWorld();
    const spacing = new CallSpacing(world.clock, SPACING);
    const limiter = { take: async () => world.clock.now() + SECOND };
    await world.run("node-a", { spacing, limiter });
    await world.run("node-b", { spacing });
    expect(world.rebooted).toEqual(["node-b"]);
  });

  test("looks once more when the call would go out", async () => {
    const world = await dueWorld();
    const claim = { wait: 0, send: () => false, [Symbol.dispose]: () => {} };
    const run = await world.run("node-a", { spacing: { claim: () => claim } });
    expect(run).toMatchObject({ gate: "WaitWindow", why: `NotSent: nothing sent: ${SENT}` });
    expect(world.rebooted).toEqual([]);
    expect(await world.record("node-a")).toMatchObject({ lastReboot: { outcome: "NotSent" } });
  });

  test("in monitor-only mode, which calls nothing, claims nothing", async () => {
    const world = await dueWorld({ monitorOnly: true });
    const spacing = { claim: () => expect.fail("a claim was made") };
    expect(await world.run("node-a", { spacing })).toMatchObject({
      why: expect.stringContaining("Simulated"),
    });
  });
});
