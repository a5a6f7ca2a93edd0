/**
 * The clocks of the checkers. Each is a bucket that fills while its checker fails and drains at the same speed while it
 * passes, in observed time, never below zero and never above the threshold. A node that is down for more than half of the
 * time becomes due, one that is down for less never does, and one that was down for days is empty after one threshold.
 */
import type { CheckerName } from "./check.ts";
import type { Judgement } from "./evaluation.ts";
import type { DrainingCheck, FailingCheck, NodeRecord, ObservedMillis } from "./record.ts";
import type { EpochMillis, Millis } from "./time.ts";

/**
 * Skips for want of a signal: the kubelet is silent. They are no recovery, so the clock does not jump to zero; they are no
 * failure either, so it drains. Every other skip says that the failure meant something else, and empties the clock.
 */
const NO_SIGNAL: ReadonlySet<string> = new Set(["DiskPressure/DiskPressureUnknown"]);

/** How far a failing clock has run, earlier failures included; one that starts in the future will start again at zero. */
export function ranOf({ sinceObserved, carried = 0 }: FailingCheck, observed: ObservedMillis): Millis {
  return observed < sinceObserved ? 0 : observed - sinceObserved + carried;
}

/** What a draining clock still holds; one that starts in the future is of before a reset and holds nothing. */
export function remainderOf(
  { ran, sinceObserved }: DrainingCheck,
  threshold: Millis,
  observed: ObservedMillis,
): Millis {
  if (sinceObserved > observed) return 0;
  return Math.max(0, Math.min(ran, threshold) - (observed - sinceObserved));
}

/** The clocks of a record after a judgement; `draining` is absent when nothing drains. */
export type CheckerClocks = Pick<NodeRecord, "failing" | "draining">;

/** Runs the clocks of a record to this judgement. The same judgement again yields the same clocks. */
export function clocksAfter(
  record: NodeRecord,
  judgements: readonly Judgement[],
  now: EpochMillis,
  observed: ObservedMillis,
): CheckerClocks {
  const failing: Partial<Record<CheckerName, FailingCheck>> = {};
  const draining: Partial<Record<CheckerName, DrainingCheck>> = {};
  for (const judgement of judgements) {
    const { checker, verdict, reason, threshold } = judgement;
    const drained = drainedOf(record, judgement, now, observed);
    if (verdict === "Fail") {
      const clock = record.failing[checker];
      const running = clock !== undefined && clock.sinceObserved <= observed;
      const carried = drained === undefined ? 0 : remainderOf(drained, threshold, observed);
      const started = { since: now, sinceObserved: observed, reason };
      failing[checker] = running ? { ...clock, reason } : { ...started, ...(carried > 0 ? { carried } : {}) };
    } else if (drained !== undefined && (verdict === "Pass" || isSilent(judgement))) {
      draining[checker] = drained;
    }
  }
  return { failing, ...(Object.keys(draining).length === 0 ? {} : { draining }) };
}

/** Whether the checker skips only because there is no signal to judge. */
function isSilent({ checker, reason }: Pick<Judgement, "checker" | "reason">): boolean {
  return NO_SIGNAL.has(`${checker}/${reason}`);
}

/**
 * What this checker's earlier failures left, while it is not empty. A reboot empties it, ours or another one: a machine
 * that came up again needs new evidence. Of a checker that fails now it is what its next clock begins with.
 */
function drainedOf(
  record: NodeRecord,
  { checker, verdict, threshold }: Judgement,
  now: EpochMillis,
  observed: ObservedMillis,
): DrainingCheck | undefined {
  const clock = record.failing[checker];
  if (clock !== undefined && verdict === "Fail") return undefined;
  const stopped = (one: FailingCheck): DrainingCheck => {
    const ran = Math.min(ranOf(one, observed), threshold);
    return { since: now, sinceObserved: observed, ran };
  };
  const kept = clock === undefined ? record.draining?.[checker] : stopped(clock);
  const began = clock?.since ?? kept?.since ?? now;
  if (kept === undefined || began <= latestBoot(record)) return undefined;
  return remainderOf(kept, threshold, observed) > 0 ? kept : undefined;
}

/** When a boot was seen last, or the latest repair that may have happened was begun; 0: never. */
function latestBoot({ bootSeenAt = 0, lastReboot }: NodeRecord): EpochMillis {
  const surelyNot = lastReboot?.outcome === "NotSent" || lastReboot?.outcome === "Rejected";
  const repairedAt = lastReboot === undefined || surelyNot ? 0 : lastReboot.intendedAt;
  return Math.max(bootSeenAt, repairedAt);
}
