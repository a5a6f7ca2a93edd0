import type { NodeSnapshot } from "./node.ts";
import type { NodeRecord } from "./record.ts";
import type { EpochMillis, Millis } from "./time.ts";

/** The checkers this agent ships, in the order in which they are reported. */
export const CHECKER_NAMES = ["NodeReady", "GPU", "DiskPressure", "Cilium"] as const;
export type CheckerName = (typeof CHECKER_NAMES)[number];

/** What a checker asks for once its threshold has passed. `None` records and reports, and never reboots. */
export const REPAIR_ACTIONS = ["Reboot", "None"] as const;
export type RepairAction = (typeof REPAIR_ACTIONS)[number];

/**
 * `Pass` and `Fail` are judgements; `Skip` says that this checker has nothing to say about this node now
 * (no GPU node, a driver upgrade under way, a node that never came up yet).
 */
export type CheckVerdict = "Pass" | "Fail" | "Skip";

/** The judgement of one checker. The reason is one of the checker's closed set and serves as a metric label. */
export interface CheckResult<Reason extends string = string> {
  readonly verdict: CheckVerdict;
  readonly reason: Reason;
}

/** A judgement, for a reason. */
export function result<Reason extends string>(verdict: CheckVerdict, reason: Reason): CheckResult<Reason> {
  return { verdict, reason };
}

/** What is remembered of a node's GPUs from one judgement to the next. */
export interface GpuMemory {
  /** Units of GPU resources seen, whatever the layout: what a later count is compared with where no label tells it. */
  readonly units?: number;
  /** Names of other devices of the vendor that stood beside usable GPUs, so that they are not taken for renamed GPUs. */
  readonly strangers?: readonly string[];
  /** A worker read ResourceSlices of a GPU driver for this node: dynamic resource allocation hands out its GPUs. */
  readonly draSlices?: true;
  /** The number of GPUs that an operator accepted for this node. */
  readonly accepted?: number;
}

/** What is known of a node beyond its present snapshot: the memory a checker may lean on. */
export interface NodeHistory extends Pick<
  NodeRecord,
  "firstSeenAt" | "everReady" | "gpuNode" | "gpuHighWater" | "gpu"
> {
  /** The instant of this judgement. */
  readonly at: EpochMillis;
  /** Keys of planned-work marks that are stuck or failed long ago: they suspend nothing (`work-on-node.ts`). */
  readonly overdueWork?: readonly string[];
}

/** Judges one aspect of a snapshot. Pure: no clock, no log, no environment; `check` never throws. */
export interface HealthChecker {
  readonly name: CheckerName;
  /** How long the checker must fail, in observed time, before the repair is due. */
  readonly threshold: Millis;
  readonly action: RepairAction;
  check(node: NodeSnapshot, history: NodeHistory): CheckResult;
}
