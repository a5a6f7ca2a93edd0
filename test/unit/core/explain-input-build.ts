import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import type { ExplainInput, FleetLook } from "@node-agent/shared/core/explain-input.ts";
import { judge, type Rules } from "@node-agent/shared/core/judge.ts";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import { emptyLedger } from "@node-agent/shared/core/ledger/steps.ts";
import { fleetNode } from "@node-agent/shared/core/storm/fleet-node.ts";
import { fleetHealth } from "@node-agent/shared/core/storm/fleet.ts";
import { DAY, HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { aNode, instanceIdOf, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import { ACTIVE, NOON } from "./timeline.ts";

export const RULES: Rules = { policy: ACTIVE, checkers: createCheckers(ACTIVE) };
export const FAILED_AT = NOON - 6 * MINUTE;
export const SICK = aNode().notReady();
export const VM = instanceIdOf("node-1");
export const EMPTY = emptyLedger("cluster-1", "init", NOON);

export function fleetOf(sick: number, healthy = 20): FleetLook {
  const nodes = [
    ...Array.from({ length: sick }, (_, i) => aNode(`sick-${i}`).notReady()),
    ...Array.from({ length: healthy }, (_, i) => aNode(`well-${i}`)),
  ].map((node) => fleetNode(node.snapshot(), undefined, { ...RULES, selected: true }, NOON - HOUR));
  return { state: "Seen", health: fleetHealth(nodes), lookedAfter: true };
}

export function trusted(ledger: Ledger): ExplainInput["ledger"] {
  return { state: "Trusted", ledger, clocks: clocksOf([NOON]) };
}

export function recordOf(node: NodeBuilder, at: number, observed: number, rules = RULES) {
  const before = judge(aNode().snapshot(), { record: undefined, damaged: false }, rules, {
    now: at - HOUR,
    observed: observed - HOUR,
  }).after;
  return judge(node.snapshot(), { record: before, damaged: false }, rules, { now: at, observed }).after;
}

/** A node whose threshold has passed and that nothing holds back, made otherwise. */
export function input(over: Partial<ExplainInput> = {}): ExplainInput {
  return {
    name: "node-1",
    rules: RULES,
    now: NOON,
    observed: DAY,
    viewAge: 0,
    record: recordOf(SICK, FAILED_AT, DAY - 6 * MINUTE),
    damaged: false,
    node: { state: "Found", snapshot: SICK.snapshot() },
    fleet: fleetOf(1),
    ledger: trusted(EMPTY),
    hosting: { state: "Seen", hosting: { others: [], redis: false, openReboots: 0 } },
    instanceId: VM,
    ...over,
  };
}
