import { describe, expect, test } from "vitest";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { judge } from "@node-agent/shared/core/judge.ts";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import { emptyLedger } from "@node-agent/shared/core/ledger/steps.ts";
import { censusOf } from "@node-agent/shared/core/plan/census.ts";
import { plan, wantsLedger, type PlanInput, type PlannedNode } from "@node-agent/shared/core/plan/plan.ts";
import { DEFAULT_POLICY, type RepairPolicy } from "@node-agent/shared/core/policy.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { DAY, HOUR, MINUTE, SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import { limitsOfCounts } from "../../support/limits.ts";
import { NOON } from "./timeline.ts";

/** Two repairs may be open at once, and nothing else limits them. */
const POLICY: RepairPolicy = {
  ...DEFAULT_POLICY,
  monitorOnly: false,
  limits: limitsOfCounts({ cluster: 2 }),
  breaker: { ...DEFAULT_POLICY.breaker, floor: 1000 },
};
const CHECKERS = createCheckers(POLICY);

/** A node that was well and then failed, `ago` before noon. */
function failedAgo(ago: Millis, node: NodeBuilder, policy = POLICY): PlannedNode {
  const rules = { checkers: CHECKERS, policy };
  const look = (record: NodeRecord | undefined, builder: NodeBuilder, before: Millis): NodeRecord => {
    const view = { now: NOON - before, observed: DAY - before };
    return judge(builder.snapshot(), { record, damaged: false }, rules, view).after;
  };
  const well = look(undefined, node.ready(), ago + HOUR);
  const failing = node.notReady();
  return { record: look(well, failing, ago), snapshot: failing.snapshot() };
}

function inputOf(nodes: readonly PlannedNode[], over: Partial<PlanInput> = {}): PlanInput {
  const well = Array.from({ length: 40 }, (_, i) => aNode(`well-${i}`).snapshot());
  const sick = nodes.flatMap(({ snapshot }) => (snapshot === undefined ? [] : [snapshot]));
  return {
    nodes,
    census: censusOf([...well, ...sick]),
    ledger: { state: "Trusted", ledger: grown(), clocks: clocksOf([NOON]) },
    rules: { checkers: CHECKERS, policy: POLICY },
    selects: () => true,
    view: { now: NOON, observed: DAY, age: 0, steady: DAY },
    horizon: 0,
    ...over,
  };
}

function grown(): Ledger {
  return emptyLedger("cluster-1", "test", NOON - DAY);
}

const named = (nodes: readonly { readonly node: string }[]): string[] => nodes.map(({ node }) => node);

/** Booted so long ago, by a repair whose wait runs on, and failing all the time. */
const repaired = (bootSeenAgo: Millis): PlannedNode => {
  const { record, ...rest } = failedAgo(HOUR, aNode("sick"));
  const lastReboot = {
    incidentId: record.incident?.id ?? "",
    number: 1,
    instanceId: "vm",
    token: "t",
    intendedAt: NOON - bootSeenAgo - MINUTE,
    outcome: "Accepted",
    detail: "",
    waitUntil: NOON + MINUTE,
    bootIdBefore: "boot-1",
  } as const;
  const booted = { bootId: "boot-2", bootSeenAt: NOON - bootSeenAgo, phase: "WaitingReboot" } as const;
  return { ...rest, record: { ...record, ...booted, lastReboot } };
};

describe("a result that is known before the wait is over", () => {
  const threshold = POLICY.checkers.NodeReady.threshold;

  test("is looked at by its own transaction, which is held by the wait all the same", () => {
    const made = plan(inputOf([repaired(threshold)]));
    expect(made.look).toEqual(["sick"]);
    expect(made.held).toMatchObject([{ node: "sick", gate: "WaitWindow", ends: NOON + MINUTE }]);
  });

  test("is not looked at of a node whose kubelet is silent: its transaction could not tell", () => {
    const { snapshot: _snapshot, ...silent } = repaired(threshold);
    expect(plan(inputOf([silent])).look).toEqual([]);
    const unknown = aNode("sick").unknown().snapshot();
    expect(plan(inputOf([{ ...silent, snapshot: unknown }])).look).toEqual([]);
  });

  test("is not looked at earlier, nor again while its transaction waits to try again", () => {
    expect(plan(inputOf([repaired(threshold - 1)])).look).toEqual([]);
    const found = { gate: "NodeUnreadable", why: "503", until: NOON + SECOND } as const;
    expect(plan(inputOf([{ ...repaired(threshold), found }])).look).toEqual([]);
  });
});

