import { beforeEach, describe, expect, test } from "vitest";
import { emptyLedger, withQuarantine } from "../../../packages/shared/src/core/ledger/steps.ts";
import { windowOf } from "../../../packages/shared/src/core/ledger/timings.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import type { LedgerGate } from "../../../packages/worker/src/ledger-gate.ts";
import { onceAt } from "./intercept.ts";
import { LEDGER, World } from "./world.ts";

const LONGEST = windowOf(40 * MINUTE, LEDGER);
const { signal } = new AbortController();
let world: World;
beforeEach(() => {
  world = new World();
});

const now = () => world.clock.now();
const open = async (around?: Parameters<World["ledgerGate"]>[0]) =>
  world.ledgerGate(around).open(now(), signal);
const beat = async () => world.ledgerGate().beat(now());
/** Workers live on for a time, and give signs of life. */
const live = async (span: number) => {
  for (let left = span; left > 0; left -= MINUTE) {
    world.clock.advance(Math.min(left, MINUTE));
    await beat();
  }
};
const meta = async () => (await world.readLedger()).meta;

describe("signs of life", () => {
  test("are given when a third of the time in which one is expected is over, not at every beat", async () => {
    await live(3 * MINUTE);
    expect((await meta()).seq).toBe(0);
    await live(MINUTE);
    expect(await meta()).toMatchObject({ seq: 1, heartbeatAt: now(), heartbeatBy: "worker-1" });
  });

  test("keep an idle ledger trusted for days", async () => {
    await live(2 * DAY);
    expect(await open()).toMatchObject({ state: "Trusted" });
  });

  test("keep a new ledger alive: it is trusted the moment it is old enough", async () => {
    world.ledger.create(emptyLedger("cluster-1", "init", now()), now());
    await live(LONGEST - SECOND);
    expect(await open()).toMatchObject({ state: "Distrusted", why: expect.stringContaining("TooYoung") });
    await live(SECOND);
    expect(await open()).toMatchObject({ state: "Trusted" });
  });

  test("of a process that does not know it do not revive a silent ledger: its quarantine begins after a while", async () => {
    world.clock.advance(LEDGER.heartbeatMaxAge + SECOND);
    const stranger = world.ledgerGate();
    await stranger.beat(now());
    expect(await meta()).toMatchObject({ quarantineUntil: 0, seq: 0 });
    world.clock.advance(LEDGER.heartbeatMaxAge / 3);
    await stranger.beat(now());
    expect((await meta()).quarantineUntil).toBe(now() + LONGEST);
    await live(LONGEST);
    expect(await open()).toMatchObject({ state: "Trusted" });
  });

  test("do not revive one that went back: its quarantine begins at once, above the highest number seen", async () => {
    await live(10 * MINUTE);
    const { seq } = await meta();
    world.ledger.create(emptyLedger("cluster-1", "init", now()), now() - DAY);
    await beat();
    expect(await meta()).toMatchObject({ quarantineUntil: now() + LONGEST, seq: seq + 1 });
  });

  test("to a ledger that is missing are not given, and nothing is created", async () => {
    world.ledger.overwrite(undefined);
    await beat();
    expect(world.ledger.data).toBeUndefined();
  });

  test("from a worker whose clock runs ahead do not count as later than they are", async () => {
    await live(4 * MINUTE);
    const honest = (await meta()).heartbeatAt;
    const later = now() + 4 * MINUTE;
    world.clock.jump(HOUR);
    world.ledger.serverClock = () => later;
    await world.ledgerGate().beat(later);
    expect((await meta()).heartbeatAt).toBeLessThanOrEqual(later);
    expect((await meta()).heartbeatAt).toBeGreaterThanOrEqual(honest);
  });
});

/** Workers that live through it, each with its own memory. */
const old = async () => {
  await live(10 * MINUTE);
  const gates = [world.ledgerGate(), world.ledgerGate()];
  for (const gate of gates) await gate.beat(now());
  return gates;
};
const opened = async (gate: LedgerGate) => gate.open(now(), signal);

