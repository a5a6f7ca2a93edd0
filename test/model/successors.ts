import type { State } from "./layout.ts";

/** A promise that a transition breaks. */
export interface Violation {
  readonly invariant: string;
  readonly why: string;
}

/** One transition, in words. `who` and `whom` number the worker and the VM it is about; -1: none. */
export interface StepLabel {
  readonly what: string;
  readonly who: number;
  readonly whom: number;
}

type Sink = (next: State, what: string, who: number, whom: number, violation: Violation | undefined) => void;

/**
 * Takes the successors of one state. A rule asks for a copy of the state, changes it and adds it; the copy is the same
 * array every time, so it must be added before the next one is asked for.
 */
export class Successors {
  readonly #next: State;
  readonly #sink: Sink;

  constructor(words: number, sink: Sink) {
    this.#next = new Uint32Array(words);
    this.#sink = sink;
  }

  from(state: State): State {
    const next = this.#next;
    for (let word = 0; word < next.length; word += 1) next[word] = state[word] as number;
    return next;
  }

  add(what: string, who = -1, whom = -1, violation?: Violation): void {
    this.#sink(this.#next, what, who, whom, violation);
  }
}

/** What the explorer needs to know of a system: its first state, its transitions, and which states are alike. */
export interface System {
  /** Words of a state. */
  readonly words: number;
  initial(): State;
  expand(state: State, out: Successors): void;
  /** Rewrites a state into the one that stands for all its mirror images (interchangeable workers and VMs). */
  readonly canonicalize?: (state: State) => void;
  /** Transitions with this text are what must always stay possible: no reachable state may be cut off from them. */
  readonly progress?: string;
}
