/** The model without one protection at a time: in each of these worlds a promise must break. */
import { without, type Configuration } from "./configuration.ts";
import { SMALL_WORLDS as worlds } from "./configurations.ts";
import type { InvariantId } from "./invariants.ts";
import type { Protection } from "./protections.ts";

export interface Ablation {
  readonly protection: Protection;
  /** The promise that must break. */
  readonly breaks: InvariantId;
  /** A world in which every promise holds. */
  readonly base: Configuration;
  /** The same without the protection, and only that promise checked. */
  readonly world: Configuration;
}

function ablation(protection: Protection, breaks: InvariantId, base: Configuration): Ablation {
  return { protection, breaks, base, world: without(protection, base, breaks) };
}

export const ABLATIONS: readonly Ablation[] = [
  ablation("ledger", "I1", worlds.plain),
  ablation("compareAndSet", "I1", worlds.plain),
  ablation("freshRead", "I2", worlds.plain),
  ablation("deadline", "I1", worlds.plain),
  ablation("deadline", "I2", worlds.plain),
  ablation("deadlineFromFirstRead", "I1", worlds.restore),
  ablation("windowCoversTransaction", "I1", worlds.plain),
  ablation("windowCoversSkew", "I1", worlds.clocks),
  ablation("windowCoversMargin", "I1", worlds.late),
  ablation("latestAndEarliestClock", "I1", worlds.clocks),
  ablation("unknownIsReboot", "I1", worlds.releases),
  ablation("lostIntentStops", "I1", worlds.plain),
  ablation("budgetInLedger", "I3", worlds.budget),
  ablation("openIntentExpires", "progress", worlds.plain),
  ablation("notSentMeansNothingLeft", "I1", worlds.releases),
  ablation("refusalIsFinal", "I1", worlds.releases),
  ablation("releaseFencedByToken", "I1", worlds.releases),
  ablation("releaseComparesAndSets", "I1", worlds.releases),
  ablation("releaseOnlyOpenIntent", "I1 settled", worlds.settled),
  ablation("cooldown", "pace", worlds.releases),
  ablation("curedKeepsWindow", "I1", worlds.verification),
  ablation("curedTakesTime", "I3", worlds.verificationPair),
  ablation("curedIsRead", "I3", worlds.verificationPair),
  ablation("notExecutedKeepsWindow", "I1", worlds.verification),
  ablation("foreignBootCounts", "I1 foreign", worlds.foreign),
  ablation("everyBootCounts", "I1 foreign", worlds.foreign),
  ablation("gpuSticky", "I1", worlds.gpu),
  ablation("gpuOutlivesPruning", "I1", worlds.gpu),
  ablation("silenceQuarantines", "I1", worlds.restore),
  ablation("quarantineBeats", "progress", worlds.restore),
  ablation("outcomeRespectsSilence", "I1", worlds.releasesRestore),
  ablation("intentDeadline", "I1", worlds.restore),
  ablation("releaseDeadline", "I1", worlds.releasesRestore),
  ablation("youngLedgerWaits", "I1", worlds.recreation),
  ablation("sequenceIsCompared", "I1", worlds.memory),
  ablation("memoryInSight", "I1", worlds.memory),
  ablation("memoryIsRecent", "I1", worlds.memory),
  ablation("memoryOfObject", "I1", worlds.memoryRecreation),
  ablation("orderIsNoBeat", "I1", worlds.restore),
  ablation("quarantineEnds", "progress", worlds.restore),
  ablation("trustEndsOne", "I1", worlds.trust),
  ablation("planOnlyHolds", "I1", worlds.plan),
  ablation("planOnlyHolds", "I3", worlds.planPair),
  ablation("planWakesAll", "wakes", worlds.plan),
  ablation("stalePlanHoldsNothing", "progress", worlds.plan),
  ablation("sleepEnds", "progress", worlds.plan),
  ablation("pauseIsWrite", "paused", worlds.pauses),
  ablation("compareAndSet", "paused", worlds.pauses),
  ablation("breakerInTransaction", "breaker", worlds.grant),
  ablation("grantLiftsNoLimit", "I3", worlds.grantPair),
  ablation("grantCountedWithIntent", "granted", worlds.grant),
  ablation("compareAndSet", "granted", worlds.grant),
  ablation("attemptsInLedger", "attempts", worlds.attempts),
  ablation("verdictFirst", "given up", worlds.attempts),
  ablation("relapseContinues", "attempts", worlds.attempts),
  ablation("notExecutedGivesBack", "given up", worlds.attempts),
  ablation("kubeletProves", "attempts", worlds.attempts),
  ablation("proofWaits", "attempts", worlds.attempts),
  ablation("proofWaitsWhenWell", "attempts", worlds.lagging),
  ablation("retryEndsFailed", "progress", worlds.hopeless),
];
