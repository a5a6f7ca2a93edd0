import { CHECKER_NAMES, type CheckerName } from "@node-agent/shared/core/check.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";

/** How far a checker can have filled, and since when it fails or passes. */
interface Clock {
  level: Millis;
  fails: boolean;
  since: EpochMillis;
  /** The machine was rebooted since the checker passed last. */
  rebooted: boolean;
}

/** What the world knows and the machine does not. */
export interface EvidenceRules {
  /** Of the time since an instant, how long the cluster could be seen. */
  readonly seenSince: (since: EpochMillis) => Millis;
  /** A watch may be behind by this much. */
  readonly stale: Millis;
  readonly thresholdOf: (checker: CheckerName) => Millis;
}

/**
 * How much evidence the checkers can have at most, by the truth: a clock fills while its checker truly fails and drains
 * while it truly passes, between zero and its threshold; a reboot empties it once the checker passes. What a stale watch
 * may not have seen is taken as failure.
 */
export class Evidence {
  readonly #rules: EvidenceRules;
  readonly #clocks = new Map<CheckerName, Clock>();

  constructor(rules: EvidenceRules, now: EpochMillis) {
    this.#rules = rules;
    for (const checker of CHECKER_NAMES)
      this.#clocks.set(checker, { level: 0, fails: false, since: now, rebooted: false });
  }

  /** These checkers fail from now on, and the others pass. */
  turn(failing: ReadonlySet<CheckerName>, now: EpochMillis): void {
    for (const [checker, clock] of this.#clocks) {
      if (clock.fails === failing.has(checker)) continue;
      const span = this.#rules.seenSince(clock.since);
      const { stale } = this.#rules;
      if (clock.fails || span < stale) clock.level += span;
      else {
        const full = Math.min(clock.level + stale, this.#rules.thresholdOf(checker));
        clock.level = clock.rebooted ? 0 : Math.max(0, full - (span - stale));
        clock.rebooted = false;
      }
      clock.fails = !clock.fails;
      clock.since = now;
    }
  }

  rebooted(): void {
    for (const clock of this.#clocks.values()) clock.rebooted = true;
  }

  /**
   * What the checker that is nearest to its threshold is short of it; undefined: none fails. One that failed until a moment
   * ago counts: the call may have been decided by it.
   */
  shortBy(now: EpochMillis, allowance: Millis): Millis | undefined {
    const short = [...this.#clocks]
      .filter(([, { fails, since, level }]) => fails || (level > 0 && now - since <= allowance))
      .map(([checker, { fails, level, since }]) => {
        const filled = level + (fails ? this.#rules.seenSince(since) : 0);
        return Math.max(0, this.#rules.thresholdOf(checker) - filled);
      });
    return short.length === 0 ? undefined : Math.min(...short);
  }
}
