import type { Millis } from "@node-agent/shared/core/time.ts";

/** Something that will happen, unless it is cancelled. */
export interface Timer {
  readonly at: Millis;
  /** Among events of one instant the order is chance: every interleaving is possible. */
  readonly tie: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** The timers of a run, the next one first (a binary heap). */
export class TimerHeap {
  readonly #timers: Timer[] = [];

  get first(): Timer | undefined {
    return this.#timers[0];
  }

  push(timer: Timer): void {
    const timers = this.#timers;
    timers.push(timer);
    let i = timers.length - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(timers[i], timers[parent])) break;
      swap(timers, i, parent);
      i = parent;
    }
  }

  pop(): void {
    const timers = this.#timers;
    const last = timers.pop();
    if (last === undefined || timers.length === 0) return;
    timers[0] = last;
    let i = 0;
    for (;;) {
      const left = 2 * i + 1;
      const right = left + 1;
      let least = i;
      if (before(timers[left], timers[least])) least = left;
      if (before(timers[right], timers[least])) least = right;
      if (least === i) return;
      swap(timers, i, least);
      i = least;
    }
  }
}

function before(one: Timer | undefined, other: Timer | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one.at === other.at ? one.tie < other.tie : one.at < other.at;
}

function swap(timers: Timer[], i: number, j: number): void {
  const [a, b] = [timers[i], timers[j]];
  if (a !== undefined && b !== undefined) [timers[i], timers[j]] = [b, a];
}
