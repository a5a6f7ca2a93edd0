/**
 * The conditions that can hold a reboot back, in order; the first that holds is the answer to "why not?". One pure
 * list: the reboot passes it, and whoever explains a node prints it.
 *
 * Gates that need the world (a fresh read, the cloud's identity answer, the shared rate limit) are applied by the
 * worker with the names below, so that a pending reboot always names one blocker from one closed set.
 */
import { CHECKER_NAMES } from "./check.ts";
import { firstDue, isExhausted } from "./due.ts";
import type { RepairPolicy } from "./policy.ts";
import type { NodeRecord, ObservedMillis } from "./record.ts";
import type { EpochMillis } from "./time.ts";

/** Everything that may hold a reboot back, in the order in which it is asked. */
export const GATES = [
  "NothingFailing",
  "ActionNone",
  "Blind",
  "Attempts",
  "WaitWindow",
  "Threshold",
  "NodeUnreadable",
  "Identity",
  "Cloud",
  "RateLimit",
  "Deadline",
] as const;
export type GateName = (typeof GATES)[number];

/** What the pure gates look at. */
export interface GateInput {
  readonly record: NodeRecord;
  readonly policy: RepairPolicy;
  readonly now: EpochMillis;
  /** The observation clock now. */
  readonly observed: ObservedMillis;
  /** Age of the freshest view any watcher vouches for; undefined when none ever did. */
  readonly viewAge: number | undefined;
}

/** One gate's answer. `until` is when to ask again; absent when no time can be named and the job may end. */
export interface GateVerdict {
  readonly gate: GateName;
  readonly open: boolean;
  readonly why: string;
  readonly until?: EpochMillis;
}

type Gate = (input: GateInput) => GateVerdict;

const nothingFailing: Gate = ({ record }) => {
  const failing = CHECKER_NAMES.filter((name) => record.failing[name] !== undefined);
  const sick = record.incident !== undefined && failing.length > 0;
  return {
    gate: "NothingFailing",
    open: sick,
    why: sick ? `failing: ${failing.join(", ")}` : "no checker fails",
  };
};

const actionNone: Gate = ({ record, policy, observed }) => {
  const asked = firstDue(record, policy, observed) !== undefined;
  return {
    gate: "ActionNone",
    open: asked,
    why: asked ? "a reboot is asked for" : "no failing checker asks for a reboot",
  };
};

const blind: Gate = ({ policy, now, viewAge }) => {
  const fresh = viewAge !== undefined && viewAge <= policy.viewMaxAge;
  const age = viewAge === undefined ? "never seen" : `${Math.round(viewAge / 1000)} s old`;
  return { gate: "Blind", open: fresh, why: `cluster view is ${age}`, until: now + policy.viewMaxAge / 2 };
};

const waitWindow: Gate = ({ record, now }) => {
  const until = record.lastReboot?.waitUntil ?? 0;
  const attempt = record.lastReboot;
  return {
    gate: "WaitWindow",
    open: until <= now,
    why:
      attempt === undefined
        ? "no reboot before"
        : `reboot ${attempt.number} (${attempt.outcome}) keeps its wait`,
    until,
  };
};

const attempts: Gate = ({ record, policy, now }) => {
  // The wait of the last attempt is still a wait: only when it is over is the node given up.
  const waiting = record.phase === "WaitingReboot" && (record.lastReboot?.waitUntil ?? 0) > now;
  return {
    gate: "Attempts",
    open: waiting || !isExhausted(record, policy),
    why: `${record.incident?.attempts ?? 0} of ${policy.maxAttempts} attempts used`,
  };
};

const threshold: Gate = ({ record, policy, now, observed }) => {
  const due = firstDue(record, policy, observed);
  if (due === undefined)
    return { gate: "Threshold", open: false, why: "no failing checker asks for a reboot" };
  return {
    gate: "Threshold",
    open: due.in === 0,
    why: `${due.checker} has not failed for long enough`,
    until: now + due.in,
  };
};

const PURE_GATES: readonly Gate[] = [nothingFailing, actionNone, blind, attempts, waitWindow, threshold];

/** Every pure gate's verdict, in order. */
export function gateVerdicts(input: GateInput): GateVerdict[] {
  return PURE_GATES.map((gate) => gate(input));
}

/** What the reboot job does next. */
export type RebootStep =
  | { readonly step: "CallExecutor"; readonly attempt: number }
  | { readonly step: "WaitUntil"; readonly at: EpochMillis; readonly gate: GateName; readonly why: string }
  | { readonly step: "Finish"; readonly gate: GateName; readonly why: string };

/** The next step of a pending reboot: call, wait for the first closed gate, or finish because no time can be named. */
export function nextStep(input: GateInput): RebootStep {
  for (const gate of PURE_GATES) {
    const verdict = gate(input);
    if (verdict.open) continue;
    const { gate: name, why, until } = verdict;
    return until === undefined
      ? { step: "Finish", gate: name, why }
      : { step: "WaitUntil", at: until, gate: name, why };
  }
  return { step: "CallExecutor", attempt: (input.record.incident?.attempts ?? 0) + 1 };
}
