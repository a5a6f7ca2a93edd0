import type { GateName } from "./gates/gate.ts";
import type { EpochMillis } from "./time.ts";

/** Reasons of Events that draw attention to something besides the repair itself (`notices/list.ts`). */
export const NOTICE_REASONS = [
  "CheckerSkipped",
  "NodeFlapping",
  "NodeRelapsed",
  "GPUsAccepted",
  "RepairRetried",
  "PlannedWorkStuck",
  "ForeignHoldStale",
] as const;

/**
 * What is told about a node to the people of its cluster, as the `reason` of a Kubernetes Event. A retired name is never
 * used again.
 */
export const CLUSTER_EVENT_REASONS = [
  "RebootHeld",
  "RebootRequested",
  "RebootCallFailed",
  "RebootVerified",
  "NodeFailed",
  "NodeRecovered",
  ...NOTICE_REASONS,
] as const;
export type ClusterEventReason = (typeof CLUSTER_EVENT_REASONS)[number];

/** `Warning`: somebody may have to do something about it. */
export const CLUSTER_EVENT_TYPES = ["Normal", "Warning"] as const;
export type ClusterEventType = (typeof CLUSTER_EVENT_TYPES)[number];

/** One thing told about one node. Texts may hold the words of others: whoever sends it cleans them. */
export interface ClusterEvent {
  readonly node: string;
  /** The uid of the Node object; `kubectl describe` shows no event of another one. */
  readonly uid: string;
  readonly reason: ClusterEventReason;
  readonly type: ClusterEventType;
  readonly message: string;
  /** The same in every worker that tells the same thing, so that it is told once. */
  readonly identity: string;
  readonly at: EpochMillis;
}

/**
 * How a gate that holds a reboot is told; undefined: it is not, since another event says the same. Normal is what passes
 * by itself in the course of every repair.
 */
export const HELD_TYPES: Readonly<Record<GateName, ClusterEventType | undefined>> = {
  // The end of an incident is told as NodeRecovered, its failure as NodeFailed.
  NothingFailing: undefined,
  Attempts: undefined,
  // Its result is told as RebootVerified.
  Verifying: undefined,
  Mode: "Normal",
  ActionNone: "Normal",
  NotSelected: "Warning",
  Paused: "Warning",
  OptOut: "Warning",
  ForeignOwner: "Warning",
  PlannedWork: "Normal",
  Blind: "Warning",
  WaitWindow: "Normal",
  Threshold: "Normal",
  Settle: "Normal",
  Breaker: "Warning",
  Ledger: "Warning",
  CureRate: "Warning",
  Limit: "Normal",
  NodeUnreadable: "Warning",
  Identity: "Warning",
  OwnNode: "Warning",
  PodEvidence: "Warning",
  Cloud: "Warning",
  RateLimit: "Normal",
  Deadline: "Normal",
  // Only an explanation says so, and it writes nothing.
  Queue: undefined,
};
