/**
 * What a pending reboot does when it runs. The job is only an alarm clock: it may fire early, late, twice or by hand,
 * so everything is read anew, and the intent is written before the call.
 *
 *   1. read record and view           the send deadline starts before this read
 *   2. pure gates                     most runs end here: recovered, still waiting, blind
 *   3. read the node without a cache  and judge it: a node that is healthy now is never rebooted (I2)
 *   4. name the VM by a fresh read of the cloud (I6)
 *   5. take a slot of the shared call limit
 *   6. write the intent, compare-and-set on the version of step 1: of two workers one gets on (I1)
 *   7. send, if the deadline has not passed; nothing is ever sent twice for one intent
 *   8. write the outcome; a crash before that leaves `Intent`, which counts as a reboot
 */
import { rebootWaitOf } from "@node-agent/shared/core/due.ts";
import { nextStep, type GateName, type RebootStep } from "@node-agent/shared/core/gates.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import { transition } from "@node-agent/shared/core/transition.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { Executor, RebootReceipt, RebootTarget } from "@node-agent/shared/ports/executor.ts";
import type { CallLimiter } from "@node-agent/shared/ports/job-queues.ts";
import type { NodeReader, NodeReadResult } from "@node-agent/shared/ports/node-reader.ts";
import type { ClusterView } from "@node-agent/shared/ports/snapshot-store.ts";
import type { StateStore, VersionedRecord } from "@node-agent/shared/ports/state-store.ts";
import type { Journal } from "./journal.ts";
import { judge, type Judged, type Rules } from "./judge.ts";

/** The spans of the reboot transaction (facts on the protocol, 3.4). */
export interface RebootTimings {
  /** S: from the first read to the call. */
  readonly sendDeadline: Millis;
  /** D: from the call to its abort. */
  readonly callDeadline: Millis;
  /** How long one fresh read of the node or of the cloud may take. */
  readonly readDeadline: Millis;
  /** The pause after something held a reboot back that names no time of its own. */
  readonly blockedRetry: Millis;
  /** The pause after a call that surely was not made, or was refused. */
  readonly retryPause: Millis;
}

export interface RebootDeps {
  readonly store: StateStore;
  readonly reader: NodeReader;
  readonly executor: Executor;
  readonly limiter: CallLimiter;
  readonly journal: Journal;
  readonly rules: Rules;
  readonly clock: Clock;
  readonly timings: RebootTimings;
  readonly newToken: () => string;
}

/** What the job does next: end, or look again after a pause, telling what it waits for. */
export type RebootRun =
  | {
      readonly end: "Finish";
      readonly gate: GateName;
      readonly why: string;
      readonly record: NodeRecord | undefined;
    }
  | {
      readonly end: "Wait";
      readonly for: Millis;
      readonly until: EpochMillis;
      readonly gate: GateName;
      readonly why: string;
      readonly record: NodeRecord | undefined;
    };

/** Attempts at the transaction while other workers keep changing the record; then the job looks again later. */
const MAX_CONFLICTS = 3;
/** Attempts to write the outcome of a call; after them the intent stands, which is safe and only less precise. */
const MAX_OUTCOME_WRITES = 5;

interface Transaction {
  readonly node: string;
  readonly stored: VersionedRecord;
  readonly startedMono: Millis;
  readonly startedWall: EpochMillis;
  readonly signal: AbortSignal;
}

/** Runs pending reboots. Throws only when Redis fails; then the job is tried again. */
export class RebootProcessor {
  readonly #deps: RebootDeps;

  constructor(deps: RebootDeps) {
    this.#deps = deps;
  }

  async run(node: string, signal: AbortSignal): Promise<RebootRun> {
    for (let attempt = 0; attempt < MAX_CONFLICTS; attempt += 1) {
      const run = await this.#transact(node, signal);
      if (run !== "conflict") return run;
    }
    const { record, view } = await this.#deps.store.get(node);
    return this.#wait(record, view, "Deadline", "other workers kept changing the record", undefined);
  }

