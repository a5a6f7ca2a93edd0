/** Flaps: how often each checker changed from Fail to Pass lately, and whether that is too often. */
import { CHECKER_NAMES, type CheckerName } from "./check.ts";
import type { Judgement } from "./evaluation.ts";
import { withField, type CheckerFlaps, type NodeRecord } from "./record.ts";
import { HOUR, type EpochMillis, type Millis } from "./time.ts";

/** When a checker flaps too often. */
export interface FlappingPolicy {
  /** Flaps of one checker within `FLAP_WINDOW` from which on its node is reported as flapping. */
  readonly threshold: number;
}

/** Flaps are counted within this sliding window, by the wall clock. */
export const FLAP_WINDOW: Millis = HOUR;

/** Most flaps kept of one checker, and so the highest threshold. */
export const FLAPS_KEPT = 20;

/** Flaps of a checker within the window that ends now. */
export function flapsWithin({ at }: CheckerFlaps, now: EpochMillis): number {
  return at.filter((one) => one > now - FLAP_WINDOW && one <= now).length;
}

/** The checkers that changed from Fail to Pass in this judgement; a skip is no recovery. */
export function flapped(record: NodeRecord, judgements: readonly Judgement[]): readonly CheckerName[] {
  return judgements.flatMap(({ checker, verdict }) =>
    verdict === "Pass" && record.failing[checker] !== undefined ? [checker] : [],
  );
}

/**
 * The record with the flaps of this judgement. A checker that reached the threshold flaps until fewer than half as many
 * lie within the window, so that one at the edge is reported once. `record` is the one before its clocks were run.
 */
export function withFlaps(
  record: NodeRecord,
  judgements: readonly Judgement[],
  { threshold }: FlappingPolicy,
  now: EpochMillis,
): NodeRecord {
  const fresh = flapped(record, judgements);
  const entries = CHECKER_NAMES.flatMap((checker): [CheckerName, CheckerFlaps][] => {
    const next = flapsAfter(record.flaps?.[checker], fresh.includes(checker), threshold, now);
    return next === undefined ? [] : [[checker, next]];
  });
  return withField(record, "flaps", entries.length === 0 ? undefined : Object.fromEntries(entries));
}

function flapsAfter(
  before: CheckerFlaps | undefined,
  isFlap: boolean,
  threshold: number,
  now: EpochMillis,
): CheckerFlaps | undefined {
  if (before === undefined && !isFlap) return undefined;
  const { at: known, flappingSince }: CheckerFlaps = before ?? { at: [] };
  // Between flaps old instants stay until none counts: a judgement that changes nothing must write nothing.
  const pruned = known.filter((one) => one > now - FLAP_WINDOW && one <= now);
  const at = isFlap ? [...pruned, now].slice(-FLAPS_KEPT) : known;
  const count = flapsWithin({ at }, now);
  if (count === 0) return undefined;
  const stays = flappingSince !== undefined && count * 2 >= threshold;
  const since = stays ? flappingSince : count >= threshold ? now : undefined;
  return { at, ...(since === undefined ? {} : { flappingSince: since }) };
}

/** Some checker of this node flaps; the resync judges such a node again, so that it is seen to calm down. */
export function isFlapping({ flaps = {} }: NodeRecord): boolean {
  return CHECKER_NAMES.some((checker) => flaps[checker]?.flappingSince !== undefined);
}