describe("a plan", () => {
  test("lets as many proceed as the limits allow, oldest first, and names the limit for the others", () => {
    const nodes = [6, 9, 7, 8].map((minutes) => failedAgo(minutes * MINUTE, aNode(`n-${minutes}`)));
    const made = plan(inputOf(nodes));
    expect(made.proceed).toEqual([
      { node: "n-9", at: NOON },
      { node: "n-8", at: NOON },
    ]);
    expect(made.held).toMatchObject([
      { node: "n-7", gate: "Limit" },
      { node: "n-6", gate: "Limit" },
    ]);
  });

  test("holds one that is not due with its end, and takes no place for it", () => {
    const nodes = [
      failedAgo(MINUTE, aNode("young")),
      ...[6, 7].map((m) => failedAgo(m * MINUTE, aNode(`n-${m}`))),
    ];
    const made = plan(inputOf(nodes));
    expect(named(made.proceed)).toEqual(["n-7", "n-6"]);
    expect(made.held).toEqual([
      { node: "young", gate: "Threshold", why: expect.any(String), ends: NOON + 4 * MINUTE },
    ]);
  });

  test("lets one proceed that falls due within the horizon, at the instant at which it does", () => {
    const soon = failedAgo(5 * MINUTE - 2 * SECOND, aNode("soon"));
    expect(plan(inputOf([soon], { horizon: 3 * SECOND })).proceed).toEqual([
      { node: "soon", at: NOON + 2 * SECOND },
    ]);
    expect(plan(inputOf([soon], { horizon: SECOND })).held).toMatchObject([
      { node: "soon", gate: "Threshold" },
    ]);
  });

  test("lists nodes that need no repair apart", () => {
    const policy = {
      ...POLICY,
      checkers: { ...POLICY.checkers, NodeReady: { ...POLICY.checkers.NodeReady, action: "None" as const } },
    };
    const made = plan(inputOf([failedAgo(HOUR, aNode("told"))], { rules: { checkers: CHECKERS, policy } }));
    expect(made).toMatchObject({ proceed: [], held: [], idle: ["told"] });
  });

  test("judges correlation by the census, not by the sick nodes alone", () => {
    const policy = { ...POLICY, breaker: DEFAULT_POLICY.breaker };
    const rules = { checkers: CHECKERS, policy };
    const sick = [6, 7, 8].map((m) => failedAgo(m * MINUTE, aNode(`n-${m}`)));
    expect(plan(inputOf(sick, { rules })).held).toMatchObject([{ gate: "Limit" }]);
    const census = censusOf(sick.map(({ snapshot }) => snapshot!));
    expect(plan(inputOf(sick, { rules, census })).held).toMatchObject([
      { gate: "Breaker" },
      { gate: "Breaker" },
      { gate: "Breaker" },
    ]);
  });

  test("without a census leaves correlation to the transaction", () => {
    const { census: _census, ...rest } = inputOf([failedAgo(HOUR, aNode("n"))]);
    expect(named(plan(rest).proceed)).toEqual(["n"]);
  });

  test("holds everything that is due when the ledger cannot be read, and says why", () => {
    const ledger = { state: "Unread", why: "answered 503" } as const;
    const made = plan(inputOf([failedAgo(HOUR, aNode("n"))], { ledger }));
    expect(made.held).toEqual([{ node: "n", gate: "Ledger", why: "answered 503" }]);
  });

  test("holds a node that no watcher stored: what was not read never counts as allowed", () => {
    const { record } = failedAgo(HOUR, aNode("n"));
    expect(plan(inputOf([{ record }])).held).toMatchObject([{ node: "n", gate: "NodeUnreadable" }]);
  });

  test("holds what is paused in the ledger", () => {
    const pause = { since: NOON - MINUTE, by: "ops", reason: "upgrade" };
    const { meta, entries } = grown();
    const ledger: Ledger = { meta: { ...meta, paused: pause }, entries };
    const made = plan(
      inputOf([failedAgo(HOUR, aNode("n"))], {
        ledger: { state: "Trusted", ledger, clocks: clocksOf([NOON]) },
      }),
    );
    expect(made.held).toMatchObject([{ node: "n", gate: "Paused" }]);
    expect(made.held[0]).not.toHaveProperty("ends");
  });
});