describe("after an outage of an hour", () => {
  test("of the API server a worker that saw the ledger before goes on at once, and another one after it", async () => {
    const [first, second] = await old();
    world.clock.advance(HOUR);
    expect(await opened(first!)).toMatchObject({ state: "Trusted" });
    await first!.beat(now());
    expect(await opened(second!)).toMatchObject({ state: "Trusted" });
    expect((await meta()).quarantineUntil).toBe(0);
  });

  test("a new worker waits for one that remembers, and begins no quarantine meanwhile", async () => {
    const [first] = await old();
    world.clock.advance(HOUR);
    const stranger = world.ledgerGate();
    expect(await opened(stranger)).toMatchObject({
      state: "Distrusted",
      why: expect.stringContaining("Silent"),
    });
    expect((await meta()).quarantineUntil).toBe(0);
    await first!.beat(now());
    expect(await opened(stranger)).toMatchObject({ state: "Trusted" });
  });

  test("of Redis, which lost its memory: workers that kept looking go on at once", async () => {
    const [first] = await old();
    for (let minute = 0; minute < 60; minute += 1) {
      world.clock.advance(MINUTE);
      await first!.watch();
    }
    world.sequence.highest = 0;
    expect(await opened(first!)).toMatchObject({ state: "Trusted" });
  });

  test("of both, and Redis lost its memory: nothing that lives can vouch for the ledger", async () => {
    const [first] = await old();
    world.clock.advance(HOUR);
    world.sequence.highest = 0;
    await first!.watch();
    expect(await opened(first!)).toMatchObject({
      state: "Distrusted",
      why: expect.stringContaining("Silent"),
    });
  });

  test("a backup of before it, or a ledger that was created again, is noticed by those that remember", async () => {
    const [first, second] = await old();
    const backup = world.ledger.data ?? {};
    await live(10 * MINUTE);
    await first!.beat(now());
    world.clock.advance(HOUR);
    world.ledger.overwrite({ ...backup });
    expect(await opened(first!)).toMatchObject({
      state: "Distrusted",
      why: expect.stringContaining("WentBack"),
    });
    world.ledger.create(emptyLedger("cluster-1", "init", now() - HOUR), now() - DAY);
    world.sequence.highest = 0;
    expect(await opened(second!)).toMatchObject({ state: "Distrusted" });
  });
});

describe("a ledger that was removed and created anew", () => {
  test("is trusted after one longest window, though its numbers begin anew", async () => {
    await live(HOUR);
    world.ledger.create(emptyLedger("cluster-1", "init", now()), now());
    await beat();
    await live(LONGEST - MINUTE);
    expect(await open()).toMatchObject({ state: "Distrusted" });
    await live(MINUTE);
    expect(await open()).toMatchObject({ state: "Trusted" });
  });
});

/** Lets something happen after the first read of the ledger, before its reader goes on. */
const overtakenBy = (what: () => Promise<unknown>) =>
  onceAt("ledger.read", async (call) => {
    const reading = await call();
    await what();
    return reading;
  });

describe("a result", () => {
  test("is written although another write of the same worker overtook it while it read", async () => {
    world.clock.advance(4 * MINUTE);
    const gate: LedgerGate = world.ledgerGate(overtakenBy(async () => gate.beat(now())));
    expect(await gate.settle("vm-a", "t", "Cured", now())).toBe(true);
  });
});

