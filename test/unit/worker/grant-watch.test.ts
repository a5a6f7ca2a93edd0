import { beforeEach, describe, expect, test } from "vitest";
import { withGrant, withoutGrants } from "../../../packages/shared/src/core/ledger/grant.ts";
import type { Ledger, LedgerGrant } from "../../../packages/shared/src/core/ledger/ledger.ts";
import { emptyLedger } from "../../../packages/shared/src/core/ledger/steps.ts";
import { HOUR, MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import type { RebootLedger } from "../../../packages/shared/src/ports/ledger.ts";
import { ManualClock } from "../../../packages/shared/src/testing/manual-clock.ts";
import { MemoryLedger } from "../../../packages/shared/src/testing/memory-ledger.ts";
import { GrantWatch } from "../../../packages/worker/src/grant-watch.ts";
import { memoryLogger } from "../runtime/log-lines.ts";

const FRESH = 10 * MINUTE;

let clock: ManualClock;
let stored: MemoryLedger;
let watch: GrantWatch;
let ledger: RebootLedger;
let lines: () => Record<string, unknown>[];
beforeEach(() => {
  clock = new ManualClock();
  stored = new MemoryLedger("c", () => clock.now());
  stored.create(emptyLedger("c", "init", clock.now()), clock.now());
  const memory = memoryLogger();
  ({ lines } = memory);
  watch = new GrantWatch({ clock, logger: memory.logger, fresh: FRESH });
  ledger = watch.ledger(stored);
});

function aGrant(over: Partial<LedgerGrant> = {}): LedgerGrant {
  const since = clock.now();
  const of = { id: "g", since, until: since + HOUR, by: "ann", reason: "power is back" };
  return { ...of, used: 0, width: 2, cured: 0, ...over };
}

/** An operator changes the ledger; this worker does not see it before it reads. */
async function ordered(change: (ledger: Ledger) => Ledger): Promise<void> {
  const reading = await stored.read();
  if (reading.state !== "Found") throw new Error(reading.why);
  await stored.compareAndWrite(change(reading.ledger), reading.version);
}

const granted = async (over: Partial<LedgerGrant> = {}): Promise<void> =>
  ordered((before) => withGrant(before, aGrant(over)));
const told = (): unknown[] => lines().map(({ event }) => event);

describe("the grants in force", () => {
  test("are not known before the ledger was read, and then are none", async () => {
    expect(watch.sample()).toBeUndefined();
    await ledger.read();
    expect(watch.sample()).toEqual([]);
  });

  test("are those of the latest reading, until they end", async () => {
    await granted();
    await granted({ id: "z", zone: "z1", until: clock.now() + MINUTE });
    await ledger.read();
    clock.advance(30 * SECOND);
    expect(watch.sample()).toEqual([
      { scope: "fleet", endsIn: HOUR - 30 * SECOND },
      { scope: "zone", endsIn: 30 * SECOND },
    ]);
    clock.advance(30 * SECOND);
    expect(watch.sample()).toMatchObject([{ scope: "fleet" }]);
  });

  test("are told by a write of this worker as well", async () => {
    const reading = await ledger.read();
    if (reading.state !== "Found") throw new Error(reading.why);
    await ledger.compareAndWrite(withGrant(reading.ledger, aGrant()), reading.version);
    expect(watch.sample()).toMatchObject([{ scope: "fleet" }]);
    await ledger.compareAndWrite(withGrant(reading.ledger, aGrant({ id: "b", zone: "z" })), "stale");
    expect(watch.sample()).toMatchObject([{ scope: "fleet" }]);
  });

  test("are not known any more when the ledger was not read for long", async () => {
    await ledger.read();
    clock.advance(FRESH);
    expect(watch.sample()).toEqual([]);
    clock.advance(1);
    expect(watch.sample()).toBeUndefined();
  });

  test("are not known while there is no ledger, and known still when one reading fails", async () => {
    await ledger.read();
    const away = watch.ledger({
      read: async () => Promise.reject(new Error("away")),
      compareAndWrite: async (...of) => stored.compareAndWrite(...of),
    });
    await expect(away.read()).rejects.toThrow("away");
    expect(watch.sample()).toEqual([]);
    stored.overwrite(undefined);
    await ledger.read();
    expect(watch.sample()).toBeUndefined();
  });

  test("end by the clock of the server, whatever that of this machine says", async () => {
    await granted();
    stored.serverClock = () => clock.now() + HOUR;
    await ledger.read();
    expect(watch.sample()).toEqual([]);
  });

  test("follow the reading that was asked for last, in whatever order the answers come", async () => {
    const early = Promise.withResolvers<undefined>();
    const before = await stored.read();
    const late = watch.ledger({
      read: async () => {
        await early.promise;
        return before;
      },
      compareAndWrite: async (...of) => stored.compareAndWrite(...of),
    });
    const overtaken = late.read();
    await granted();
    await ledger.read();
    early.resolve(undefined);
    await overtaken;
    expect(watch.sample()).toMatchObject([{ scope: "fleet" }]);
    expect(told()).toEqual(["GrantBegan"]);
  });
});

describe("a grant", () => {
  test("is told once when it begins, with its end, and once when its time is over", async () => {
    await granted({ zone: "z1", checker: "GPU", count: 5 });
    for (let i = 0; i < 3; i += 1) await ledger.read();
    expect(lines()).toMatchObject([
      {
        level: "warn",
        event: "GrantBegan",
        grant: "g",
        scope: "zone z1, checker GPU",
        by: "ann",
        reason: "power is back",
        count: 5,
        until: new Date(clock.now() + HOUR).toISOString(),
      },
    ]);
    clock.advance(HOUR);
    for (let i = 0; i < 3; i += 1) await ledger.read();
    expect(lines().slice(1)).toMatchObject([
      { level: "info", event: "GrantEnded", grant: "g", by: "ann", used: 0, why: "its time is over" },
    ]);
  });

  test.each<[string, (before: Ledger) => Ledger, string]>([
    ["revoked", (before) => withoutGrants(before, () => true, "bob", clock.now()), "ended by bob"],
    [
      "used up",
      ({ meta, entries }) => ({ entries, meta: { ...meta, grants: [aGrant({ count: 2, used: 2 })] } }),
      "as many repairs began as it was given for",
    ],
    [
      "gone",
      ({ meta, entries }) => ({ entries, meta: { ...meta, grants: [] } }),
      "the ledger does not hold it any more",
    ],
  ])("that was %s says so", async (_, change, why) => {
    await granted();
    await ledger.read();
    await ordered(change);
    await ledger.read();
    expect(lines().slice(1)).toMatchObject([{ event: "GrantEnded", why }]);
  });

  test("that ended before this worker looked is not told", async () => {
    await granted();
    clock.advance(HOUR);
    await ledger.read();
    expect(told()).toEqual([]);
  });

  test("does not begin or end again when another server's clock is behind", async () => {
    await granted();
    await ledger.read();
    stored.serverClock = () => clock.now() - SECOND;
    await ledger.read();
    expect(told()).toEqual(["GrantBegan"]);
    clock.advance(HOUR);
    stored.serverClock = () => clock.now();
    await ledger.read();
    stored.serverClock = () => clock.now() - SECOND;
    await ledger.read();
    expect(told()).toEqual(["GrantBegan", "GrantEnded"]);
  });
});