  async #transact(node: string, signal: AbortSignal): Promise<RebootRun | "conflict"> {
    const { clock, store, rules } = this.#deps;
    const startedMono = clock.monotonic();
    const startedWall = clock.now();
    const stored = await store.get(node);
    const { record, view } = stored;
    if (record === undefined) {
      return { end: "Finish", gate: "NothingFailing", why: stored.fault ?? "the node is gone", record };
    }
    const first = nextStep(gateInput(record, rules, view));
    // Attempts used up is decided anew on a fresh read: that judgement moves the node to Failed.
    if (first.step !== "CallExecutor" && first.gate !== "Attempts") return this.#stop(first, record, view);
    const transaction = { node, stored, startedMono, startedWall, signal };
    return this.#judgeFresh(transaction);
  }

  async #judgeFresh(transaction: Transaction): Promise<RebootRun | "conflict"> {
    const { reader, rules, store, timings, journal } = this.#deps;
    const { node, stored, signal } = transaction;
    const { record, view } = stored;
    let read: NodeReadResult;
    try {
      read = await reader.read(node, AbortSignal.any([signal, AbortSignal.timeout(timings.readDeadline)]));
    } catch (error) {
      const detail = error instanceof Error ? error.message : "unknown error";
      journal.fault("Kubernetes", detail, node);
      return this.#wait(record, view, "NodeUnreadable", detail, undefined);
    }
    if (!read.found)
      return { end: "Finish", gate: "NothingFailing", why: "the node no longer exists", record };
    const judged = judge(read.node, { record, damaged: false }, rules, view);
    const step = nextStep(gateInput(judged.after, rules, view));
    if (step.step === "CallExecutor") return this.#call(transaction, judged, read);
    if (judged.changed) {
      if (!(await store.compareAndSet(node, stored.version, judged.after))) return "conflict";
      this.#journalJudged(judged);
    }
    return this.#stop(step, judged.after, view);
  }

  async #call(
    transaction: Transaction,
    judged: Judged,
    read: Extract<NodeReadResult, { found: true }>,
  ): Promise<RebootRun | "conflict"> {
    const { executor, limiter, store, timings, journal, rules, newToken } = this.#deps;
    const { node, stored, signal } = transaction;
    const resolved = await executor.resolve(
      read.node,
      AbortSignal.any([signal, AbortSignal.timeout(timings.readDeadline)]),
    );
    if (!resolved.ok) {
      const gate =
        resolved.failure === "IdentityMismatch" || resolved.failure === "NotFound" ? "Identity" : "Cloud";
      journal.fault("Cloud", `${resolved.failure}: ${resolved.detail}`, node);
      return this.#wait(
        judged.after,
        stored.view,
        gate,
        `${resolved.failure}: ${resolved.detail}`,
        resolved.retryAfter,
      );
    }
    const sized = withGpuCount(judged.after, resolved.gpuCount);
    const number = (sized.incident?.attempts ?? 0) + 1;
    const freeAt = await limiter.take(`${node}#${sized.incident?.id ?? ""}#${number}`);
    const now = this.#nowOf(transaction);
    if (freeAt !== undefined) {
      return this.#wait(sized, stored.view, "RateLimit", "the shared limit on reboot calls", freeAt - now);
    }
    const token = newToken();
    const worstCase = timings.sendDeadline + timings.callDeadline + rebootWaitOf(sized, rules.policy);
    const { instanceId } = resolved.target;
    const intent = { type: "RebootIntended", instanceId, token, waitUntil: now + worstCase } as const;
    const intended = transition(sized, intent, rules.policy, now).record;
    if (!(await store.compareAndSet(node, stored.version, intended))) return "conflict";
    this.#journalJudged(judged);
    const receipt = await this.#send(transaction, intended, resolved.target);
    return this.#finish(transaction, intended, token, receipt);
  }

  /** The last look at the clock and the call stand side by side: nothing may come between them. */
  async #send(transaction: Transaction, intended: NodeRecord, target: RebootTarget): Promise<RebootReceipt> {
    const { executor, timings, journal, clock, rules } = this.#deps;
    journal.requested(intended, target);
    const signal = AbortSignal.any([transaction.signal, AbortSignal.timeout(timings.callDeadline)]);
    const elapsedMono = clock.monotonic() - transaction.startedMono;
    const elapsedWall = clock.now() - transaction.startedWall;
    const late = elapsedMono > timings.sendDeadline || elapsedWall > timings.sendDeadline || elapsedWall < 0;
    if (late) {
      const detail = `nothing sent: ${Math.round(Math.max(elapsedMono, elapsedWall))} ms since the first read`;
      return { outcome: "NotSent", detail };
    }
    if (rules.policy.monitorOnly) {
      // Whatever executor was wired: this mode never calls a cloud (I5).
      return { outcome: "Simulated", detail: `monitor-only: ${target.hostname} would have been rebooted` };
    }
    return executor.reboot(target, signal);
  }

  async #finish(
    transaction: Transaction,
    intended: NodeRecord,
    token: string,
    receipt: RebootReceipt,
  ): Promise<RebootRun | "conflict"> {
    const { store, rules, journal } = this.#deps;
    const { node } = transaction;
    const waitUntil = this.#waitUntil(transaction, intended, receipt);
    const event = {
      type: "RebootFinished",
      token,
      outcome: receipt.outcome,
      detail: receipt.detail.slice(0, 512),
      waitUntil,
    } as const;
    let written = intended;
    for (let attempt = 0; attempt < MAX_OUTCOME_WRITES; attempt += 1) {
      const current = await store.get(node);
      if (current.record === undefined) break;
      written = transition(current.record, event, rules.policy, current.view.now).record;
      if (await store.compareAndSet(node, current.version, written)) break;
    }
    journal.answered(written, receipt);
    const view = { ...transaction.stored.view, now: this.#nowOf(transaction) };
    const why = `${receipt.outcome}: ${receipt.detail}`;
    return this.#wait(written, view, "WaitWindow", why, waitUntil - view.now);
  }

  /** The wait counts from the answer; without a clear one it keeps the worst case that the intent reserved. */
  #waitUntil(transaction: Transaction, intended: NodeRecord, receipt: RebootReceipt): EpochMillis {
    const { rules, timings } = this.#deps;
    const now = this.#nowOf(transaction);
    switch (receipt.outcome) {
      case "Accepted":
      case "Simulated":
        return now + rebootWaitOf(intended, rules.policy);
      case "Unknown":
        return intended.lastReboot?.waitUntil ?? now + rebootWaitOf(intended, rules.policy);
      case "NotSent":
        return now + timings.retryPause;
      case "Rejected":
        return now + Math.max(timings.retryPause, receipt.retryAfter ?? 0);
      default:
        return receipt satisfies never;
    }
  }

  #stop(
    step: Exclude<RebootStep, { step: "CallExecutor" }>,
    record: NodeRecord,
    view: ClusterView,
  ): RebootRun {
    const { gate, why } = step;
    if (step.step === "Finish") return { end: "Finish", gate, why, record };
    return { end: "Wait", for: step.at - view.now, until: step.at, gate, why, record };
  }

  #wait(
    record: NodeRecord | undefined,
    view: ClusterView,
    gate: GateName,
    why: string,
    retryAfter: Millis | undefined,
  ): RebootRun {
    const pause = Math.max(0, retryAfter ?? this.#deps.timings.blockedRetry);
    return { end: "Wait", for: pause, until: view.now + pause, gate, why, record };
  }

  /** The store's clock, carried on by our own monotonic one since the first read. */
  #nowOf({ stored, startedMono }: Transaction): EpochMillis {
    return stored.view.now + Math.max(0, this.#deps.clock.monotonic() - startedMono);
  }

  #journalJudged(judged: Judged): void {
    const { before, after, evaluation } = judged;
    this.#deps.journal.judged({ node: after.name, before, after, evaluation, dueIn: undefined });
  }
}

function gateInput(record: NodeRecord, { policy }: Rules, view: ClusterView): Parameters<typeof nextStep>[0] {
  return { record, policy, now: view.now, observed: view.observed, viewAge: view.age };
}

/** The cloud's own word that this VM has GPUs lengthens the wait; nothing ever shortens it. */
function withGpuCount(record: NodeRecord, gpuCount: number | undefined): NodeRecord {
  return gpuCount !== undefined && gpuCount > 0 ? { ...record, gpuNode: true } : record;
}
