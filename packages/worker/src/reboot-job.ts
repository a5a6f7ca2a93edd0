import { DelayedError, type Job } from "bullmq";
import {
  rebootJobSchema,
  rebootProgressSchema,
  type RebootJob,
  type RebootProgress,
} from "@node-agent/shared/contract/queues.ts";
import type { GateName } from "@node-agent/shared/core/gates/gate.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { DAY, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { dependencyOf } from "@node-agent/shared/ports/dependency.ts";
import type { JobQueues } from "@node-agent/shared/ports/job-queues.ts";
import type { StateStore } from "@node-agent/shared/ports/state-store.ts";
import type { Journal } from "./journal.ts";
import type { RebootProcessor } from "./reboot-processor.ts";
import type { RebootRun } from "./reboot-transaction.ts";

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

/** No job sleeps longer without a look, and no date is later than the last one that JavaScript knows. */
const LONGEST_PAUSE = DAY;
const LAST_INSTANT = 8.64e15;

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
  const before = await peek(node, deps);
  const run = bounded(await safeRun(node, signal, deps), deps);
  if (await isOurs(job, token, deps)) await tell(job, run, deps);
  if (run.end === "Finish") return `${run.gate}: ${run.why}`;
  await job.moveToDelayed(deps.clock.now() + run.for, token);
  await wakeIfOvertaken(node, before, run, deps);
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

async function safeRun(node: string, signal: AbortSignal, deps: RebootJobDeps): Promise<RebootRun> {
  try {
    return await deps.processor.run(node, signal);
  } catch (error) {
    const why = error instanceof Error ? error.message : "unknown error";
    deps.journal.fault(dependencyOf(error) ?? "Unexpected", why, node);
    const until = deps.clock.now() + deps.retryPause;
    return { end: "Wait", for: deps.retryPause, until, gate: "Deadline", why, record: undefined };
  }
}

/** A pause that clocks can count and calendars can name: damaged bytes in the store must not keep a job from sleeping. */
function bounded(run: RebootRun, { clock, minPause }: RebootJobDeps): RebootRun {
  if (run.end === "Finish") return run;
  const span = Number.isNaN(run.for) ? minPause : Math.min(Math.max(minPause, run.for), LONGEST_PAUSE);
  const until = Math.abs(run.until) <= LAST_INSTANT ? run.until : clock.now() + span;
  return { ...run, for: span, until };
}

/** Says in the job itself what it waits for, so that a queue dashboard answers "why not?"; only when the answer changed. */
async function tell(job: Job<RebootJob>, run: RebootRun, { journal, clock }: RebootJobDeps): Promise<void> {
  const before = previous(job.progress);
  const progress = progressOf(run, before, clock.now());
  const { changes } = progress;
  const { gate, why, record } = run;
  try {
    await job.updateProgress({ ...progress });
    if (before?.waitsFor === progress.waitsFor && before.why === progress.why) return;
    const until = progress.until === undefined ? "" : ` until ${progress.until}`;
    await job.log(`${progress.waitsFor}: ${progress.why}${until}`);
  } catch (error) {
    // What cannot be told must not keep the job from sleeping.
    journal.fault("Redis", error instanceof Error ? error.message : "unknown error", job.name);
  }
  const step =
    run.end === "Finish"
      ? ({ step: "Finish", gate, why } as const)
      : ({ step: "WaitUntil", at: run.until, gate, why } as const);
  journal.held(job.name, step, record, changes);
}

/** The progress after this run; whoever runs the job twice at once counts the same change. */
function progressOf(
  run: RebootRun,
  before: RebootProgress | undefined,
  now: EpochMillis,
): RebootProgress & { readonly changes: number } {
  const attempts = run.record?.incident?.attempts;
  const waitsFor = run.end === "Finish" ? "nothing" : (run.gate satisfies GateName);
  const changed = before?.waitsFor !== waitsFor || before.attempts !== attempts;
  return {
    phase: run.record?.phase ?? "Unknown",
    waitsFor,
    why: run.why.slice(0, 512),
    ...(run.end === "Wait" ? { until: new Date(run.until).toISOString() } : {}),
    ...(attempts === undefined ? {} : { attempts }),
    changes: (before?.changes ?? 0) + (changed ? 1 : 0),
    since: sinceWhen(waitsFor, before, now),
  };
}

/** Since when this is what it waits for. */
function sinceWhen(waitsFor: string, before: RebootProgress | undefined, now: EpochMillis): string {
  const same = before?.waitsFor === waitsFor ? before.since : undefined;
  return same ?? new Date(now).toISOString();
}

/** What the job said last; bytes that it cannot have said count as nothing. */
function previous(progress: unknown): RebootProgress | undefined {
  const parsed = rebootProgressSchema.safeParse(progress);
  return parsed.success ? parsed.data : undefined;
}

async function peek(node: string, { store, journal }: RebootJobDeps): Promise<NodeRecord | undefined> {
  try {
    return (await store.get(node)).record;
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
  run: Extract<RebootRun, { end: "Wait" }>,
  deps: RebootJobDeps,
): Promise<void> {
  const after = await peek(node, deps);
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
