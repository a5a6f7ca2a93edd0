import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import type { LedgerEntry, LedgerGrant, LedgerOutcome } from "@node-agent/shared/core/ledger/ledger.ts";
import { pruned, withIntent, withOutcome } from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS } from "@node-agent/shared/core/ledger/timings.ts";
import { exceededBudget, isOpen, type BudgetSubject } from "@node-agent/shared/core/storm/budgets.ts";
import {
  DEFAULT_STORM_POLICY,
  type BudgetPolicy,
  type StormPolicy,
} from "@node-agent/shared/core/storm/policy.ts";
import { DAY, HOUR, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { aGrant, aLedger, anEntry, anIntent, at, NOON, WINDOW } from "./ledger-build.ts";

/** Budgets so large that only the one under test can be used up. */
const AMPLE: BudgetPolicy = {
  pool: 1000,
  zone: 1000,
  cluster: 1000,
  clusterPercent: 100,
  perHour: 1000,
  perDay: 1000,
  nodePerDay: 1000,
  spacing: 0,
};
const policyWith = (budgets: Partial<BudgetPolicy>): StormPolicy => ({
  ...DEFAULT_STORM_POLICY,
  uncured: 1000,
  budgets: { ...AMPLE, ...budgets },
});

const LATER = NOON + 2 * MINUTE;
/** Entries of different VMs, each open unless told otherwise. */
const entries = (count: number, over: Partial<LedgerEntry> = {}) =>
  Array.from({ length: count }, (_, i) => anEntry({ instanceId: `vm-${i}`, seq: i + 1, ...over }));
const ask = (
  made: readonly LedgerEntry[],
  budgets: Partial<BudgetPolicy>,
  { subject = { instanceId: "vm-x" }, fleet = 100, grant }: Asked = {},
) =>
  exceededBudget(
    subject,
    aLedger(made, grant === undefined ? {} : { grants: [grant] }),
    fleet,
    policyWith(budgets),
    at(LATER),
  );
interface Asked {
  readonly subject?: BudgetSubject;
  readonly fleet?: number;
  readonly grant?: LedgerGrant;
}

describe("the budget of", () => {
  test("a pool: its own open reboots, until the first of their windows ends", () => {
    const made = [
      ...entries(1, { pool: "blue", notBefore: NOON + HOUR }),
      anEntry({ instanceId: "vm-9", pool: "blue" }),
    ];
    const subject = { instanceId: "vm-x", pool: "blue" };
    expect(ask(made, { pool: 3 }, { subject })).toBeUndefined();
    expect(ask(made, { pool: 2 }, { subject })).toEqual({
      budget: "Pool",
      why: "2 open in pool blue",
      until: NOON + WINDOW,
    });
    expect(ask(made, { pool: 1 }, { subject: { instanceId: "vm-x", pool: "red" } })).toBeUndefined();
  });

  test("a pool: nodes without a pool are no pool", () => {
    expect(ask(entries(5), { pool: 1 })).toBeUndefined();
  });

  test("a zone", () => {
    const made = entries(2, { zone: "z1" });
    const subject = { instanceId: "vm-x", zone: "z1" };
    expect(ask(made, { zone: 3 }, { subject })).toBeUndefined();
    expect(ask(made, { zone: 2 }, { subject })).toMatchObject({ budget: "Zone", why: "2 open in zone z1" });
    expect(ask(made, { zone: 2 }, { subject: { instanceId: "vm-x", zone: "z2" } })).toBeUndefined();
  });

  test.each([
    [100, 5, 5, 5],
    [100, 5, 2, 2],
    [59, 5, 5, 2],
    [1, 5, 5, 1],
    [0, 5, 5, 1],
  ])(
    "a cluster of %d nodes: %d %% of it, at most %d, but always one",
    (fleet, clusterPercent, cluster, width) => {
      const budgets = { cluster, clusterPercent };
      expect(ask(entries(width - 1), budgets, { fleet })).toBeUndefined();
      expect(ask(entries(width), budgets, { fleet })).toMatchObject({
        budget: "Cluster",
        why: `${width} open in the cluster, ${width} allowed`,
      });
    },
  );

  test("a grant: as many as its width, and never more than the cluster's own", () => {
    const grant = aGrant({ since: LATER - MINUTE, width: 2 });
    expect(ask(entries(1), {}, { grant })).toBeUndefined();
    expect(ask(entries(2), {}, { grant })).toMatchObject({ budget: "Cluster" });
    expect(ask(entries(3), { cluster: 3 }, { grant: { ...grant, width: 64 } })).toMatchObject({
      budget: "Cluster",
    });
  });

  test("spacing: the latest reboot of anybody, until the pause is over by the slowest clock", () => {
    const made = [anEntry({ at: LATER - 29 * SECOND, outcome: "Cured" })];
    const spacing = 30 * SECOND;
    expect(ask(made, { spacing })).toMatchObject({ budget: "Spacing", until: LATER + SECOND });
    const policy = policyWith({ spacing });
    const asked = (...now: number[]) =>
      exceededBudget({ instanceId: "x" }, aLedger(made), 9, policy, clocksOf(now));
    expect(asked(LATER + SECOND)).toBeUndefined();
    expect(asked(LATER + SECOND, LATER)).toMatchObject({ budget: "Spacing" });
  });

  test("no spacing: a reboot that the slowest clock has not reached yet holds nobody", () => {
    const made = [anEntry({ at: LATER, outcome: "Cured" })];
    const clocks = clocksOf([LATER, LATER - SECOND]);
    expect(exceededBudget({ instanceId: "x" }, aLedger(made), 9, policyWith({}), clocks)).toBeUndefined();
  });

  test("an hour and a day: earlier reboots of the same VM count, too", () => {
    const made = [anEntry({ at: NOON, earlier: [NOON - 20 * HOUR, NOON - 30 * MINUTE], outcome: "Cured" })];
    expect(ask(made, { perHour: 3 })).toBeUndefined();
    expect(ask(made, { perHour: 2 })).toEqual({
      budget: "Hour",
      why: "2 reboots within the hour",
      until: NOON + 30 * MINUTE,
    });
    expect(ask(made, { perDay: 4 })).toBeUndefined();
    expect(ask(made, { perDay: 3 })).toEqual({
      budget: "Day",
      why: "3 reboots within the day",
      until: NOON + 4 * HOUR,
    });
  });

  test("an hour: with more than the limit in it, enough of them must leave it", () => {
    const made = [NOON - 40 * MINUTE, NOON - 20 * MINUTE, NOON].map((time, i) =>
      anEntry({ instanceId: `vm-${i}`, at: time, outcome: "Cured" }),
    );
    expect(ask(made, { perHour: 1 })?.until).toBe(NOON + HOUR);
  });

  test("one VM in a day: it alone is held, others go on", () => {
    const own = anEntry({
      at: NOON - HOUR,
      earlier: [NOON - 9 * HOUR, NOON - 5 * HOUR],
      outcome: "StillBad",
    });
    const subject = { instanceId: "vm-a" };
    expect(ask([own], { nodePerDay: 4 }, { subject })).toBeUndefined();
    expect(ask([own], { nodePerDay: 3 }, { subject })).toEqual({
      budget: "Node",
      why: "3 reboots of this VM within the day",
      until: NOON + 15 * HOUR,
    });
    expect(ask([own], { nodePerDay: 3 }, { subject: { instanceId: "vm-b" } })).toBeUndefined();
  });
});

const countsAsOpen = (outcome: LedgerOutcome, now = LATER) => isOpen(anEntry({ outcome }), at(now));

describe("a reboot counts as open", () => {
  test.each(["Intent", "Accepted", "Unknown", "StillBad", "NotExecuted", "Gone"] as const)(
    "while its window runs and its outcome is %s",
    (outcome) => {
      expect(countsAsOpen(outcome)).toBe(true);
      expect(countsAsOpen(outcome, NOON + WINDOW)).toBe(false);
    },
  );

  test.each(["Cured", "NotSent", "Rejected"] as const)("no more once it is %s", (outcome) => {
    expect(countsAsOpen(outcome)).toBe(false);
  });

  test("until the slowest clock says that its window is over", () => {
    expect(isOpen(anEntry(), clocksOf([NOON + WINDOW, NOON + WINDOW - 1]))).toBe(true);
  });

  test("the asking VM's own entry does not stand in its way: its window does", () => {
    expect(
      ask([anEntry({ pool: "p" })], { pool: 1 }, { subject: { instanceId: "vm-a", pool: "p" } }),
    ).toBeUndefined();
  });
});

const within = (times: readonly number[], now: number, span: number) =>
  times.filter((time) => time > now - span).length;

describe("however reboots are asked for", () => {
  const budgets: BudgetPolicy = {
    pool: 1,
    zone: 2,
    cluster: 3,
    clusterPercent: 20,
    perHour: 6,
    perDay: 12,
    nodePerDay: 2,
    spacing: 30 * SECOND,
  };
  const policy = { ...DEFAULT_STORM_POLICY, budgets, uncured: 1000 };
  const FLEET = 20;
  const step = fc.record({
    passes: fc.oneof(fc.nat(MINUTE), fc.nat(20 * MINUTE), fc.nat(5 * HOUR)),
    vm: fc.nat(FLEET - 1),
    outcome: fc.constantFrom<LedgerOutcome | undefined>(
      undefined,
      "Accepted",
      "Unknown",
      "NotSent",
      "Rejected",
      "Cured",
      "StillBad",
      "NotExecuted",
    ),
    answers: fc.nat(FLEET - 1),
  });
  test("never are more open than pool, zone and cluster allow, nor more made than the rates (I3)", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        let now = NOON;
        let ledger = aLedger();
        // What a bystander counts who never looks at the ledger: calls that were, or may have been, made.
        const calls = new Map<string, { vm: number; time: number }>();
        for (const [i, { passes, vm, outcome, answers }] of steps.entries()) {
          now += passes;
          const by = { by: "w", clocks: at(now) };
          const entry = ledger.entries.get(`vm-${answers}`);
          if (outcome !== undefined && entry !== undefined) {
            if (entry.outcome === "Intent" && (outcome === "NotSent" || outcome === "Rejected"))
              calls.delete(entry.token);
            ledger = withOutcome(ledger, entry.instanceId, entry.token, outcome, by, LEDGER_TIMINGS);
          }
          const place = { instanceId: `vm-${vm}`, pool: `pool-${vm % 7}`, zone: `zone-${vm % 3}` };
          const windowOver = (ledger.entries.get(place.instanceId)?.notBefore ?? 0) <= now;
          if (!windowOver || exceededBudget(place, ledger, FLEET, policy, at(now)) !== undefined) continue;
          const token = `token-${i}`;
          ledger = withIntent(
            pruned(ledger, at(now), { keep: 1 }),
            anIntent({ ...place, token }),
            WINDOW,
            by,
          );
          const times = [...calls.values()].map(({ time }) => time);
          expect(now - Math.max(0, ...times)).toBeGreaterThanOrEqual(budgets.spacing);
          calls.set(token, { vm, time: now });

          const open = [...ledger.entries.values()].filter((one) => isOpen(one, at(now)));
          const most = (of: "pool" | "zone") =>
            Math.max(
              ...Map.groupBy(open, (one) => one[of])
                .values()
                .map((group) => group.length),
            );
          expect(most("pool")).toBeLessThanOrEqual(budgets.pool);
          expect(most("zone")).toBeLessThanOrEqual(budgets.zone);
          expect(open.length).toBeLessThanOrEqual(3);
          const all = [...calls.values()];
          expect(
            within(
              all.map((one) => one.time),
              now,
              HOUR,
            ),
          ).toBeLessThanOrEqual(budgets.perHour);
          expect(
            within(
              all.map((one) => one.time),
              now,
              DAY,
            ),
          ).toBeLessThanOrEqual(budgets.perDay);
          const own = all.filter((one) => one.vm === vm).map((one) => one.time);
          expect(within(own, now, DAY)).toBeLessThanOrEqual(budgets.nodePerDay);
        }
      }),
      { numRuns: 400 },
    );
  });
});
