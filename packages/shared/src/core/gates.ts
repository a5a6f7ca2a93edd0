/**
 * The conditions that can hold a reboot back, in order; the first that holds is the answer to "why not?". One pure
 * list: the reboot passes it, and whoever explains a node prints it.
 *
 * Gates that need the world (a fresh read, the cloud's identity answer, the shared rate limit) are applied by the
 * worker with the names below, so that a pending reboot always names one blocker from one closed set.
 */
import { CHECKER_NAMES } from "./check.ts";
import { firstDue, isGivenUp, isWaiting } from "./due.ts";
import type { RepairPolicy } from "./policy.ts";
import type { NodeRecord, ObservedMillis } from "./record.ts";
import { SECOND, type EpochMillis } from "./time.ts";

/** Everything that may hold a reboot back, in the order in which it is asked. */
export const GATES = [
  "NothingFailing",
  "Mode",
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

function open(gate: GateName, why: string): GateVerdict {
  return { gate, open: true, why };
}

function shut(gate: GateName, why: string, until?: EpochMillis): GateVerdict {
  return { gate, open: false, why, ...(until === undefined ? {} : { until }) };
}

const NOBODY_ASKS = "no failing checker asks for a reboot";

const nothingFailing: Gate = ({ record }) => {
  const failing = CHECKER_NAMES.filter((name) => record.failing[name] !== undefined);
  return record.incident !== undefined && failing.length > 0
    ? open("NothingFailing", `failing: ${failing.join(", ")}`)
    : shut("NothingFailing", "no checker fails");
};

/** Clocks started in the other mode lead to nothing: the next judgement starts them anew. */
const mode: Gate = ({ record, policy, now }) =>
  record.monitorOnly === policy.monitorOnly
    ? open("Mode", `judged in ${modeName(policy.monitorOnly)} mode`)
    : shut("Mode", `judged in ${modeName(record.monitorOnly)} mode`, now + policy.viewMaxAge / 2);

function modeName(monitorOnly: boolean): string {
  return monitorOnly ? "monitor-only" : "active";
}

const actionNone: Gate = ({ record, policy, observed }) =>
  firstDue(record, policy, observed) === undefined
    ? shut("ActionNone", NOBODY_ASKS)
    : open("ActionNone", "a reboot is asked for");

const blind: Gate = ({ policy, now, viewAge }) => {
  const why =
    viewAge === undefined
      ? "the cluster was never seen"
      : `cluster view is ${Math.round(viewAge / SECOND)} s old`;
  const fresh = viewAge !== undefined && viewAge <= policy.viewMaxAge;
  return fresh ? open("Blind", why) : shut("Blind", why, now + policy.viewMaxAge / 2);
};

const waitWindow: Gate = ({ record, now }) => {
  const last = record.lastReboot;
  if (last === undefined) return open("WaitWindow", "no reboot before");
  const which = `reboot ${last.number} (${last.outcome})`;
  return isWaiting(record, now)
    ? shut("WaitWindow", `${which} keeps its wait`, last.waitUntil)
    : open("WaitWindow", `the wait of ${which} is over`);
};

const attempts: Gate = ({ record, policy, now }) => {
  const why = `${record.incident?.attempts ?? 0} of ${policy.maxAttempts} attempts used`;
  return isGivenUp(record, policy, now) ? shut("Attempts", why) : open("Attempts", why);
};

const threshold: Gate = ({ record, policy, now, observed }) => {
  const due = firstDue(record, policy, observed);
  if (due === undefined) return shut("Threshold", NOBODY_ASKS);
  return due.in === 0
    ? open("Threshold", `${due.checker} has failed for long enough`)
    : shut("Threshold", `${due.checker} has not failed for long enough`, now + due.in);
};

const PURE_GATES: readonly Gate[] = [
  nothingFailing,
  mode,
  actionNone,
  blind,
  attempts,
  waitWindow,
  threshold,
];

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
