import type { State } from "./layout.ts";
import { StateSet } from "./state-set.ts";
import { EdgeList, firstCutOff } from "./progress.ts";
import { Successors, type System, type Violation } from "./successors.ts";
import { traceOf, type TraceStep } from "./trace.ts";

/**
 * `Holds`: every reachable state was visited and none breaks a promise. `Bound`: there were more states than allowed,
 * so nothing is known; it counts as a failure.
 */
export type Verdict = "Holds" | "Violated" | "Bound";

export interface Exploration {
  readonly verdict: Verdict;
  readonly states: number;
  readonly transitions: number;
  readonly seconds: number;
  readonly violation?: Violation;
  /** The shortest way to the violation. */
  readonly trace?: readonly TraceStep[];
}

export interface Options {
  /** More states than this end the exploration as `Bound`. */
  readonly maxStates?: number;
  /** Hears the text of every transition. */
  readonly observe?: (what: string) => void;
}

/** Tells apart "always possible" from the promises that a single transition can break. */
export const PROGRESS = "progress";

/** The most states that are kept before giving up: some 500 MB with 32 bytes a state. */
const MAX_STATES = 12_000_000;

/**
 * Visits every state that can be reached, breadth first, so that the first violation found is one with the fewest steps.
 * Stops at the first violation. With `system.progress` it also proves that no state is cut off from that transition.
 */
export function explore(system: System, { maxStates = MAX_STATES, observe }: Options = {}): Exploration {
  const startedAt = performance.now();
  const { words, canonicalize, progress } = system;
  const seen = new StateSet(words);
  const parents = new Parents();
  const edges = progress === undefined ? undefined : new EdgeList();
  let current = 0;
  let transitions = 0;
  let violation: Violation | undefined;

  const out = new Successors(words, (next, what, _who, _whom, broken) => {
    transitions += 1;
    if (broken !== undefined) violation ??= broken;
    canonicalize?.(next);
    const known = seen.size;
    const index = seen.add(next);
    if (seen.size > known) parents.push(current);
    edges?.add(current, index, what === progress);
    observe?.(what);
  });

  const state = initialOf(system);
  seen.add(state);
  parents.push(-1);
  for (; current < seen.size && violation === undefined && seen.size <= maxStates; current += 1) {
    seen.read(current, state);
    system.expand(state, out);
  }
  const path = (index: number): number[] => pathTo(parents, index);
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  const counts = { states: seen.size, transitions };

  if (violation !== undefined) {
    const trace = traceOf(system, seen, path(current - 1), violation);
    return { verdict: "Violated", ...counts, seconds: seconds(), violation, trace };
  }
  if (current < seen.size) return { verdict: "Bound", ...counts, seconds: seconds() };
  const stuck = edges === undefined ? undefined : firstCutOff(edges, seen.size);
  if (stuck !== undefined) {
    const why = `from here on "${progress}" can never happen again`;
    const trace = traceOf(system, seen, path(stuck), undefined);
    return { verdict: "Violated", ...counts, seconds: seconds(), violation: { invariant: PROGRESS, why }, trace };
  }
  return { verdict: "Holds", ...counts, seconds: seconds() };
}

function initialOf({ initial, canonicalize }: System): State {
  const state = initial();
  canonicalize?.(state);
  return state;
}

function pathTo(parents: Parents, index: number): number[] {
  const path: number[] = [];
  for (let at = index; at >= 0; at = parents.of(at)) path.push(at);
  return path.toReversed();
}

/** From which state each state was found first. */
class Parents {
  #places = new Int32Array(1024);
  #size = 0;

  push(parent: number): void {
    if (this.#size === this.#places.length) {
      const grown = new Int32Array(this.#size * 2);
      grown.set(this.#places);
      this.#places = grown;
    }
    this.#places[this.#size] = parent;
    this.#size += 1;
  }

  of(index: number): number {
    return this.#places[index] as number;
  }
}
