import { DelayedError, type Job } from "bullmq";
import { rebootJobSchema, type RebootJob } from "@node-agent/shared/contract/queues.ts";
import { DAY, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { dependencyOf } from "@node-agent/shared/ports/dependency.ts";
import type { StateStore } from "@node-agent/shared/ports/state-store.ts";
import { progressIn } from "@node-agent/shared/runtime/plan-look.ts";
import type { Journal } from "./journal.ts";
import { progressOf } from "./progress.ts";
import type { RebootProcessor } from "./reboot-processor.ts";
import type { RebootRun, TransactionRun } from "./reboot-transaction.ts";

export interface RebootJobDeps {
  readonly processor: Pick<RebootProcessor, "run">;
  readonly store: Pick<StateStore, "view">;
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
  const stored = await storeClock(node, deps);
  // By the store's clock, as `until` is: that of this worker may be ahead, and any worker may have to run the job.
  const now = (): EpochMillis =>
    stored === undefined ? deps.clock.now() : stored + deps.clock.monotonic() - startedAt;
  const run = bounded(await safeRun(node, signal, now, deps), now(), deps);
  const word = wordOf(run, job);
  if (word !== undefined && (await isOurs(job, token, deps))) await tell(job, word, now(), deps);
  if (run.step === "Finish") return `${run.gate}: ${run.why}`;
  await job.moveToDelayed(run.at, token);
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
    return { step: "WaitUntil", at: now() + deps.retryPause, gate: "Deadline", why, record: undefined };
  }
}

/** A pause that clocks can count: damaged bytes in the store must not keep a job from sleeping, nor from waking. */
function bounded(run: RebootRun, now: EpochMillis, { minPause }: RebootJobDeps): RebootRun {
  if (run.step === "Finish") return run;
  const wanted = Number.isNaN(run.at) ? now : run.at;
  return { ...run, at: Math.min(Math.max(wanted, now + minPause), now + LONGEST_PAUSE) };
}

/** What the run has to say; a repair that the plan holds says only the first word, so that the job is never silent. */
function wordOf(run: RebootRun, { progress }: Job<RebootJob>): TransactionRun | undefined {
  if (run.step !== "Held") return run;
  const { at, record, own } = run;
  if (own === undefined || progressIn(progress) !== undefined) return undefined;
  return { step: "WaitUntil", at, record, ...own };
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
  const hold =
    run.step === "Finish" ? ({ gate: "nothing", until: undefined } as const) : { gate, until: run.at };
  const progress = progressOf({ ...hold, why, record }, before, now);
  try {
    await job.updateProgress({ ...progress });
    if (before?.waitsFor === progress.waitsFor && before.why === progress.why) return;
    const until = progress.until === undefined ? "" : ` until ${progress.until}`;
    await job.log(`${progress.waitsFor}: ${progress.why}${until}`);
  } catch (error) {
    // What cannot be told must not keep the job from sleeping.
    journal.fault("Redis", error instanceof Error ? error.message : "unknown error", job.name);
  }
  journal.held(job.name, run, record, progress.changes);
}

/** The store's clock; undefined when Redis cannot be asked. */
async function storeClock(node: string, { store, journal }: RebootJobDeps): Promise<EpochMillis | undefined> {
  try {
    return (await store.view()).now;
  } catch (error) {
    journal.fault("Redis", error instanceof Error ? error.message : "unknown error", node);
    return undefined;
  }
}
