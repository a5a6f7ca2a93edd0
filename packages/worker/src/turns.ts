import type { BudgetExceeded, Room } from "@node-agent/shared/core/storm/budgets.ts";
import {
  beforeInLine,
  firstInLine,
  roomOf,
  waitsInLine,
  type Waiting,
} from "@node-agent/shared/core/storm/turns.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import type { JobQueues } from "@node-agent/shared/ports/job-queues.ts";
import type { WaitingLine } from "@node-agent/shared/ports/waiting-line.ts";

/** What turns are made of. */
export interface TurnsDeps {
  readonly line: WaitingLine;
  readonly queues: Pick<JobQueues, "moveReboot">;
  /** How late somebody in line may look again before the place is given to others. */
  readonly patience: Millis;
  /** Takes the faults of what is only nice to have. */
  readonly onFault: (fault: unknown) => void;
}

/**
 * Paced recovery, oldest first: who is held by a shared budget stands in line, and whenever there is room, the first in
 * line is woken instead of sleeping until its window ends. Nothing here rejects: without the line, chance decides.
 */
export class Turns {
  readonly #deps: TurnsDeps;

  constructor(deps: TurnsDeps) {
    this.#deps = deps;
  }

  /** Everybody who waits; nobody, when that cannot be read. */
  async line(): Promise<readonly Waiting[]> {
    return (await this.#tried(async () => this.#deps.line.places())) ?? [];
  }

  /** Whoever stands before this node, as a budget that is exceeded until it is asked again. */
  exceeded(
    line: readonly Waiting[],
    subject: Pick<Waiting, "node" | "since" | "pool" | "zone">,
    room: Room | undefined,
    now: EpochMillis,
    pause: Millis,
  ): BudgetExceeded | undefined {
    const before = beforeInLine(line, subject, now, this.#deps.patience, room);
    if (before === undefined) return undefined;
    return { budget: "Turn", why: `${before.node} has waited for longer`, until: now + pause };
  }

  /**
   * The node is held by a budget until an instant: it stands in line. Whoever stands before it looks now, and goes, stays
   * or gives the place up: nobody is kept waiting by a node that is asleep, gone, or was never there.
   */
  async held(
    { budget }: BudgetExceeded,
    waiting: Omit<Waiting, "budget">,
    line: readonly Waiting[],
    now: EpochMillis,
  ): Promise<void> {
    const before = budget === "Turn" ? beforeInLine(line, waiting, waiting.until, Infinity) : undefined;
    const room = before?.budget ?? budget;
    if (before !== undefined) await this.#wake(before);
    if (!waitsInLine(room)) {
      await this.left(waiting.node, waiting.until);
      return;
    }
    const place = { ...waiting, budget: room };
    await this.#tried(async () => this.#deps.line.join(place));
    const last = line.find(({ node }) => node === waiting.node);
    // It was woken for room that it cannot use: somebody else can.
    if (last !== undefined && roomOf(last) !== roomOf(place)) await this.freed(now);
  }

  /** The node waits for no budget any more; who was in line gives way to the next. */
  async left(node: string, now: EpochMillis): Promise<void> {
    const had = await this.#tried(async () => this.#deps.line.leave(node));
    if (had === true) await this.freed(now);
  }

  /** There may be room: the first in line for each looks now. */
  async freed(now: EpochMillis): Promise<void> {
    const heads = firstInLine(await this.line(), now, this.#deps.patience);
    await Promise.all(heads.map(async (head) => this.#wake(head)));
  }

  async #wake({ node }: Waiting): Promise<void> {
    await this.#tried(async () => this.#deps.queues.moveReboot(node, 0));
  }

  async #tried<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      this.#deps.onFault(error);
      return undefined;
    }
  }
}
