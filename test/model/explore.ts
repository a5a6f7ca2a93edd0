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

/** Tells apart "always possible" from the promises that a single transition can break. */
export const PROGRESS = "progress";

/** The most states that are kept before giving up: some 500 MB with 32 bytes a state. */
const MAX_STATES = 12_000_000;

/**
 * Visits every state that can be reached, breadth first, so that the first violation found is one with the fewest steps.
 * Stops at the first violation. With `system.progress` it also proves that no state is cut off from that transition.
 * More than `maxStates` states end it as `Bound`.
 */
export function explore(system: System, maxStates = MAX_STATES): Exploration {
  const startedAt = performance.now();
  const search = new Search(system);
  search.run(maxStates);
  const { states, transitions } = search;
  const found = search.found();
  const seconds = (performance.now() - startedAt) / 1000;
  return { ...found, states, transitions, seconds };
}

class Search {
  readonly #system: System;
  readonly #seen: StateSet;
  readonly #parents = new Parents();
  readonly #edges: EdgeList | undefined;
  #current = 0;
  #transitions = 0;
  #violation: Violation | undefined;

  constructor(system: System) {
    this.#system = system;
    this.#seen = new StateSet(system.words);
    this.#edges = system.progress === undefined ? undefined : new EdgeList();
  }

  get states(): number {
    return this.#seen.size;
  }

  get transitions(): number {
    return this.#transitions;
  }

  run(maxStates: number): void {
    const system = this.#system;
    const out = new Successors(system.words, (next, what, _who, _whom, violation) => {
      this.#visit(next, what, violation);
    });
    const state = system.initial();
    system.canonicalize?.(state);
    this.#seen.add(state);
    this.#parents.push(-1);
    while (this.#current < this.#seen.size && this.#violation === undefined && this.#seen.size <= maxStates) {
      this.#seen.read(this.#current, state);
      system.expand(state, out);
      this.#current += 1;
    }
  }

  found(): Pick<Exploration, "verdict" | "violation" | "trace"> {
    const violation = this.#violation;
    // The state that was expanded last is the one whose transition broke the promise.
    if (violation !== undefined) return this.#violated(violation, this.#current - 1, violation);
    if (this.#current < this.#seen.size) return { verdict: "Bound" };
    const stuck = this.#edges === undefined ? undefined : firstCutOff(this.#edges, this.#seen.size);
    if (stuck === undefined) return { verdict: "Holds" };
    const why = `from here on "${this.#system.progress}" can never happen again`;
    return this.#violated({ invariant: PROGRESS, why }, stuck, undefined);
  }

  #visit(next: State, what: string, violation: Violation | undefined): void {
    this.#transitions += 1;
    if (violation !== undefined) this.#violation ??= violation;
    this.#system.canonicalize?.(next);
    const known = this.#seen.size;
    const index = this.#seen.add(next);
    if (this.#seen.size > known) this.#parents.push(this.#current);
    this.#edges?.add(this.#current, index, what === this.#system.progress);
  }

  #violated(violation: Violation, at: number, lastStep: Violation | undefined) {
    const trace = traceOf(this.#system, this.#seen, this.#parents.pathTo(at), lastStep);
    return { verdict: "Violated", violation, trace } as const;
  }
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

  /** The states from the first one to this one. */
  pathTo(index: number): number[] {
    const path: number[] = [];
    for (let at = index; at >= 0; at = this.#places[at] as number) path.push(at);
    return path.toReversed();
  }
}
