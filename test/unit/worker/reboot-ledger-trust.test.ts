import { beforeEach, describe, expect, test } from "vitest";
import { emptyLedger, withPause, withQuarantine } from "../../../packages/shared/src/core/ledger/steps.ts";
import { DAY, HOUR, MINUTE, SECOND, type EpochMillis } from "../../../packages/shared/src/core/time.ts";
import { onceAt } from "./intercept.ts";
import { World } from "./world.ts";

let world: World;
beforeEach(() => {
  world = new World();
});

/** Another ledger stands there, created then. */
const put = (created: EpochMillis, ledger = emptyLedger("cluster-1", "init", world.clock.now())) =>
  world.ledger.create(ledger, created);

describe("a ledger that cannot be built on: no call, and the gate is named", () => {
  test.each<[string, RegExp, () => void]>([
    ["missing", /^Missing: there is no ledger$/u, () => world.ledger.overwrite(undefined)],
    ["unreadable", /^Unreadable: meta: /u, () => world.ledger.overwrite({ meta: "{}" })],
    [
      "damaged in one entry",
      /^Unreadable: vm-1: /u,
      () => world.ledger.overwrite({ ...world.ledger.data, "vm-1": "" }),
    ],
    ["of another cluster", /^Foreign: it is of cluster-1$/u, () => void (world.ledger.cluster = "cluster-2")],
    ["too young", /^TooYoung: /u, () => put(world.clock.now() - MINUTE)],
    [
      "in quarantine",
      /^Quarantine: /u,
      () => {
        const now = world.clock.now();
        const clocks = { earliest: now, latest: now };
        const empty = emptyLedger("cluster-1", "init", now);
        put(now - DAY, withQuarantine(empty, now + HOUR, 0, { by: "w", clocks }));
      },
    ],
    [
      "restored from a backup",
      /^WentBack: /u,
      () => {
        world.sequence.highest = 1000;
      },
    ],
    [
      "silent for long",
      /^Silent: /u,
      () => {
        put(world.clock.now() - DAY, emptyLedger("cluster-1", "init", world.clock.now() - 11 * MINUTE));
        world.sequence.highest = 0;
      },
    ],
  ])("%s", async (_, why, spoil) => {
    await world.due();
    spoil();
    expect(await world.run()).toMatchObject({
      step: "WaitUntil",
      gate: "Ledger",
      why: expect.stringMatching(why),
    });
    expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "Ledger" });
    expect(world.rebooted).toEqual([]);
    expect((await world.record())?.lastReboot).toBeUndefined();
  });

  test("clocks too far apart", async () => {
    await world.due();
    world.ledger.serverClock = () => world.clock.now() + 31 * SECOND;
    const why = expect.stringMatching(/^ClockSkew: /u);
    expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "Ledger", why });
    expect(world.rebooted).toEqual([]);
  });

  test.each(["ledger.read", "memory.raise"])("away: %s fails", async (point) => {
    await world.due();
    const run = await world.runWith(
      onceAt(point, async () => {
        throw new Error("connection refused");
      }),
    );
    expect(run).toMatchObject({ step: "WaitUntil", gate: "Ledger", why: "connection refused" });
    expect(world.rebooted).toEqual([]);
    await world.run();
    expect(world.rebooted).toEqual(["node-1"]);
  });

  test("a write of another gate between our two reads is no step back", async () => {
    await world.due();
    const { meta } = await world.readLedger();
    const run = await world.runWith(
      onceAt("ledger.read", async (call) => {
        const reading = await call();
        world.sequence.highest = meta.seq + 1;
        return reading;
      }),
    );
    expect(run).not.toMatchObject({ gate: "Ledger" });
    expect(world.rebooted).toEqual(["node-1"]);
  });

  test("a quarantine that was written ends, and reboots are possible again", async () => {
    await world.due();
    world.sequence.highest = world.clock.now();
    expect(await world.run()).toMatchObject({ gate: "Ledger", why: expect.stringContaining("WentBack") });
    expect(await world.run()).toMatchObject({ gate: "Ledger", why: expect.stringContaining("Quarantine") });
    await world.watch(40 * MINUTE);
    expect(await world.run()).toMatchObject({ gate: "Ledger", why: expect.stringContaining("Quarantine") });
    await world.watch(2 * MINUTE);
    await world.run();
    expect(world.rebooted).toEqual(["node-1"]);
  });

  test("a number forged in Redis that no ledger can reach changes nothing", async () => {
    await world.due();
    world.sequence.highest = Number.MAX_SAFE_INTEGER;
    await world.run();
    expect(world.rebooted).toEqual(["node-1"]);
  });

  test("a pause in it is heard all the same, and told first", async () => {
    await world.due();
    const now = world.clock.now();
    const empty = emptyLedger("cluster-1", "init", now);
    put(now, withPause(empty, { level: "fleet" }, { since: now, by: "ann", reason: "upgrade" }));
    expect(await world.run()).toMatchObject({
      gate: "Paused",
      why: "fleet (ledger): paused by ann: upgrade",
    });
  });
});
