import { z } from "zod";

/** The queues of a cluster. A retired name is never used again. */
export const QUEUES = {
  /** Wakes a worker for one shard of dirty nodes. */
  nodeSnapshots: "node-snapshots",
  /** One pending reboot per unhealthy node: an alarm clock, never a verdict. */
  reboots: "reboots",
  /** One tick for the whole fleet, taken by one of the watchers. */
  resync: "resync",
} as const;

/** Payload of `node-snapshots`: which shard to look at. */
export const evaluateJobSchema = z.strictObject({
  schema: z.literal(1),
  shard: z.int().min(0).max(4095),
});
export type EvaluateJob = z.infer<typeof evaluateJobSchema>;

/** Payload of `reboots`: which node to look at. Everything else is read when the job runs. */
export const rebootJobSchema = z.strictObject({
  schema: z.literal(1),
  node: z.string().min(1).max(253),
});
export type RebootJob = z.infer<typeof rebootJobSchema>;

/** What a pending reboot shows of itself in dashboards: what it waits for, and until when. */
export interface RebootProgress {
  readonly phase: string;
  readonly waitsFor: string;
  readonly why: string;
  /** ISO 8601 time of the next look. */
  readonly until?: string;
  readonly attempts?: number;
  /** How often what it waits for has changed, this time included. */
  readonly changes?: number;
  /** ISO 8601 time since when this gate has held it without a break. */
  readonly since?: string;
  /** The plan of the fleet holds it; absent: its own transaction said so. */
  readonly by?: "plan";
}

/** Progress as it is read back: anybody with access to Redis may have written it. */
export const rebootProgressSchema: z.ZodType<RebootProgress> = z.object({
  phase: z.string().max(64),
  waitsFor: z.string().max(64),
  why: z.string().max(1024),
  until: z.iso.datetime().exactOptional(),
  attempts: z.int().min(0).exactOptional(),
  changes: z.int().min(0).exactOptional(),
  since: z.iso.datetime().exactOptional(),
  by: z.literal("plan").exactOptional(),
});

/** The one name of jobs in `node-snapshots`. Jobs of `reboots` are named after their node. */
export const EVALUATE_JOB = "evaluate";
/** The one name of jobs in `resync`, and the id of the scheduler that makes them. */
export const RESYNC_JOB = "resync";

/** Deduplication id of the wake-up of a shard. */
export const evaluateDeduplicationId = (shard: number): string => `shard-${shard}`;
/** Deduplication id of the pending reboot of a node: there is one at most. */
export const rebootDeduplicationId = (node: string): string => `node-${node}`;
