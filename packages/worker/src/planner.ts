import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { simulatedLedger } from "@node-agent/shared/core/ledger/simulated.ts";
import {
  plan,
  wantsLedger,
  type HeldRepair,
  type Plan,
  type PlanLedger,
} from "@node-agent/shared/core/plan/plan.ts";
import { MINUTE, SECOND, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { dependencyOf } from "@node-agent/shared/ports/dependency.ts";
import type { PlanStore } from "@node-agent/shared/ports/plan-store.ts";
import type { QueuedReboot, RebootQueue } from "@node-agent/shared/ports/reboot-queue.ts";
import { deadlineSignal } from "@node-agent/shared/runtime/deadline.ts";
import {
  lookForPlan,
  progressIn,
  type PlanLook,
  type PlanSources,
} from "@node-agent/shared/runtime/plan-look.ts";
import type { Journal } from "./journal.ts";
import type { LedgerGate } from "./ledger-gate.ts";
import { progressOf } from "./progress.ts";

/** What plans are made of and carried out with. */
export interface PlannerDeps extends Pick<PlanSources, "store" | "rules" | "selects"> {
  readonly plans: PlanStore;
  readonly queue: RebootQueue;
  /** Absent in monitor-only mode, which keeps none. */
  readonly ledger: Pick<LedgerGate, "open"> | undefined;
  readonly journal: Journal;
  readonly clock: Clock;
  /** False while this worker takes no repair jobs: its plans would be those of another mode, or of a wrong clock. */
  readonly mayPlan?: () => boolean;
  /** Time between two plans of the cluster, whichever worker makes them. */
  readonly interval: Millis;
  /** How long one read of the ledger may take. */
  readonly readDeadline: Millis;
}

/** A repair that is due soon may proceed by the latest plan before the next one is made. */
const PLANS_AHEAD = 3;
/** A told end may be off by so much before it is told again. */
const END_MOVED: Millis = 5 * SECOND;

/**
 * Plans the repairs of a cluster: one look at fleet, records and ledger for all of them, however many are held. It wakes
 * those that may proceed and shows in the others what holds them, when that changed.
 */
export class Planner {
  readonly #deps: PlannerDeps;

  constructor(deps: PlannerDeps) {
    this.#deps = deps;
  }

  /** Makes plans until the signal fires, whenever it is this worker's turn. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, interval, plans, journal, mayPlan = () => true } = this.#deps;
    while (!signal.aborted) {
      try {
        const isTurn = mayPlan() && (await plans.takeTurn(0.9 * interval));
        if (isTurn && !(await plans.isIdle())) await this.tick(signal);
      } catch (error) {
        const detail = error instanceof Error ? error.message : "unknown error";
        journal.fault(dependencyOf(error) ?? "Unexpected", `plan: ${detail}`);
      }
      await clock.sleep(interval, signal);
    }
  }

  /** Makes one plan and carries it out. Throws when Redis fails. */
  async tick(signal: AbortSignal): Promise<Plan> {
    const { interval, plans } = this.#deps;
    const look = await lookForPlan({ ...this.#deps, horizon: PLANS_AHEAD * interval });
    const made = plan({ ...look.input, ledger: await this.#ledger(look, signal) });
    await plans.publish({ at: made.at, proceed: [...made.proceed.map(({ node }) => node), ...made.look] });
    await this.#wake(made, look);
    await this.#tell(made, look);
    return made;
  }

  async #ledger({ input, records }: PlanLook, parent: AbortSignal): Promise<PlanLedger> {
    const { ledger, clock, readDeadline, rules } = this.#deps;
    const { now } = input.view;
    if (rules.policy.monitorOnly)
      return { state: "Trusted", ledger: simulatedLedger([...records.values()]), clocks: clocksOf([now]) };
    if (ledger === undefined) return { state: "Unread", why: "active mode without a ledger" };
    if (!wantsLedger(input)) return { state: "NotAsked" };
    using deadline = deadlineSignal(clock, readDeadline, parent);
    try {
      return await ledger.open(now, deadline.signal);
    } catch (error) {
      const why = error instanceof Error ? error.message : "unknown error";
      this.#deps.journal.fault(dependencyOf(error) ?? "Kubernetes", `plan: ${why}`);
      return { state: "Unread", why };
    }
  }

  /** Runs what may proceed and is due, and what has nothing to wait for any more; what falls due before the next plan runs at its own time. */
  async #wake({ at, proceed, held, look }: Plan, { reboots, records }: PlanLook): Promise<void> {
    const planned = new Set([...proceed, ...held].map(({ node }) => node));
    const names = [...proceed.filter((repair) => repair.at <= at).map(({ node }) => node), ...look];
    const strays = [...reboots.values()].filter((reboot) =>
      records.get(reboot.node)?.phase === "Failed"
        ? !names.includes(reboot.node) && reboot.state === "Delayed" && (reboot.at ?? 0) > at + MINUTE
        : !planned.has(reboot.node) && isStray(reboot, at),
    );
    const due = names.flatMap((node) => reboots.get(node) ?? []);
    const asleep = due.filter(({ state, at: runsAt = 0 }) => state === "Delayed" && runsAt > at);
    await this.#deps.queue.wake([...asleep, ...strays]);
  }

  /** Shows what holds each repair in its job; the gate that holds is told when it changed, its words are not. */
  async #tell({ at, held, look }: Plan, { reboots, records }: PlanLook): Promise<void> {
    const words = held.flatMap((hold) => {
      // Its own transaction is about to say it.
      if (look.includes(hold.node)) return [];
      const reboot = reboots.get(hold.node);
      const record = records.get(hold.node);
      if (reboot?.state !== "Delayed" || record === undefined) return [];
      const { gate, why, ends } = hold;
      const before = progressIn(reboot.progress);
      const isSame = before?.waitsFor === gate && before.attempts === record.incident?.attempts;
      if (isSame && !endMoved(before.until, hold)) return [];
      const progress = progressOf({ gate, why, until: ends, record, by: "plan" }, before, at);
      return [{ reboot, record, hold, isSame, progress }];
    });
    if (words.length === 0) return;
    await this.#deps.queue.tell(words);
    for (const { hold, record, isSame, progress } of words) {
      if (isSame) continue;
      const { node, gate, why, ends } = hold;
      const step = { step: "WaitUntil", gate, why, ...(ends === undefined ? {} : { at: ends }) } as const;
      this.#deps.journal.held(node, step, record, progress.changes);
    }
  }
}

/**
 * The reboot of a node that needs none any more sleeps on a hold of before: it looks, and ends. One that waits for the
 * proof of a cure says so, and retries that come by themselves are left alone.
 */
function isStray({ state, at = 0, progress }: QueuedReboot, now: EpochMillis): boolean {
  const waitsFor = progressIn(progress)?.waitsFor;
  const isOfResult = waitsFor === "Verifying" || waitsFor === "NothingFailing";
  return state === "Delayed" && at > now + MINUTE && waitsFor !== undefined && !isOfResult;
}

function endMoved(told: string | undefined, { ends }: HeldRepair): boolean {
  if (ends === undefined) return false;
  return told === undefined || Math.abs(Date.parse(told) - ends) > END_MOVED;
}
