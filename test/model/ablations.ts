/** The model without one protection at a time: in each of these worlds a promise must break. */
import { aWorld, without, type Configuration } from "./configuration.ts";
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

const PLAIN = aWorld({ name: "1 VM" });
const PAIR = aWorld({ name: "2 VMs, budget 1", vms: 2 });
const LATE = aWorld({ name: "a late cloud", lateExecution: 1, margin: 1 });
const CLOCKS = aWorld({ name: "clocks apart", workerClocks: [0, 7], apiClocks: [0, 2], clockSkew: 2 });
const RELEASES = aWorld({ name: "releases", releases: true });
const FOREIGN = aWorld({ name: "somebody else reboots", wait: 5, foreignReboots: "Recorded" });
const SETTLED = aWorld({ ...FOREIGN, name: "somebody else reboots, releases", releases: true, verification: true });
const VERIFIED = aWorld({ name: "verification", verification: true });
const GPU = aWorld({ name: "GPU label comes and goes", gpuWait: 6 });
const RESTORE = aWorld({ name: "etcd restored", restore: "WhenSilent" });
const REPEAT = aWorld({ ...RESTORE, name: "etcd restored, versions repeat", versionsRepeat: "SlowerThanS" });

function ablation(protection: Protection, breaks: InvariantId, base: Configuration): Ablation {
  return { protection, breaks, base, world: without(protection, base, breaks) };
}

export const ABLATIONS: readonly Ablation[] = [
  ablation("ledger", "I1", PLAIN),
  ablation("compareAndSet", "I1", PLAIN),
  ablation("freshRead", "I2", PLAIN),
  ablation("deadline", "I1", PLAIN),
  ablation("deadline", "I2", PLAIN),
  ablation("deadlineFromFirstRead", "I1", REPEAT),
  ablation("windowCoversTransaction", "I1", PLAIN),
  ablation("windowCoversSkew", "I1", CLOCKS),
  ablation("windowCoversMargin", "I1", LATE),
  ablation("latestAndEarliestClock", "I1", CLOCKS),
  ablation("unknownIsReboot", "I1", RELEASES),
  ablation("lostIntentStops", "I1", PLAIN),
  ablation("budgetInLedger", "I3", PAIR),
  ablation("openIntentExpires", "progress", PLAIN),
  ablation("notSentMeansNothingLeft", "I1", RELEASES),
  ablation("refusalIsFinal", "I1", RELEASES),
  ablation("releaseFencedByToken", "I1", RELEASES),
  ablation("releaseComparesAndSets", "I1", RELEASES),
  ablation("releaseOnlyOpenIntent", "I1 settled", SETTLED),
  ablation("cooldown", "pace", RELEASES),
  ablation("curedKeepsWindow", "I1", VERIFIED),
  ablation("curedTakesTime", "I3", aWorld({ ...PAIR, name: "verification, 2 VMs, budget 1", verification: true })),
  ablation("notExecutedWaits", "I1", VERIFIED),
  ablation("foreignBootCounts", "I1 foreign", FOREIGN),
  ablation("gpuSticky", "I1", GPU),
  ablation("gpuOutlivesPruning", "I1", GPU),
  ablation("silenceQuarantines", "I1", RESTORE),
  ablation("quarantineBeats", "progress", RESTORE),
  ablation("outcomeRespectsSilence", "I1", aWorld({ ...RESTORE, name: "etcd restored, releases", releases: true })),
  ablation("writeDeadline", "I1", REPEAT),
  ablation("youngLedgerWaits", "I1", aWorld({ name: "the ledger created anew", recreation: true })),
];
