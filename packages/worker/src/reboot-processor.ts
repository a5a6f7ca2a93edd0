/**
 * What a pending reboot does when it runs. The job is only an alarm clock: it may fire early, late, twice or by hand,
 * so everything is read anew, and the intent is written before the call.
 *
 *   1. read record and view           the send deadline starts before this read
 *   2. pure gates                     most runs end here: recovered, still waiting, paused, blind
 *   3. open the ledger                the authority on windows, budgets and pauses (active mode)
 *   4. read the node without a cache  and judge it: a node that is healthy now is never rebooted (I2)
 *   5. list the fleet                 one sick node, or a storm?
 *   6. name the VM by a fresh read of the cloud (I6)
 *   7. every gate again, with all that was read and with what else runs on the node; a slot of the shared call limit
 *   8. write the intent: to the record, compare-and-set on the version of step 1; to the ledger, on that of step 3.
 *      Of two workers one gets on (I1, I3); an answer that was lost is an intent that was written
 *   9. send, if the deadline has not passed; nothing is ever sent twice for one intent
 *  10. write the outcome; a crash before that leaves `Intent`, which counts as a reboot
 */
import { nextStep, type RebootStep } from "@node-agent/shared/core/gates/list.ts";
import type { GateInput, GateName } from "@node-agent/shared/core/gates/gate.ts";
import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import { poolOf, type NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { pausesOf } from "@node-agent/shared/core/pause.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import { verdictAt } from "@node-agent/shared/core/verification.ts";
import type { ClusterView } from "@node-agent/shared/ports/snapshot-store.ts";
import { deadlineSignal } from "@node-agent/shared/runtime/deadline.ts";
import { judge, type Judged } from "./judge.ts";
import type { LedgerOpening, LedgerSession } from "./ledger-gate.ts";
import { RebootCall } from "./reboot-call.ts";
import { verifyReboot } from "./verifier.ts";
import {
  nowOf,
  verdictTimingsOf,
  type RebootDeps,
  type RebootRun,
  type Transaction,
} from "./reboot-transaction.ts";

/** Attempts at the transaction while other workers keep changing the record; then the job looks again later. */
const MAX_CONFLICTS = 3;

/** A list of the fleet ahead of the transaction may take so many times as long as any read within it. */
const LIST_DEADLINES = 6;

/** Runs pending reboots. Throws only when Redis fails; then the job is tried again. */
export class RebootProcessor {
  readonly #deps: RebootDeps;
  readonly #call: RebootCall;

  constructor(deps: RebootDeps) {
    this.#deps = deps;
    this.#call = new RebootCall(deps);
  }

  async run(node: string, signal: AbortSignal): Promise<RebootRun> {
    await this.#lookAhead(node, signal);
    for (let attempt = 0; attempt < MAX_CONFLICTS; attempt += 1) {
      const run = await this.#transact(node, signal);
      if (run !== "conflict") return run;
    }
    const { record, view } = await this.#deps.store.get(node);
    return this.#wait(record, view, "Deadline", "other workers kept changing the record", undefined);
  }

  /**
   * A list of a large fleet takes as long as the send deadline allows for everything. It is made before the deadline
   * starts, when it will be asked for; the transaction then finds it, or makes a new one.
   */
  async #lookAhead(node: string, signal: AbortSignal): Promise<void> {
    const { store, fleet, timings, clock } = this.#deps;
    const { record, view } = await store.get(node);
    if (record === undefined) return;
    if (nextStep(this.#input(record, view, undefined, undefined)).step !== "CallExecutor") return;
    using deadline = deadlineSignal(clock, LIST_DEADLINES * timings.readDeadline, signal);
    await fleet.health(await store.listUnhealthy(), view.now, deadline.signal).catch(() => undefined);
  }

  async #transact(node: string, signal: AbortSignal): Promise<RebootRun | "conflict"> {
    const { clock, store } = this.#deps;
    const startedMono = clock.monotonic();
    const startedWall = clock.now();
    const verified = await verifyReboot(await store.get(node), this.#deps, signal);
    if (verified.overtaken === true) return "conflict";
    const { stored, unsettled } = verified;
    const { record, view } = stored;
    // What a reboot came to must not be lost: budgets and the efficacy guard are built on it.
    if (unsettled !== undefined) return this.#wait(record, view, "Ledger", unsettled, undefined);
    if (record === undefined) {
      return { end: "Finish", gate: "NothingFailing", why: stored.fault ?? "the node is gone", record };
    }
    const first = nextStep(this.#input(record, view, undefined, undefined));
    const verdict = verdictAt(record, verdictTimingsOf(this.#deps)) ?? 0;
    if (first.step === "Finish" && first.gate === "NothingFailing" && verdict > view.now) {
      const why = "it is well; what the reboot came to is told when no call can be on its way any more";
      return this.#wait(record, view, "NothingFailing", why, verdict - view.now);
    }
    // Attempts used up is decided anew on a fresh read: that judgement moves the node to Failed.
    if (first.step !== "CallExecutor" && first.gate !== "Attempts") return this.#stop(first, record, view);
    return this.#readTruth({ node, stored, startedMono, startedWall, signal }, record);
  }

  async #readTruth(transaction: Transaction, record: NodeRecord): Promise<RebootRun | "conflict"> {
    const { reader, rules } = this.#deps;
    const { view } = transaction.stored;
    const opening = await this.#openLedger(transaction, view.now);
    if ("failed" in opening) return this.#wait(record, view, "Ledger", opening.failed, undefined);
    const read = await this.#tried(transaction, async (signal) => reader.read(transaction.node, signal));
    if ("failed" in read) return this.#wait(record, view, "NodeUnreadable", read.failed, undefined);
    if (!read.value.found) {
      return { end: "Finish", gate: "NothingFailing", why: "the node no longer exists", record };
    }
    const { node, addresses } = read.value;
    const judged = judge(node, { record, damaged: false }, rules, view);
    const step = nextStep(this.#input(judged.after, view, node, ledgerOf(opening.value)));
    if (step.step !== "CallExecutor") return this.#settle(transaction, judged, step);
    return this.#askWorld(transaction, judged, { node, addresses }, opening.value);
  }

  /** The node is due by all that is known of it alone: now the fleet and the cloud are asked. */
  async #askWorld(
    transaction: Transaction,
    judged: Judged,
    { node, addresses }: { node: NodeSnapshot; addresses: readonly string[] | undefined },
    opening: LedgerOpening | undefined,
  ): Promise<RebootRun | "conflict"> {
    const { store, fleet, journal, executor, whereabouts } = this.#deps;
    const { stored } = transaction;
    const records = await store.listUnhealthy();
    const health = await this.#tried(transaction, async (signal) =>
      fleet.health(records, stored.view.now, signal),
    );
    if ("failed" in health) return this.#wait(judged.after, stored.view, "Storm", health.failed, undefined);
    const resolved = await this.#tried(transaction, async (signal) => executor.resolve(node, signal));
    if ("failed" in resolved)
      return this.#wait(judged.after, stored.view, "Cloud", resolved.failed, undefined);
    if (!resolved.value.ok) {
      const { failure, detail, retryAfter } = resolved.value;
      const gate = failure === "IdentityMismatch" || failure === "NotFound" ? "Identity" : "Cloud";
      journal.fault("Cloud", `${failure}: ${detail}`, transaction.node);
      return this.#wait(judged.after, stored.view, gate, `${failure}: ${detail}`, retryAfter);
    }
    const { target, gpuCount = 0 } = resolved.value;
    // The word of the cloud or of the ledger that this VM has GPUs lengthens the wait; nothing ever shortens it.
    const hasGpus = gpuCount > 0 || ledgerOf(opening)?.entries.get(target.instanceId)?.gpu === true;
    const sized = hasGpus ? { ...judged, after: { ...judged.after, gpuNode: true } } : judged;
    const hosting = await whereabouts.hosting(node.name, addresses, records);
    const stepOn = (look: LedgerOpening | undefined): RebootStep => {
      const now = nowOf(transaction, this.#deps.clock);
      const ledger = this.#call.ledgerView(look, records, target, node, health.value.nodes, now);
      const input = this.#input(sized.after, stored.view, node, ledgerOf(look));
      const hosted = hosting === undefined ? {} : { hosting };
      return nextStep({ ...input, fleet: health.value, ledger, ...hosted });
    };
    const step = stepOn(opening);
    if (step.step !== "CallExecutor") return this.#settle(transaction, sized, step);
    const reopen = async (): Promise<LedgerSession | undefined> => {
      const again = await this.#openLedger(transaction, nowOf(transaction, this.#deps.clock));
      if ("failed" in again || again.value?.open !== true) return undefined;
      return stepOn(again.value).step === "CallExecutor" ? again.value.session : undefined;
    };
    const session = opening?.open === true ? opening.session : undefined;
    return this.#call.run({ transaction, judged: sized, node, target, session, reopen });
  }

  async #openLedger(transaction: Transaction, redisNow: EpochMillis) {
    return this.#tried(transaction, async (signal) => this.#deps.ledger?.open(redisNow, signal));
  }

  /** A read of the world with a deadline: its failure is a gate that holds, never an exception. */
  async #tried<T>(
    { signal: parent, node }: Transaction,
    read: (signal: AbortSignal) => Promise<T>,
  ): Promise<{ readonly value: T } | { readonly failed: string }> {
    const { clock, timings, journal } = this.#deps;
    using deadline = deadlineSignal(clock, timings.readDeadline, parent);
    try {
      return { value: await read(deadline.signal) };
    } catch (error) {
      const failed = error instanceof Error ? error.message : "unknown error";
      journal.fault("Kubernetes", failed, node);
      return { failed };
    }
  }

  async #settle(
    { node, stored }: Transaction,
    judged: Judged,
    step: Exclude<RebootStep, { step: "CallExecutor" }>,
  ): Promise<RebootRun | "conflict"> {
    if (judged.changed) {
      if (!(await this.#deps.store.compareAndSet(node, stored.version, judged.after))) return "conflict";
      const { before, after, evaluation } = judged;
      this.#deps.journal.judged({ node, before, after, evaluation, dueIn: undefined });
    }
    return this.#stop(step, judged.after, stored.view);
  }

  #input(
    record: NodeRecord,
    view: ClusterView,
    snapshot: NodeSnapshot | undefined,
    ledger: Ledger | undefined,
  ): GateInput {
    const { policy } = this.#deps.rules;
    const pool = snapshot === undefined ? record.pool : poolOf(snapshot);
    const named = { name: record.name, pool, ...(snapshot === undefined ? {} : { snapshot }) };
    return {
      record,
      policy,
      now: view.now,
      observed: view.observed,
      viewAge: view.age,
      viewSteady: view.steady,
      pauses: pausesOf(named, policy.paused, ledger),
      ...(snapshot === undefined ? {} : { node: snapshot, selected: this.#deps.selects(snapshot) }),
    };
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
}

/** Pauses are heard even in a ledger that may not be built on. */
function ledgerOf(opening: LedgerOpening | undefined): Ledger | undefined {
  if (opening === undefined) return undefined;
  return opening.open ? opening.session.ledger : opening.ledger;
}
