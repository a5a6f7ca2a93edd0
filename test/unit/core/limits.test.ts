import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { isOpen } from "@node-agent/shared/core/ledger/history.ts";
import type { LedgerEntry, LedgerMeta, LedgerOutcome } from "@node-agent/shared/core/ledger/ledger.ts";
import { pruned, withIntent, withOutcome, withRecovery } from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS } from "@node-agent/shared/core/ledger/timings.ts";
import { Limits, type FleetSizes, type LimitSubject } from "@node-agent/shared/core/storm/limits.ts";
import {
  allowed,
  DEFAULT_CURE_RATE,
  DEFAULT_LIMITS,
  type LimitPolicy,
  type Share,
} from "@node-agent/shared/core/storm/policy.ts";
import { DAY, HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { heldBy } from "../../support/limits.ts";
import { aGrant, aLedger, anEntry, anIntent, at, NOON, WINDOW } from "./ledger-build.ts";

const number = (count: number): Share => ({ count, percent: 0 });
/** Limits so large that only the one under test can be used up. */
const AMPLE: LimitPolicy = {
  open: { pool: number(1000), zone: number(1000), cluster: number(1000) },
  rate: number(1000),
  nodePerDay: 1000,
};
const SIZES: FleetSizes = {
  nodes: 100,
  byPool: new Map([["blue", 40]]),
  byZone: new Map([["z1", 50]]),
};
const LATER = NOON + 2 * MINUTE;
const VM: LimitSubject = { instanceId: "vm-x", checkers: ["NodeReady"] };
const open = (limits: Partial<LimitPolicy["open"]>) => ({ open: { ...AMPLE.open, ...limits } });
/** Entries of different VMs, each open unless told otherwise. */
const entries = (count: number, over: Partial<LedgerEntry> = {}) =>
  Array.from({ length: count }, (_, i) => anEntry({ instanceId: `vm-${i}`, seq: i + 1, ...over }));

const limits = (made: readonly LedgerEntry[], policy: Partial<LimitPolicy>, meta: Partial<LedgerMeta> = {}) =>
  new Limits(
    aLedger(made, meta),
    SIZES,
    { limits: { ...AMPLE, ...policy }, cureRate: DEFAULT_CURE_RATE },
    at(LATER),
  );
const ask = (made: readonly LedgerEntry[], policy: Partial<LimitPolicy>, over: Partial<LimitSubject> = {}) =>
  heldBy(limits(made, policy), { ...VM, ...over });

describe("a limit allows", () => {
  test.each([
    [{ count: 1, percent: 10 }, 5, 1],
    [{ count: 1, percent: 10 }, 59, 5],
    [{ count: 7, percent: 10 }, 59, 7],
    [{ count: 0, percent: 0 }, 59, 1],
    [{ count: 0, percent: 2 }, 0, 1],
  ])("%o of %d nodes: %d", (share, nodes, most) => {
    expect(allowed(share, nodes)).toBe(most);
  });
});

describe("the limit of open repairs in", () => {
  test("a pool: its own, until the first of their windows ends", () => {
    const made = [
      ...entries(1, { pool: "blue", notBefore: NOON + HOUR }),
      anEntry({ instanceId: "vm-9", pool: "blue" }),
    ];
    expect(ask(made, open({ pool: number(3) }), { pool: "blue" })).toBeUndefined();
    expect(ask(made, open({ pool: number(2) }), { pool: "blue" })).toEqual({
      limit: "Pool",
      why: "2 open in pool blue, 2 allowed",
      until: NOON + WINDOW,
    });
    expect(ask(made, open({ pool: number(1) }), { pool: "red" })).toBeUndefined();
  });

  test("a pool is a share of the nodes of that pool, and of a zone of those of that zone", () => {
    const made = entries(4, { pool: "blue", zone: "z1" });
    const place = { pool: "blue", zone: "z1" };
    expect(ask(made, open({ pool: { count: 1, percent: 10 } }), place)).toMatchObject({
      why: "4 open in pool blue, 4 allowed",
    });
    expect(ask(made, open({ pool: { count: 1, percent: 13 } }), place)).toBeUndefined();
    expect(ask(made, open({ zone: { count: 1, percent: 8 } }), place)).toMatchObject({
      limit: "Zone",
      why: "4 open in zone z1, 4 allowed",
    });
  });

  test("a pool or a zone: nodes without one are none", () => {
    expect(ask(entries(5), open({ pool: number(1), zone: number(1) }))).toBeUndefined();
  });

  test("the cluster", () => {
    expect(ask(entries(4), open({ cluster: { count: 1, percent: 5 } }))).toBeUndefined();
    expect(ask(entries(5), open({ cluster: { count: 1, percent: 5 } }))).toMatchObject({
      limit: "Cluster",
      why: "5 open in the cluster, 5 allowed",
    });
  });

  test("the asking VM's own entry does not stand in its way: its window does", () => {
    const made = [anEntry({ pool: "p" })];
    expect(ask(made, open({ pool: number(1) }), { instanceId: "vm-a", pool: "p" })).toBeUndefined();
  });
});

describe("the rate of", () => {
  test("an hour: earlier repairs of the same VM count, too", () => {
    const made = [anEntry({ at: NOON, earlier: [NOON - 20 * HOUR, NOON - 30 * MINUTE], outcome: "Cured" })];
    expect(ask(made, { rate: number(3) })).toBeUndefined();
    expect(ask(made, { rate: number(2) })).toEqual({
      limit: "Rate",
      why: "2 repairs began within the hour, 2 allowed",
      until: NOON + 30 * MINUTE,
    });
  });

  test("an hour: with more than the limit in it, enough of them must leave it", () => {
    const made = [NOON - 40 * MINUTE, NOON - 20 * MINUTE, NOON].map((time, i) =>
      anEntry({ instanceId: `vm-${i}`, at: time, outcome: "Cured" }),
    );
    expect(ask(made, { rate: number(1) })).toMatchObject({ until: NOON + HOUR });
  });

  test("one VM in a day: it alone is held, others go on", () => {
    const own = anEntry({
      at: NOON - HOUR,
      earlier: [NOON - 9 * HOUR, NOON - 5 * HOUR],
      outcome: "StillBad",
    });
    expect(ask([own], { nodePerDay: 4 }, { instanceId: "vm-a" })).toBeUndefined();
    expect(ask([own], { nodePerDay: 3 }, { instanceId: "vm-a" })).toEqual({
      limit: "Node",
      why: "3 repairs of this VM within the day",
      until: NOON + 15 * HOUR,
    });
    expect(ask([own], { nodePerDay: 3 }, { instanceId: "vm-b" })).toBeUndefined();
  });
});

describe("a grant", () => {
  const grants = [aGrant({ since: LATER - MINUTE, width: 2, zone: "z1", used: 3, count: 4 })];
  const granted: LimitSubject = { ...VM, zone: "z1", granted: true };
  const under = entries(2, { zone: "z1", grant: "g" });

  test("lets as many be open as it is wide, of the nodes that need it", () => {
    expect(heldBy(limits(under.slice(1), {}, { grants }), granted)).toBeUndefined();
    expect(heldBy(limits(under, {}, { grants }), granted)).toMatchObject({
      limit: "Grant",
      why: "2 open in grant g, 2 allowed",
    });
    expect(heldBy(limits(under, {}, { grants }), { ...granted, granted: false })).toBeUndefined();
    expect(heldBy(limits(entries(2, { zone: "z1" }), {}, { grants }), granted)).toBeUndefined();
  });

  test("lifts no limit", () => {
    const made = entries(1, { zone: "z1" });
    expect(heldBy(limits(made, open({ zone: number(1) }), { grants }), granted)).toMatchObject({
      limit: "Zone",
    });
  });

  test("of a count ends within one pass over the fleet, too", () => {
    const it = limits([], {}, { grants });
    it.take(granted);
    expect(heldBy(it, { ...granted, instanceId: "vm-y" })).toMatchObject({
      limit: "Grant",
      why: "the 4 repairs that were granted have begun",
    });
  });
});

const counts = (outcome: LedgerOutcome, now = LATER) => isOpen(anEntry({ outcome }), at(now));

describe("an entry counts as open", () => {
  test.each(["Intent", "Accepted", "Unknown", "NotExecuted", "Gone"] as const)(
    "while its window runs and its outcome is %s",
    (outcome) => {
      expect(counts(outcome)).toBe(true);
      expect(counts(outcome, NOON + WINDOW)).toBe(false);
    },
  );

  test.each(["Cured", "StillBad", "NotSent", "Rejected"] as const)("no more once it is %s", (outcome) => {
    expect(counts(outcome)).toBe(false);
  });

  test("until the slowest clock says that its window is over", () => {
    expect(isOpen(anEntry(), clocksOf([NOON + WINDOW, NOON + WINDOW - 1]))).toBe(true);
  });
});

const place = (vm: number): LimitSubject => ({
  instanceId: `vm-${vm}`,
  pool: `pool-${vm % 7}`,
  zone: `zone-${vm % 3}`,
  checkers: ["GPU"],
  checker: "GPU",
});
/** What a pass took has no end yet. */
const withoutEnd = (held: ReturnType<typeof heldBy>) => held && { ...held, until: undefined };
const within = (times: readonly number[], now: number, span: number) =>
  times.filter((time) => time > now - span).length;

describe("however repairs are asked for", () => {
  const policy: LimitPolicy = {
    open: { pool: number(1), zone: number(2), cluster: { count: 1, percent: 15 } },
    rate: { count: 6, percent: 3 },
    nodePerDay: 2,
  };
  const FLEET = 20;
  const sizes: FleetSizes = { nodes: FLEET, byPool: new Map(), byZone: new Map() };
  const rules = { limits: policy, cureRate: { ...DEFAULT_CURE_RATE, minimum: 1000, latest: 1000 } };
  const step = fc.record({
    passes: fc.oneof(fc.nat(MINUTE), fc.nat(20 * MINUTE), fc.nat(5 * HOUR)),
    vm: fc.nat(FLEET - 1),
    outcome: fc.constantFrom<LedgerOutcome | "Recovered" | undefined>(
      undefined,
      "Accepted",
      "Unknown",
      "NotSent",
      "Rejected",
      "Recovered",
      "Cured",
      "StillBad",
      "NotExecuted",
    ),
    answers: fc.nat(FLEET - 1),
  });

  test("never are more open than pool, zone and cluster allow, nor more begun than the rates (I3)", () => {
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
            const { instanceId, token } = entry;
            if (entry.outcome === "Intent" && (outcome === "NotSent" || outcome === "Rejected"))
              calls.delete(token);
            ledger =
              outcome === "Recovered"
                ? withRecovery(ledger, instanceId, token, by)
                : withOutcome(ledger, instanceId, token, outcome, by, LEDGER_TIMINGS);
          }
          const subject = place(vm);
          const windowOver = (ledger.entries.get(subject.instanceId)?.notBefore ?? 0) <= now;
          if (!windowOver || heldBy(new Limits(ledger, sizes, rules, at(now)), subject) !== undefined)
            continue;
          const token = `token-${i}`;
          const { checkers: _, ...intent } = subject;
          ledger = withIntent(
            pruned(ledger, at(now), { keep: 1 }),
            anIntent({ ...intent, token }),
            WINDOW,
            by,
          );
          calls.set(token, { vm, time: now });
          const opened = [...ledger.entries.values()].filter((one) => isOpen(one, at(now)));
          const most = (of: "pool" | "zone") =>
            Math.max(
              ...Map.groupBy(opened, (one) => one[of])
                .values()
                .map((group) => group.length),
            );
          expect(most("pool")).toBeLessThanOrEqual(1);
          expect(most("zone")).toBeLessThanOrEqual(2);
          expect(opened.length).toBeLessThanOrEqual(3);
          const all = [...calls.values()];
          const times = all.map((one) => one.time);
          expect(within(times, now, HOUR)).toBeLessThanOrEqual(6);
          const own = all.filter((one) => one.vm === vm).map((one) => one.time);
          expect(within(own, now, DAY)).toBeLessThanOrEqual(2);
        }
      }),
      { numRuns: 400 },
    );
  });

  test("one pass that takes as it goes decides what asking after each intent would decide", () => {
    const started = fc.record({
      vm: fc.nat(FLEET - 1),
      ago: fc.nat(2 * HOUR),
      outcome: fc.constantFrom<LedgerOutcome>("Accepted", "Cured", "StillBad", "NotExecuted"),
      recovered: fc.boolean(),
    });
    const asking = fc.uniqueArray(fc.nat(FLEET - 1), { maxLength: FLEET });
    const real = { limits: DEFAULT_LIMITS, cureRate: DEFAULT_CURE_RATE };
    const large = { nodes: 300, byPool: new Map([["pool-1", 50]]), byZone: new Map([["zone-1", 100]]) };
    fc.assert(
      fc.property(fc.array(started, { maxLength: 30 }), asking, (past, vms) => {
        const made = past.map(({ vm, ago, outcome, recovered }, i) => {
          const { checkers: _, ...known } = place(vm);
          const time = NOON - ago;
          return anEntry({
            ...known,
            seq: i + 1,
            at: time,
            notBefore: time + WINDOW,
            outcome,
            ...(recovered && outcome === "Accepted" ? { recoveredAt: time + 1 } : {}),
          });
        });
        let ledger = aLedger(made);
        const pass = new Limits(ledger, large, real, at(NOON));
        // A VM of the past replaces its own entry, which a pass does not model: only new ones ask here.
        for (const vm of vms.filter((one) => !past.some((known) => known.vm === one))) {
          const subject = place(vm);
          const { checkers: _, ...intent } = subject;
          const fresh = heldBy(new Limits(ledger, large, real, at(NOON)), subject);
          expect(withoutEnd(heldBy(pass, subject))).toEqual(withoutEnd(fresh));
          if (fresh !== undefined) continue;
          pass.take(subject);
          const by = { by: "w", clocks: at(NOON) };
          ledger = withIntent(ledger, anIntent({ ...intent, token: `t${vm}` }), WINDOW, by);
        }
      }),
    );
  });
});
