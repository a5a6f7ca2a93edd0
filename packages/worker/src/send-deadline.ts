import type { TimedStep } from "@node-agent/shared/contract/metric-labels.ts";
import { MINUTE, SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import type { RebootDeps, Transaction } from "./reboot-transaction.ts";

type SendDeadlineDeps = Pick<RebootDeps, "clock" | "timings" | "onMissed">;

/** A transaction that came too late: why, and after which pause it is tried again. */
export interface Missed {
  readonly why: string;
  readonly pause: Millis;
}

/** The pause grows with each miss of a node, up to this. */
const LONGEST_PAUSE: Millis = MINUTE;
/** A process that stood still is not to blame on what it asked, so often in a row. */
const AT_ONCE = 3;
/** More nodes than this miss their deadline only where everything is slow; the first of them begin again. */
const MOST_NODES = 1000;
/** Steps that are named; the others took less. */
const NAMED_STEPS = 3;

const NAMES: Readonly<Record<TimedStep, string>> = {
  Redis: "Redis",
  Verdict: "the result of the reboot before",
  Ledger: "the ledger",
  Node: "the node read",
  Fleet: "the list of the nodes",
  Cloud: "the cloud",
  Pods: "the pods of the agents",
  Intent: "the write to the ledger",
};

/**
 * The send deadline of the transactions of one process. A miss names what took how long. It is tried again after a pause
 * that grows, because what is slow rarely gets fast by asking; at once when this process only stood still, and what it
 * asked would have been in time without that.
 */
export class SendDeadline {
  readonly #deps: SendDeadlineDeps;
  readonly #misses = new Map<string, number>();

  constructor(deps: SendDeadlineDeps) {
    this.#deps = deps;
  }

  /** More time than allowed has passed since the first read, by either clock. */
  isOver(transaction: Transaction): boolean {
    const { mono, wall } = this.#elapsed(transaction);
    const { sendDeadline: limit } = this.#deps.timings;
    return mono > limit || wall > limit || wall < 0;
  }

  /** Counts a miss of this transaction. */
  missed(transaction: Transaction): Missed {
    const { timings, onMissed } = this.#deps;
    const { sendDeadline: limit } = timings;
    const { node, stopwatch } = transaction;
    const { mono, wall } = this.#elapsed(transaction);
    const steps = stopwatch.steps();
    const stoodStill = Math.min(mono, stopwatch.stoodStill());
    // Without that, and without a clock that was set, it would have been in time.
    const innocent = mono - stoodStill <= limit;
    onMissed(innocent ? "Process" : (steps[0]?.[0] ?? "Process"));
    const misses = (this.#misses.get(node) ?? 0) + 1;
    this.#remember(node, misses);
    const pause = innocent && misses <= AT_ONCE ? 0 : Math.min(LONGEST_PAUSE, limit * 2 ** (misses - 1));
    if (mono <= limit)
      return { why: "a clock was set, or the machine was suspended, since the first read", pause };
    const parts = [
      ...(stoodStill > 0 ? [`this process stood still for ${seconds(stoodStill)}`] : []),
      ...steps
        .slice(0, NAMED_STEPS)
        .map(([step, took], i) => `${NAMES[step]} ${i === 0 ? "took " : ""}${seconds(took)}`),
    ];
    const why = [`${seconds(Math.max(mono, wall))} since the first read, ${seconds(limit)} are allowed`];
    return { why: [...why, ...(parts.length === 0 ? [] : [parts.join(", ")])].join(": "), pause };
  }

  /** The transaction was in time: the next pause of this node is short again. */
  kept(node: string): void {
    this.#misses.delete(node);
  }

  #elapsed({ startedMono, startedWall }: Transaction): { readonly mono: Millis; readonly wall: Millis } {
    const { clock } = this.#deps;
    return { mono: clock.monotonic() - startedMono, wall: clock.now() - startedWall };
  }

  #remember(node: string, misses: number): void {
    this.#misses.delete(node);
    this.#misses.set(node, misses);
    const [oldest] = this.#misses.keys();
    if (this.#misses.size > MOST_NODES && oldest !== undefined) this.#misses.delete(oldest);
  }
}

function seconds(span: Millis): string {
  return `${Math.round(span / (SECOND / 10)) / 10} s`;
}