describe("what a transaction found", () => {
  const found = { gate: "Identity", why: "NotFound: no such VM", until: NOON + MINUTE } as const;

  test("holds that repair until then, and the place goes to the next", () => {
    const nodes = [9, 8, 7].map((m) => failedAgo(m * MINUTE, aNode(`n-${m}`)));
    const [first, ...others] = nodes;
    const made = plan(inputOf([{ ...first!, found }, ...others]));
    expect(named(made.proceed)).toEqual(["n-8", "n-7"]);
    expect(made.held).toEqual([{ node: "n-9", gate: "Identity", why: found.why }]);
  });

  test("holds nothing any more afterwards", () => {
    const node = failedAgo(HOUR, aNode("n"));
    expect(named(plan(inputOf([{ ...node, found: { ...found, until: NOON } }])).proceed)).toEqual(["n"]);
  });

  test("by many of the cloud lets one alone try again", () => {
    const cloud = { gate: "Cloud", why: "answered 503", until: NOON + MINUTE } as const;
    const tried = [9, 8, 7].map((m) =>
      Object.assign(failedAgo(m * MINUTE, aNode(`n-${m}`)), { found: cloud }),
    );
    const fresh = ["a", "b"].map((name) => failedAgo(6 * MINUTE, aNode(name)));
    const made = plan(inputOf([...tried, ...fresh]));
    expect(named(made.proceed)).toEqual(["a"]);
    expect(made.held.find(({ node }) => node === "b")).toMatchObject({
      gate: "Cloud",
      why: "other repairs found: answered 503",
    });
  });
});

test("the ledger is worth reading only when a repair is due or nearly so", () => {
  const input = (ago: Millis): boolean =>
    wantsLedger(inputOf([failedAgo(ago, aNode("n"))], { horizon: 9 * SECOND }));
  expect(input(4 * MINUTE)).toBe(false);
  expect(input(5 * MINUTE - 9 * SECOND)).toBe(true);
  expect(wantsLedger(inputOf([]))).toBe(false);
});

/** A node whose GPUs have all been gone for an hour. */
function withoutGpus(name: string): PlannedNode {
  const rules = { checkers: CHECKERS, policy: POLICY };
  const well = aNode(name).pool("gpu").gpu(8);
  const sick = well.gpu(8, { allocatable: 0 });
  const before = judge(well.snapshot(), { record: undefined, damaged: false }, rules, {
    now: NOON - 2 * HOUR,
    observed: DAY - 2 * HOUR,
  }).after;
  const { after } = judge(sick.snapshot(), { record: before, damaged: false }, rules, {
    now: NOON - HOUR,
    observed: DAY - HOUR,
  });
  return { record: after, snapshot: sick.snapshot() };
}

describe("a held repair that only an agent's checker asks for", () => {
  const NAMES = ["a", "b", "c", "d", "e", "f", "g"];

  test("looks once all the same, a few in each plan: what it learns may end the failure", () => {
    const policy = { ...POLICY, breaker: { ...POLICY.breaker, floor: 3 } };
    const nodes = NAMES.map((name) => withoutGpus(name));
    const census = censusOf(nodes.map(({ snapshot }) => snapshot!));
    const made = plan(inputOf(nodes, { census, rules: { checkers: CHECKERS, policy } }));
    expect(made.proceed).toEqual([]);
    expect(new Set(made.held.map(({ gate }) => gate))).toEqual(new Set(["Breaker"]));
    expect(made.look).toEqual(["a", "b", "c", "d", "e"]);
    const looked = nodes.map((node, i) => (i < 5 ? Object.assign(node, { looked: true }) : node));
    expect(plan(inputOf(looked, { census, rules: { checkers: CHECKERS, policy } })).look).toEqual(["f", "g"]);
  });

  test("does not look where the machine itself asks for the repair", () => {
    const nodes = NAMES.map((name) => failedAgo(HOUR, aNode(name)));
    const census = censusOf(nodes.map(({ snapshot }) => snapshot!));
    expect(plan(inputOf(nodes, { census })).look).toEqual([]);
  });
});
