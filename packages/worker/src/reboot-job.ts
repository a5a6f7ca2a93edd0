import { DelayedError, type Job } from "bullmq";
import { rebootJobSchema, type RebootJob } from "@node-agent/shared/contract/queues.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { DAY, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { dependencyOf } from "@node-agent/shared/ports/dependency.ts";
import type { JobQueues } from "@node-agent/shared/ports/job-queues.ts";
import type { StateStore, VersionedRecord } from "@node-agent/shared/ports/state-store.ts";
import { progressIn } from "@node-agent/shared/runtime/plan-look.ts";
import type { Journal } from "./journal.ts";
import { progressOf } from "./progress.ts";
import type { RebootProcessor } from "./reboot-processor.ts";
import type { RebootRun, TransactionRun } from "./reboot-transaction.ts";

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
  /** How long a job of a worker that fell silent stays locked. */
  readonly lockDuration: Millis;
}

/** No job sleeps longer without a look. */
const LONGEST_PAUSE = DAY;

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
  const startedAt = deps.clock.monotonic();
  const before = await peek(node, deps);
  // By the store's clock, as `until` is: that of this worker may be ahead, and any worker may have to run the job.
  const now = (): EpochMillis =>
    before === undefined ? deps.clock.now() : before.view.now + deps.clock.monotonic() - startedAt;
  const run = bounded(await safeRun(node, signal, now, deps), now(), deps);
  if (run.end !== "Held" && (await isOurs(job, token, deps))) await tell(job, run, now(), deps);
  if (run.end === "Finish") return `${run.gate}: ${run.why}`;
  await job.moveToDelayed(run.until, token);
  await wakeIfOvertaken(node, before?.record, run, deps);
  throw new DelayedError();
}

/**
 * Whether this worker still holds the job. One that stood still has lost it, and what it would say is old: the job sleeps
 * on another worker's word, which must not be written over. Whatever cannot be asked is answered when the job is moved.
 */
async function isOurs(
  job: Job<RebootJob>,
  token: string | undefined,
  { lockDuration }: RebootJobDeps,
): Promise<boolean> {
  if (token === undefined) return true;
  try {
    return (await job.extendLock(token, lockDuration)) === 1;
  } catch {
    return true;
  }
}

async function safeRun(
  node: string,
  signal: AbortSignal,
  now: () => EpochMillis,
  deps: RebootJobDeps,
): Promise<RebootRun> {
  try {
    return await deps.processor.run(node, signal);
  } catch (error) {
    const why = error instanceof Error ? error.message : "unknown error";
    deps.journal.fault(dependencyOf(error) ?? "Unexpected", why, node);
    const until = now() + deps.retryPause;
    return { end: "Wait", for: deps.retryPause, until, gate: "Deadline", why, record: undefined };
  }
}

/** A pause that clocks can count: damaged bytes in the store must not keep a job from sleeping, nor from waking. */
function bounded(run: RebootRun, now: EpochMillis, { minPause }: RebootJobDeps): RebootRun {
  if (run.end === "Finish") return run;
  const wanted = Number.isNaN(run.until) ? now : run.until;
  return { ...run, until: Math.min(Math.max(wanted, now + minPause), now + LONGEST_PAUSE) };
}

/** Says in the job itself what it waits for, so that a queue dashboard answers "why not?"; only when the answer changed. */
async function tell(
  job: Job<RebootJob>,
  run: TransactionRun,
  now: EpochMillis,
  { journal }: RebootJobDeps,
): Promise<void> {
  const before = progressIn(job.progress);
  const { gate, why, record } = run;
  const isEnd = run.end === "Finish";
  const shown = isEnd ? ({ gate: "nothing", why, record } as const) : { gate, why, record, until: run.until };
  const progress = progressOf(shown, before, now);
  const { changes } = progress;
  try {
    await job.updateProgress({ ...progress });
    if (before?.waitsFor === progress.waitsFor && before.why === progress.why) return;
    const until = progress.until === undefined ? "" : ` until ${progress.until}`;
    await job.log(`${progress.waitsFor}: ${progress.why}${until}`);
  } catch (error) {
    // What cannot be told must not keep the job from sleeping.
    journal.fault("Redis", error instanceof Error ? error.message : "unknown error", job.name);
  }
  const step = isEnd
    ? ({ step: "Finish", gate, why } as const)
    : ({ step: "WaitUntil", at: run.until, gate, why } as const);
  journal.held(job.name, step, record, changes);
}

async function peek(node: string, { store, journal }: RebootJobDeps): Promise<VersionedRecord | undefined> {
  try {
    return await store.get(node);
  } catch (error) {
    journal.fault("Redis", error instanceof Error ? error.message : "unknown error", node);
    return undefined;
  }
}

/**
 * A wake-up that came while the job ran found no delayed job to wake. Its record was written before it came, so one more
 * look after going to sleep is enough: the node recovered, or its reboot is due earlier. Only a change since `before`
 * counts; a job that is held for another reason must not wake itself again and again.
 */
async function wakeIfOvertaken(
  node: string,
  before: NodeRecord | undefined,
  run: Exclude<RebootRun, { end: "Finish" }>,
  deps: RebootJobDeps,
): Promise<void> {
  const after = (await peek(node, deps))?.record;
  const settled = isPending(before) && !isPending(after);
  const moved = after?.scheduledAt !== before?.scheduledAt && (after?.scheduledAt ?? Infinity) < run.until;
  if (!settled && !moved) return;
  try {
    await deps.queues.moveReboot(node, 0);
  } catch (error) {
    // The job sleeps already: at worst it looks once more at its time.
    deps.journal.fault("Redis", error instanceof Error ? error.message : "unknown error", node);
  }
}

function isPending(record: NodeRecord | undefined): boolean {
  return record?.phase === "Unhealthy" || record?.phase === "WaitingReboot";
}
