import { CILIUM_TAINT } from "./checkers/cilium.ts";
import type { CheckerName, RepairAction } from "./check.ts";
import type { FlappingPolicy } from "./flaps.ts";
import type { ForeignOwnerPolicy } from "./foreign-hold.ts";
import type { PausePolicy } from "./pause.ts";
import {
  DEFAULT_BREAKER,
  DEFAULT_CURE_RATE,
  DEFAULT_LIMITS,
  DEFAULT_STORM_POLICY,
  type BreakerPolicy,
  type CureRatePolicy,
  type LimitPolicy,
  type StormPolicy,
} from "./storm/policy.ts";
import { HOUR, MINUTE, SECOND, type Millis } from "./time.ts";
import type { PlannedWorkPolicy } from "./work-on-node.ts";

/** How one checker is used. */
export interface CheckerPolicy {
  readonly enabled: boolean;
  readonly threshold: Millis;
  readonly action: RepairAction;
}

/** Everything the pure core may be told: what counts as sick, how long to wait, how often to try. */
export interface RepairPolicy {
  /** Run the whole machine but never call a cloud (I5). */
  readonly monitorOnly: boolean;
  readonly checkers: Readonly<Record<CheckerName, CheckerPolicy>>;
  /** How long a node is left alone after a reboot, before its next attempt. */
  readonly rebootWait: { readonly standard: Millis; readonly gpu: Millis };
  /** Reboots of one incident before the node is given up as Failed. */
  readonly maxAttempts: number;
  /** A node never seen Ready is not judged before this has passed since its creation. */
  readonly startupGrace: Millis;
  /** GPUs that each node of a pool must have; empty means the most ever seen on the node. */
  readonly expectedGpus: Readonly<Record<string, number>>;
  /** Key of the taint by which Cilium's operator says that the agent does not run on a node. */
  readonly ciliumTaint: string;
  /** A cluster view older than this is blind: nothing is rebooted and no clock advances. */
  readonly viewMaxAge: Millis;
  /** After the cluster was out of sight, or at the very start, nothing is rebooted for so long (guard G7). */
  readonly blindGrace: Millis;
  /** A cordoned node is somebody's work and is left alone. */
  readonly respectCordon: boolean;
  readonly foreignOwner: ForeignOwnerPolicy;
  readonly plannedWork: PlannedWorkPolicy;
  readonly paused: PausePolicy;
  readonly limits: LimitPolicy;
  readonly breaker: BreakerPolicy;
  readonly cureRate: CureRatePolicy;
  readonly storm: StormPolicy;
  readonly flapping: FlappingPolicy;
}

/** The defaults of the seed agent (shared facts, seed) and of the design; each is written only here. */
export const DEFAULT_POLICY: RepairPolicy = {
  monitorOnly: true,
  checkers: {
    NodeReady: { enabled: true, threshold: 5 * MINUTE, action: "Reboot" },
    GPU: { enabled: true, threshold: 10 * MINUTE, action: "Reboot" },
    DiskPressure: { enabled: true, threshold: 30 * MINUTE, action: "Reboot" },
    Cilium: { enabled: true, threshold: 10 * MINUTE, action: "Reboot" },
  },
  rebootWait: { standard: 10 * MINUTE, gpu: 40 * MINUTE },
  maxAttempts: 3,
  startupGrace: 10 * MINUTE,
  expectedGpus: {},
  ciliumTaint: CILIUM_TAINT,
  viewMaxAge: 90 * SECOND,
  blindGrace: 2 * MINUTE,
  respectCordon: true,
  foreignOwner: { staleAfter: 12 * HOUR },
  plannedWork: { maxAge: HOUR },
  paused: { fleet: false, pools: [], nodes: [] },
  limits: DEFAULT_LIMITS,
  breaker: DEFAULT_BREAKER,
  cureRate: DEFAULT_CURE_RATE,
  storm: DEFAULT_STORM_POLICY,
  flapping: { threshold: 5 },
};
