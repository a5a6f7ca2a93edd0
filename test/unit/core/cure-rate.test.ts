import { describe, expect, test } from "vitest";
import type { LedgerEntry, LedgerMeta, LedgerOutcome } from "@node-agent/shared/core/ledger/ledger.ts";
import { CureRates } from "@node-agent/shared/core/storm/cure-rate.ts";
import { DEFAULT_CURE_RATE } from "@node-agent/shared/core/storm/policy.ts";
import { DAY, HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { aGrant, aLedger, anEntry, at, NOON } from "./ledger-build.ts";

const GROUP = { checker: "GPU", pool: "blue" };
type One = LedgerOutcome | Partial<LedgerEntry>;
/** Repairs of different VMs of one pool, the earliest first; their windows are over at NOON. */
const repairs = (...outcomes: readonly One[]) =>
  outcomes.map((one, i) =>
    anEntry({
      ...GROUP,
      instanceId: `vm-${i}`,
      seq: i + 1,
      at: NOON - HOUR,
      notBefore: NOON,
      ...(typeof one === "string" ? { outcome: one } : one),
    }),
  );
const times = <T>(count: number, what: T): T[] => Array.from({ length: count }, () => what);
const IN_FLIGHT: Partial<LedgerEntry> = { outcome: "Accepted", notBefore: NOON + HOUR };
const rates = (made: readonly LedgerEntry[], meta: Partial<LedgerMeta> = {}, now = NOON) =>
  new CureRates(aLedger(made, meta), DEFAULT_CURE_RATE, at(now));
const rate = (...outcomes: readonly One[]) => rates(repairs(...outcomes)).ask(GROUP)?.rate;

describe("repairs of a checker in a pool stop", () => {
  test.each<[string, readonly One[], string | undefined]>([
    ["four that cured nothing say too little", times(4, "StillBad"), undefined],
    ["five that cured nothing", times(5, "StillBad"), "Stopped"],
    ["one of five cured", ["Cured", ...times(4, "StillBad" as const)], undefined],
    ["one of ten cured", ["Cured", ...times(9, "StillBad" as const)], "Stopped"],
    ["two of ten cured", [...times(2, "Cured" as const), ...times(8, "StillBad" as const)], undefined],
    ["an old cure before ten", ["Cured", ...times(10, "StillBad" as const)], "Stopped"],
    ["repairs that were not executed are no evidence", times(9, "NotExecuted"), undefined],
    ["nor are those that were never made", times(9, "NotSent"), undefined],
    ["nor nodes that are gone", times(9, "Gone"), undefined],
    ["nor repairs in flight", times(9, IN_FLIGHT).slice(0, 4), undefined],
  ])("%s", (_, outcomes, wanted) => {
    expect(rate(...outcomes)).toBe(wanted);
  });

  test("with the numbers, and no other checker and no other pool with them", () => {
    const it = rates(repairs("Cured", ...times(9, "StillBad" as const)));
    expect(it.ask(GROUP)?.why).toBe("1 of the latest 10 repairs of GPU in pool blue cured; 20 % must");
    expect(it.ask({ checker: "NodeReady", pool: "blue" })).toBeUndefined();
    expect(it.ask({ checker: "GPU", pool: "red" })).toBeUndefined();
    expect(it.ask({ checker: "GPU" })).toBeUndefined();
    expect(it.stopped()).toMatchObject([GROUP]);
  });

  test("until they are a day old", () => {
    const made = repairs(...times(5, "StillBad" as const));
    expect(rates(made, {}, NOON - HOUR + DAY - 1).ask(GROUP)?.rate).toBe("Stopped");
    expect(rates(made, {}, NOON - HOUR + DAY).ask(GROUP)).toBeUndefined();
  });

  test("until an operator grants more: what began before does not count, what began after does", () => {
    const grants = [aGrant({ since: NOON - 30 * MINUTE, pool: "blue" })];
    const before = repairs(...times(5, "StillBad" as const));
    expect(rates(before, { grants }).ask(GROUP)).toBeUndefined();
    expect(rates(before, { grants: [aGrant({ pool: "red" })] }).ask(GROUP)?.rate).toBe("Stopped");
    const after = repairs(...times(5, { outcome: "StillBad", at: NOON - MINUTE } as const));
    expect(rates(after, { grants }).ask(GROUP)?.rate).toBe("Stopped");
  });

  test("by the order of results, not that of intents", () => {
    const [first, ...others] = repairs(...times(10, "StillBad" as const));
    const late = { outcome: "Cured" } as const;
    const lateCures = [
      { ...others[1]!, ...late, seq: 91 },
      { ...others[2]!, ...late, seq: 92 },
    ];
    const rest = [first!, ...others.filter((_, i) => i !== 1 && i !== 2)];
    expect(rates([...rest, ...lateCures]).ask(GROUP)).toBeUndefined();
  });
});

describe("repairs of a checker in a pool go one at a time", () => {
  test.each<[string, readonly One[], string | undefined]>([
    ["four in flight say too little", times(4, IN_FLIGHT), undefined],
    ["five in flight, and nothing known", times(5, IN_FLIGHT), "Slow"],
    ["three in flight, two cured", ["Cured", "Cured", ...times(3, IN_FLIGHT)], undefined],
    ["five in flight, two cured", ["Cured", "Cured", ...times(5, IN_FLIGHT)], "Slow"],
    ["a recovery counts as a cure", [{ ...IN_FLIGHT, recoveredAt: NOON }, ...times(2, IN_FLIGHT)], undefined],
    [
      "two of eight cured, one in flight",
      [...times(6, "StillBad" as const), "Cured", "Cured", IN_FLIGHT],
      "Slow",
    ],
    ["two of eight cured, none in flight", [...times(6, "StillBad" as const), "Cured", "Cured"], undefined],
  ])("%s", (_, outcomes, wanted) => {
    expect(rate(...outcomes)).toBe(wanted);
  });

  test("but a large fleet that is cured as it goes is never slowed down", () => {
    expect(rate(...times(100, "Cured" as const), ...times(100, IN_FLIGHT))).toBeUndefined();
  });

  test("and a repair that a pass takes counts at once", () => {
    const it = rates([]);
    for (let i = 0; i < 5; i += 1) {
      expect(it.ask(GROUP)).toBeUndefined();
      it.take(GROUP);
    }
    expect(it.ask(GROUP)).toEqual({
      rate: "Slow",
      why: "one at a time: 0 of the latest 5 repairs of GPU in pool blue cured, with 5 in flight",
    });
  });
});
