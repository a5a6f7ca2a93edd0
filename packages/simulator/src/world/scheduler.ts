import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { HOUR, type Millis } from "@node-agent/shared/core/time.ts";

/** Something that will happen; cancelling twice, or after it happened, does nothing. */
export interface Appointment {
  cancel(): void;
}

interface Entry extends Appointment {
  readonly at: Millis;
  readonly order: number;
  run: (() => void) | undefined;
}

/** Appointments run per turn of the event loop, so that requests are served while thousands of kubelets post. */
const BATCH = 200;

/**
 * The one source of "later" in the simulator: a binary heap of appointments served by a single sleep of the injected
 * clock, however many nodes there are. Appointments of the same instant run in the order they were made.
 */
export class Scheduler implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #heap: Entry[] = [];
  #order = 0;
  #stopped = false;
  #wake = new AbortController();
  readonly #loop: Promise<void>;

  /** Starts serving at once; an appointment that throws rejects `closed` and ends the simulator loudly. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#loop = this.#serve();
  }

  /** Calls `run` after `span` of real (already scaled) milliseconds. */
  after(span: Millis, run: () => void): Appointment {
    const entry: Entry = {
      at: this.#clock.monotonic() + Math.max(0, span),
      order: (this.#order += 1),
      run,
      cancel: () => {
        entry.run = undefined;
      },
    };
    this.#push(entry);
    if (this.#heap[0] === entry) this.#wake.abort();
    return entry;
  }

  /** Appointments not yet served, cancelled ones included until their time. */
  get size(): number {
    return this.#heap.length;
  }

  /** Forgets every appointment and resolves when the loop has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#heap.length = 0;
    this.#wake.abort();
    await this.#loop;
  }

  async #serve(): Promise<void> {
    while (!this.#stopped) {
      const served = this.#runDue();
      if (served === BATCH) {
        await nextTurn();
        continue;
      }
      const head = this.#heap[0];
      const span = head === undefined ? HOUR : Math.min(HOUR, head.at - this.#clock.monotonic());
      await this.#clock.sleep(Math.max(1, span), this.#wake.signal);
      if (this.#wake.signal.aborted) this.#wake = new AbortController();
    }
  }

  #runDue(): number {
    const now = this.#clock.monotonic();
    let served = 0;
    for (; served < BATCH; served += 1) {
      const head = this.#heap[0];
      if (head === undefined || head.at > now) break;
      this.#pop();
      head.run?.();
    }
    return served;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(entry, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      let child = heap[below];
      if (child === undefined) break;
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        below += 1;
      }
      if (!isBefore(child, last)) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = last;
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