describe("an opening", () => {
  test("remembers the number it saw, outside of the ledger and in the process", async () => {
    await live(5 * MINUTE);
    const gate = world.ledgerGate();
    await gate.open(now(), signal);
    expect(world.sequence.highest).toBe(1);
    world.sequence.highest = 0;
    world.ledger.create(emptyLedger("cluster-1", "init", now()), now() - DAY);
    expect(await gate.open(now(), signal)).toMatchObject({ why: expect.stringContaining("WentBack") });
  });

  test("notices a restored backup also after a number was forged that no ledger can reach", async () => {
    world.sequence.highest = 2 ** 48;
    expect(await open()).toMatchObject({ state: "Trusted" });
    const backup = world.ledger.data ?? {};
    await live(10 * MINUTE);
    world.ledger.overwrite({ ...backup, meta: JSON.stringify({ ...(await meta()), seq: 0 }) });
    // Another process: it has seen no number itself.
    expect(await open()).toMatchObject({ state: "Distrusted", why: expect.stringContaining("WentBack") });
  });

  test("that another one of the same worker overtook while it read did not go back", async () => {
    world.clock.advance(4 * MINUTE);
    const gate: LedgerGate = world.ledgerGate(overtakenBy(async () => gate.beat(now())));
    expect(await gate.open(now(), signal)).toMatchObject({ state: "Trusted" });
    expect(await meta()).toMatchObject({ seq: 1, quarantineUntil: 0 });
  });

  test("writes a quarantine once; the next one only reads it", async () => {
    world.sequence.highest = 100;
    await open();
    const { seq, quarantineUntil } = await meta();
    expect(quarantineUntil).toBe(now() + LONGEST);
    expect(await open()).toMatchObject({ state: "Distrusted", until: quarantineUntil });
    expect((await meta()).seq).toBe(seq);
  });

  test("whose quarantine could not be written is closed all the same, and the next one writes it", async () => {
    world.sequence.highest = 100;
    const lost = onceAt("ledger.compareAndWrite", async () => ({ outcome: "Unknown", why: "reset" }));
    expect(await open(lost)).toMatchObject({ state: "Distrusted" });
    expect((await meta()).quarantineUntil).toBe(0);
    await open();
    expect((await meta()).quarantineUntil).toBe(now() + LONGEST);
  });

  test("shows the ledger it does not trust, for its pauses", async () => {
    const clocks = { earliest: now(), latest: now() };
    const ledger = withQuarantine(emptyLedger("cluster-1", "init", now()), now() + HOUR, 0, {
      by: "w",
      clocks,
    });
    world.ledger.create(ledger, now() - DAY);
    expect(await open()).toMatchObject({
      state: "Distrusted",
      ledger: { meta: { quarantineUntil: now() + HOUR } },
    });
  });

  test("uses every clock it can ask: without the store's own it still holds for the others", async () => {
    world.ledger.serverClock = undefined;
    expect(await world.ledgerGate().open(now() + 31 * SECOND, signal)).toMatchObject({
      state: "Distrusted",
      why: expect.stringContaining("ClockSkew"),
    });
    expect(await open()).toMatchObject({ state: "Trusted" });
  });
});

describe("a session", () => {
  const INTENT = { instanceId: "vm-a", node: "node-a", attempt: 1, token: "t", gpu: false };

  test("writes an intent once: the state it was read from is used up", async () => {
    const opening = await open();
    if (opening.state !== "Trusted") throw new Error(opening.why);
    expect(await opening.intend(INTENT, signal)).toEqual({ outcome: "Written" });
    expect(await opening.intend(INTENT, signal)).toMatchObject({ outcome: "Conflict" });
  });

  test("writes nothing when too long has passed since the ledger was read", async () => {
    const opening = await open();
    if (opening.state !== "Trusted") throw new Error(opening.why);
    world.clock.advance(LEDGER.sendDeadline + 1);
    expect(await opening.intend(INTENT, signal)).toMatchObject({ outcome: "Refused" });
    expect((await world.readLedger()).entries.size).toBe(0);
  });

  test("gives a VM that ever had GPUs their window, whatever the intent says", async () => {
    const first = await open();
    if (first.state !== "Trusted") throw new Error(first.why);
    await first.intend({ ...INTENT, gpu: true }, signal);
    await live(LONGEST);
    const second = await open();
    if (second.state !== "Trusted") throw new Error(second.why);
    await second.intend({ ...INTENT, token: "t2" }, signal);
    const entry = (await world.readLedger()).entries.get("vm-a");
    expect(entry).toMatchObject({ gpu: true, notBefore: now() + LONGEST });
  });

  test("stamps with the latest clock", async () => {
    world.ledger.serverClock = () => now() + 20 * SECOND;
    const opening = await open();
    if (opening.state !== "Trusted") throw new Error(opening.why);
    await opening.intend(INTENT, signal);
    const window = windowOf(10 * MINUTE, LEDGER);
    expect((await world.readLedger()).entries.get("vm-a")?.notBefore).toBe(now() + 20 * SECOND + window);
  });
});
