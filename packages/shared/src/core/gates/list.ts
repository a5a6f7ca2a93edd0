/**
 * The conditions that can hold a reboot back, in order; the first that holds is the answer to "why not?". One pure
 * list: the reboot passes it, and whoever explains a node prints it.
 *
 * Gates that need the world at the very moment of the call (a fresh read, the cloud's identity answer, the shared rate
 * limit) are applied by the worker under names of the same closed set, so that a pending reboot always names one blocker.
 */
import type { EpochMillis } from "../time.ts";
import { identity, notSelected, optOut, paused, settle } from "./claims.ts";
import { breaker } from "./breaker.ts";
import { foreignOwner } from "./foreign-owner.ts";
import type { Gate, GateInput, GateName, GateVerdict } from "./gate.ts";
import { cureRate, ledger, limit } from "./ledger.ts";
import { ownNode } from "./own-node.ts";
import { plannedWork } from "./planned-work.ts";
import { podEvidence } from "./pod-evidence.ts";
import {
  actionNone,
  attempts,
  blind,
  mode,
  nothingFailing,
  threshold,
  verifying,
  waitWindow,
} from "./own-state.ts";

const PURE_GATES: readonly Gate[] = [
  nothingFailing,
  mode,
  actionNone,
  notSelected,
  paused,
  optOut,
  foreignOwner,
  plannedWork,
  blind,
  verifying,
  attempts,
  waitWindow,
  threshold,
  settle,
  breaker,
  ledger,
  cureRate,
  limit,
  identity,
  ownNode,
  podEvidence,
];

/** Every pure gate's verdict, in order. */
export function gateVerdicts(input: GateInput): GateVerdict[] {
  return PURE_GATES.map((gate) => gate(input));
}

/** The pure gates that hold, in order; each is asked only when its verdict is wanted. */
export function* holding(input: GateInput): Generator<GateVerdict> {
  for (const gate of PURE_GATES) {
    const verdict = gate(input);
    if (!verdict.open) yield verdict;
  }
}

/** What the reboot job does next. */
export type RebootStep =
  | { readonly step: "CallExecutor"; readonly attempt: number }
  | { readonly step: "WaitUntil"; readonly at: EpochMillis; readonly gate: GateName; readonly why: string }
  | { readonly step: "Finish"; readonly gate: GateName; readonly why: string };

/** The next step of a pending reboot: call, wait for the first closed gate, or finish because no time can be named. */
export function nextStep(input: GateInput): RebootStep {
  for (const { gate: name, why, until } of holding(input)) {
    return until === undefined
      ? { step: "Finish", gate: name, why }
      : { step: "WaitUntil", at: until, gate: name, why };
  }
  return { step: "CallExecutor", attempt: (input.record.incident?.attempts ?? 0) + 1 };
}
