import { describe, expect, test } from "vitest";
import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import { emptyLedger, withPause } from "@node-agent/shared/core/ledger/steps.ts";
import { pauseOf } from "@node-agent/shared/core/pause.ts";
import { DAY } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { LedgerWrite, RebootLedger } from "@node-agent/shared/ports/ledger.ts";
import { MemoryLedger } from "@node-agent/shared/testing/memory-ledger.ts";
import { changeLedger } from "../../../packages/cli/src/ledger-change.ts";

const NOON = Date.UTC(2026, 10, 23, 12);
/** The machine at which the order is given is a year ahead. */
const clock: Clock = { now: () => NOON + 365 * DAY, monotonic: () => 0, sleep: async () => undefined };

function aLedger(): MemoryLedger {
  const store = new MemoryLedger("cluster-1", () => NOON);
  store.create(emptyLedger("cluster-1", "init", NOON), NOON - DAY);
  return store;
}

/** The ledger with an answer of its own to the first writes. */
function answering(store: MemoryLedger, ...answers: (LedgerWrite | "written and lost")[]): RebootLedger {
  return {
    read: async () => store.read(),
    compareAndWrite: async (next, seen) => {
      const answer = answers.shift();
      if (answer === undefined) return store.compareAndWrite(next, seen);
      if (answer !== "written and lost") return answer;
      await store.compareAndWrite(next, seen);
      return { outcome: "Unknown", why: "timeout" };
    },
  };
}

const pauseFleet = (ledger: Ledger, since: number): Ledger =>
  withPause(ledger, { level: "fleet" }, { since, by: "ann@desk", reason: "upgrade" });

async function standing(store: MemoryLedger) {
  const reading = await store.read();
  return reading.state === "Found" ? pauseOf(reading.ledger, { level: "fleet" }) : undefined;
}

describe("an order to the ledger", () => {
  test("is stamped by the server's clock, not by the machine at which it is given", async () => {
    const store = aLedger();
    await changeLedger(store, clock, pauseFleet);
    expect(await standing(store)).toEqual({ since: NOON, by: "ann@desk", reason: "upgrade" });
  });

  test("is tried again on what others wrote meanwhile", async () => {
    const store = aLedger();
    const conflict = { outcome: "Conflict", why: "written since" } as const;
    const { changed } = await changeLedger(answering(store, conflict, conflict), clock, pauseFleet);
    expect(changed).toBe(true);
    expect(await standing(store)).toBeDefined();
  });

  test("whose answer was lost is looked for, and not given twice", async () => {
    const store = aLedger();
    const ledger = answering(store, "written and lost");
    expect(await changeLedger(ledger, clock, pauseFleet)).toMatchObject({ changed: true });
    expect(await changeLedger(store, clock, pauseFleet)).toMatchObject({ changed: false });
  });

  test("that never arrived is given again", async () => {
    const store = aLedger();
    const lost = { outcome: "Unknown", why: "timeout" } as const;
    await changeLedger(answering(store, lost), clock, pauseFleet);
    expect(await standing(store)).toBeDefined();
  });

  test("that is refused fails at once, with the server's words", async () => {
    const refused = { outcome: "Refused", why: "forbidden: cannot update configmaps" } as const;
    await expect(changeLedger(answering(aLedger(), refused), clock, pauseFleet)).rejects.toMatchObject({
      code: "Ledger",
      message: "the ledger could not be written: forbidden: cannot update configmaps",
    });
  });

  test("against writers without end gives up and says so", async () => {
    const store = aLedger();
    const ledger: RebootLedger = {
      read: async () => store.read(),
      compareAndWrite: async () => ({ outcome: "Conflict", why: "written since" }),
    };
    await expect(changeLedger(ledger, clock, pauseFleet)).rejects.toMatchObject({ code: "Ledger" });
  });

  test.each([
    ["Missing", undefined, "there is no ledger"],
    ["Unreadable", { meta: "{" }, "the ledger cannot be read"],
  ])("to a ledger that is %s is one sentence", async (_, data, words) => {
    const store = aLedger();
    store.overwrite(data);
    await expect(changeLedger(store, clock, pauseFleet)).rejects.toMatchObject({
      code: "Ledger",
      exitCode: 1,
      message: expect.stringContaining(words),
    });
  });
});
