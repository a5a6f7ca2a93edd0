import type { State } from "./layout.ts";
import type { StateSet } from "./state-set.ts";
import { Successors, type StepLabel, type System, type Violation } from "./successors.ts";

/** One step of a counterexample and the state after it. */
export interface TraceStep extends StepLabel {
  readonly state: State;
}

interface Candidate extends TraceStep {
  readonly violation: Violation | undefined;
}

/**
 * Replays a path of explored states as concrete steps. Explored states are canonical, so workers and VMs change their
 * numbers along the path; the replay follows real states instead, and everybody keeps one name to the end.
 */
export function traceOf(
  system: System,
  seen: StateSet,
  path: readonly number[],
  violation: Violation | undefined,
): TraceStep[] {
  const trace: TraceStep[] = [];
  let state = system.initial();
  for (const index of path.slice(1)) {
    const step = candidates(system, state).find((candidate) =>
      isMirrorOf(system, seen, candidate.state, index),
    );
    if (step === undefined)
      throw new Error(`The path breaks before state ${index}: canonicalize is not a symmetry`);
    trace.push(stepOf(step));
    ({ state } = step);
  }
  if (violation === undefined) return trace;
  const last = candidates(system, state).find((candidate) => candidate.violation !== undefined);
  if (last === undefined) throw new Error("The violation cannot be replayed: canonicalize is not a symmetry");
  return [...trace, stepOf(last)];
}

function candidates(system: System, state: State): Candidate[] {
  const found: Candidate[] = [];
  const out = new Successors(system.words, (next, what, who, whom, violation) => {
    found.push({ what, who, whom, violation, state: next.slice() });
  });
  system.expand(state, out);
  return found;
}

function isMirrorOf({ canonicalize }: System, seen: StateSet, state: State, index: number): boolean {
  const copy = state.slice();
  canonicalize?.(copy);
  return seen.indexOf(copy) === index;
}

function stepOf({ what, who, whom, state }: Candidate): TraceStep {
  return { what, who, whom, state };
}
