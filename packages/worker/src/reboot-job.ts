import { DelayedError, type Job } from "bullmq";
import { rebootJobSchema, type RebootJob, type RebootProgress } from "@node-agent/shared/contract/queues.ts";
import type { GateName } from "@node-agent/shared/core/gates.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { JobQueues } from "@node-agent/shared/ports/job-queues.ts";
import type { StateStore } from "@node-agent/shared/ports/state-store.ts";
import type { Journal } from "./journal.ts";
import type { RebootProcessor, RebootRun } from "./reboot-processor.ts";

export interface RebootJobDeps {
  readonly processor: Pick<RebootProcessor, "run">;
  readonly queues: JobQueues;
  readonly store: Pick<StateStore, "get">;
  readonly journal: Journal;
  readonly clock: Clock;
  /** The shortest pause before a job looks again: a skewed clock must not make a hot loop (facts on queues, 8). */
  readonly minPause: Millis;
  /** The pause after a failure of Redis or of our own code. */
  readonly retryPause: Millis;
}

/**
 * Runs one activation of a pending reboot and puts it to sleep again. Whatever goes wrong, the job is delayed, never
 * failed: a failed job would be a forgotten reboot.
 */
export async function runRebootJob(
  job: Job<RebootJob>,
  token: string | undefined,
  signal: AbortSignal,
  deps: RebootJobDeps,
): Promise<string> {
  const payload = rebootJobSchema.safeParse(job.data);
  if (!payload.success) {
    deps.journal.fault("DamagedJob", `job ${job.name}: expected {schema: 1, node}, finished without a look`);
    return "not a reboot job";
  }
  const { node } = payload.data;
  const run = await safeRun(node, signal, deps);
  if (run.end === "Finish") {
    await tell(job, run, deps);
    return `${run.gate}: ${run.why}`;
  }
  await tell(job, run, deps);
  await job.moveToDelayed(deps.clock.now() + Math.max(deps.minPause, run.for), token);
  await wakeIfSettled(node, deps);
  throw new DelayedError();
}

async function safeRun(node: string, signal: AbortSignal, deps: RebootJobDeps): Promise<RebootRun> {
  try {
    return await deps.processor.run(node, signal);
  } catch (error) {
    const why = error instanceof Error ? error.message : "unknown error";
    deps.journal.fault("Unexpected", why, node);
    const until = deps.clock.now() + deps.retryPause;
    return { end: "Wait", for: deps.retryPause, until, gate: "Deadline", why, record: undefined };
  }
}

/** Says in the job itself what it waits for, so that a queue dashboard answers "why not?"; only when the answer changed. */
async function tell(job: Job<RebootJob>, run: RebootRun, { journal }: RebootJobDeps): Promise<void> {
  const progress = progressOf(run);
  const before = previous(job.progress);
  await job.updateProgress({ ...progress });
  if (before?.waitsFor === progress.waitsFor && before.why === progress.why) return;
  const until = progress.until === undefined ? "" : ` until ${progress.until}`;
  await job.log(`${progress.waitsFor}: ${progress.why}${until}`);
  const { gate, why, record } = run;
  if (run.end === "Finish") journal.held(job.name, { step: "Finish", gate, why }, record);
  else journal.held(job.name, { step: "WaitUntil", at: run.until, gate, why }, record);
}

function progressOf(run: RebootRun): RebootProgress {
  const attempts = run.record?.incident?.attempts;
  return {
    phase: run.record?.phase ?? "Unknown",
    waitsFor: run.end === "Finish" ? "nothing" : (run.gate satisfies GateName),
    why: run.why.slice(0, 512),
    ...(run.end === "Wait" ? { until: new Date(run.until).toISOString() } : {}),
    ...(attempts === undefined ? {} : { attempts }),
  };
}

function previous(progress: unknown): { waitsFor: unknown; why: unknown } | undefined {
  if (typeof progress !== "object" || progress === null || !("waitsFor" in progress) || !("why" in progress))
    return undefined;
  return { waitsFor: progress.waitsFor, why: progress.why };
}

/**
 * A wake-up that came while the job ran found no delayed job to wake. Its record was written before it came, so one more
 * look after going to sleep is enough to leave no pending reboot behind for a node that is well.
 */
async function wakeIfSettled(node: string, { queues, store, journal }: RebootJobDeps): Promise<void> {
  try {
    const { record } = await store.get(node);
    const pending = record?.phase === "Unhealthy" || record?.phase === "WaitingReboot";
    if (!pending) await queues.moveReboot(node, 0);
  } catch (error) {
    // The job sleeps already: at worst it looks once more at its time and finds nothing to do.
    journal.fault("Redis", error instanceof Error ? error.message : "unknown error", node);
  }
}
