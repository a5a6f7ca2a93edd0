/**
 * What a pending reboot does when it runs. The job is only an alarm clock: it may fire early, late, twice or by hand,
 * so everything is read anew, and the intent is written before the call.
 *
 *   1. read record and view           the send deadline starts before this read
 *   2. pure gates                     most runs end here: recovered, still waiting, paused, blind
 *   3. open the ledger                the authority on windows, limits and pauses (active mode)
 *   4. read the node without a cache  and judge it: a node that is healthy now is never rebooted (I2)
 *   5. list the fleet                 one sick node, or many? (listed after steps 1 and 2, which then begin again: a list
 *                                     may take longer than the send deadline)
 *   6. name the VM by a fresh read of the cloud (I6), and read the pods of the agents by which GPU and Cilium are judged,
 *      where nothing else asks for the repair; a reboot of it that only the ledger knows goes into the record, and
 *      everything begins anew
 *   7. every gate again, with all that was read and with what else runs on the node
 *   8. write the intent: to the record, compare-and-set on the version of step 1; to the ledger, on that of step 3.
 *      Of two workers one gets on (I1, I3); an answer that was lost is an intent that was written
 *   9. send, if the deadline has not passed; nothing is ever sent twice for one intent
 *  10. write the outcome; a crash before that leaves `Intent`, which counts as a reboot
 */
import { askingOf } from "@node-agent/shared/core/due.ts";
import { nextStep, type RebootStep } from "@node-agent/shared/core/gates/list.ts";
import type { GateInput, GateName } from "@node-agent/shared/core/gates/gate.ts";
import { wantsEvidence } from "@node-agent/shared/core/gates/pod-evidence.ts";
import { withPossibleTimes } from "@node-agent/shared/core/damaged.ts";
import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import { placeOf, poolOf, type NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { withDraSlices } from "@node-agent/shared/core/node-evidence.ts";
import { pausesOf } from "@node-agent/shared/core/pause.ts";
import { recalled } from "@node-agent/shared/core/recall.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import { verdictAt } from "@node-agent/shared/core/verification.ts";
import type { ClusterView } from "@node-agent/shared/ports/snapshot-store.ts";
import { deadlineSignal } from "@node-agent/shared/runtime/deadline.ts";
import { FLEET_LIST_DEADLINES } from "./fleet-watch.ts";
import { judge, type Judged } from "@node-agent/shared/core/judge.ts";
import type { LedgerOpening, LedgerSession } from "./ledger-gate.ts";
import { heldByPlan } from "./plan-hold.ts";
import { RebootCall } from "./reboot-call.ts";
import { Stopwatch } from "./stopwatch.ts";
import { verifyReboot } from "./verifier.ts";
import {
  nowOf,
  tried,
  verdictTimingsOf,
  type RebootDeps,
  type RebootRun,
  type Transaction,
} from "./reboot-transaction.ts";
import { lookAtWorld, type FreshNode, type WorldLook } from "./world-look.ts";

/** Attempts at the transaction while other workers keep changing the record; then the job looks again later. */
const MAX_CONFLICTS = 3;

/** Gates of a node that is about to be given up. */
const GIVES_UP: ReadonlySet<GateName> = new Set(["Verifying", "Attempts"]);

/** Runs pending reboots. Throws only when Redis fails; then the job is tried again. */
export class RebootProcessor {
  readonly #deps: RebootDeps;
  readonly #call: RebootCall;

  constructor(deps: RebootDeps) {
    this.#deps = deps;
    this.#call = new RebootCall(deps);
  }

  async run(node: string, signal: AbortSignal): Promise<RebootRun> {
    let isAhead = false;
    let conflicts = 0;
    while (conflicts < MAX_CONFLICTS) {
      const run = await this.#transact(node, signal, isAhead);
      if (run === "conflict") conflicts += 1;
      else if (run.step === "Due") {
        await this.#lookAhead(run.now, signal);
        isAhead = true;
      } else return run;
    }
    const { record, view } = await this.#deps.store.get(node);
    return this.#wait(record, view, "Deadline", "other workers kept changing the record", undefined);
  }

  /**
   * A list of a large fleet, of nodes or of VMs, takes as long as the send deadline allows for everything. It is made
   * before the deadline starts, when it will be asked for; the transaction then finds it, or makes a new one of the nodes.
   */
  async #lookAhead(now: EpochMillis, signal: AbortSignal): Promise<void> {
    const { store, fleet, executor, timings, clock } = this.#deps;
    await executor.readAhead(signal);
    using deadline = deadlineSignal(clock, FLEET_LIST_DEADLINES * timings.readDeadline, signal);
    await fleet.health(async () => store.listUnhealthy(), now, deadline.signal).catch(() => undefined);
  }

  async #transact(
    node: string,
    signal: AbortSignal,
    isAhead: boolean,
  ): Promise<RebootRun | Due | "conflict"> {
    const { clock, store } = this.#deps;
    const startedMono = clock.monotonic();
    const startedWall = clock.now();
    using stopwatch = new Stopwatch(clock, this.#deps.lateness);
    const read = await stopwatch.time("Redis", async () => store.get(node));
    const verified = await stopwatch.time("Verdict", async () => verifyReboot(read, this.#deps, signal));
    if (verified.overtaken === true) return "conflict";
    const { stored, unsettled } = verified;
    const { view } = stored;
    // Forged times must not send the job to sleep for longer than any wait there is.
    const record = stored.record && withPossibleTimes(stored.record, this.#deps.rules.policy, view.now);
    // What a reboot came to must not be lost: limits and cure rate are built on it.
    if (unsettled !== undefined) return this.#wait(record, view, unsettled.gate, unsettled.why, undefined);
    if (record === undefined) {
      return { step: "Finish", gate: "NothingFailing", why: stored.fault ?? "the node is gone", record };
    }
    const first = nextStep(this.#input(record, view, undefined, undefined));
    const verdict = verdictAt(record, view, verdictTimingsOf(this.#deps)) ?? 0;
    if (first.step === "Finish" && first.gate === "NothingFailing" && verdict > view.now) {
      return this.#untilProven(record, view, verdict);
    }
    const held = await heldByPlan(record, first, view, this.#deps);
    if (held !== undefined) return held;
    // Attempts used up is decided anew on a fresh read: that judgement moves the node to Failed.
    if (first.step !== "CallExecutor" && !GIVES_UP.has(first.gate)) return { ...first, record };
    if (!isAhead) return { step: "Due", now: view.now };
    return await this.#readTruth({ node, stored, startedMono, startedWall, signal, stopwatch }, record);
  }

  async #readTruth(transaction: Transaction, record: NodeRecord): Promise<RebootRun | "conflict"> {
    const { reader, rules } = this.#deps;
    const { view } = transaction.stored;
    const opening = await this.#openLedger(transaction);
    if ("failed" in opening) return this.#wait(record, view, "Ledger", opening.failed, undefined);
    const read = await tried(transaction, this.#deps, "Node", async (signal) =>
      reader.read(transaction.node, signal),
    );
    if ("failed" in read) return this.#wait(record, view, "NodeUnreadable", read.failed, undefined);
    if (!read.value.found) {
      return { step: "Finish", gate: "NothingFailing", why: "the node no longer exists", record };
    }
    const { node } = read.value;
    const judged = judge(node, { record, damaged: false }, rules, view);
    const step = nextStep(this.#input(judged.after, view, node, opening.value?.ledger));
    if (step.step !== "CallExecutor") return this.#settle(transaction, judged, step);
    return this.#askWorld(transaction, judged, read.value, opening.value);
  }

  /** The node is due by all that is known of it alone: now the fleet and the cloud are asked. */
  async #askWorld(
    transaction: Transaction,
    judged: Judged,
    fresh: FreshNode,
    opening: LedgerOpening | undefined,
  ): Promise<RebootRun | "conflict"> {
    const { stored } = transaction;
    const { node } = fresh;
    const own = this.#input(judged.after, stored.view, node, opening?.ledger);
    const look = await lookAtWorld(transaction, fresh, this.#deps, { evidence: wantsEvidence(own) });
    if (!("target" in look))
      return this.#wait(judged.after, stored.view, look.gate, look.why, look.retryAfter);
    const { target, hasGpus, evidence } = look;
    const learned = evidence === undefined ? undefined : withDraSlices(judged.after, evidence);
    if (learned !== undefined) {
      // A DRA driver allocates the GPUs: the record remembers it, and the node is judged again.
      await this.#commit(transaction, judged, learned);
      return "conflict";
    }
    const entry = opening?.ledger?.entries.get(target.instanceId);
    const session = opening?.state === "Trusted" ? opening : undefined;
    const known = session === undefined ? undefined : entry;
    const recall = recalled(judged.after, known, this.#deps.rules.policy, stored.view);
    if (recall !== undefined) return this.#recall(transaction, judged.after, recall);
    // The word of the cloud or of the ledger that this VM has GPUs lengthens the wait; nothing ever shortens it.
    const sized =
      hasGpus || entry?.gpu === true ? { ...judged, after: { ...judged.after, gpuNode: true } } : judged;
    const ask = (now: LedgerOpening | undefined): RebootStep =>
      this.#askAll(transaction, sized.after, node, look, now);
    const step = ask(opening);
    if (step.step !== "CallExecutor") return this.#settle(transaction, sized, step);
    const reopen = async (): Promise<LedgerSession | undefined> => {
      const again = await this.#openLedger(transaction);
      if ("failed" in again || again.value?.state !== "Trusted") return undefined;
      return ask(again.value).step === "CallExecutor" ? again.value : undefined;
    };
    const { nodes: fleetSize } = look.health;
    return this.#call.run({ transaction, judged: sized, node, target, fleetSize, session, reopen });
  }

  /** Step 7: every gate, with all that was read. */
  #askAll(
    transaction: Transaction,
    record: NodeRecord,
    node: NodeSnapshot,
    look: WorldLook,
    opening: LedgerOpening | undefined,
  ): RebootStep {
    const { records, target, health, hosting, evidence } = look;
    const now = nowOf(transaction, this.#deps.clock);
    const asking = askingOf(record, this.#deps.rules.policy, transaction.stored.view.observed);
    const vm = { instanceId: target.instanceId, ...placeOf(node), ...asking };
    return nextStep({
      ...this.#input(record, transaction.stored.view, node, opening?.ledger),
      fleet: health,
      ...this.#call.ledgerView(opening, records, vm, health, now),
      ...(hosting === undefined ? {} : { hosting }),
      ...(evidence === undefined ? {} : { evidence }),
    });
  }

  /** The record goes on from what the ledger knows, and everything is asked anew. */
  async #recall({ node, stored }: Transaction, before: NodeRecord, after: NodeRecord): Promise<"conflict"> {
    const { store, journal } = this.#deps;
    if (await store.compareAndSet(node, stored.version, after)) journal.recalled(before, after);
    return "conflict";
  }

  /** Stores what this transaction judged; false: another worker changed the record meanwhile. */
  async #commit(
    { node, stored }: Transaction,
    { before, evaluation }: Judged,
    after: NodeRecord,
  ): Promise<boolean> {
    if (!(await this.#deps.store.compareAndSet(node, stored.version, after))) return false;
    this.#deps.journal.judged({ node, before, after, evaluation, dueIn: undefined });
    return true;
  }

  async #openLedger(transaction: Transaction) {
    const { ledger, clock } = this.#deps;
    const redisNow = nowOf(transaction, clock);
    return tried(transaction, this.#deps, "Ledger", async (signal) => ledger?.open(redisNow, signal));
  }

  async #settle(
    transaction: Transaction,
    judged: Judged,
    step: Exclude<RebootStep, { step: "CallExecutor" }>,
  ): Promise<RebootRun | "conflict"> {
    if (judged.changed && !(await this.#commit(transaction, judged, judged.after))) return "conflict";
    return { ...step, record: judged.after };
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

  /**
   * A node that is well again waits for the result of its reboot. Only watched time proves a cure: while no watcher sees the
   * cluster there is no hurry to look again.
   */
  #untilProven(record: NodeRecord, view: ClusterView, verdict: EpochMillis): RebootRun {
    const { rules, timings } = this.#deps;
    const isBlind = view.age === undefined || view.age > rules.policy.viewMaxAge;
    const why = "healthy again; the result of the reboot is recorded once the node has stayed healthy";
    const pause = Math.max(verdict - view.now, isBlind ? timings.blockedRetry : 0);
    return this.#wait(record, view, "Verifying", why, pause);
  }

  #wait(
    record: NodeRecord | undefined,
    view: ClusterView,
    gate: GateName,
    why: string,
    retryAfter: Millis | undefined,
  ): RebootRun {
    const pause = Math.max(0, retryAfter ?? this.#deps.timings.blockedRetry);
    return { step: "WaitUntil", at: view.now + pause, gate, why, record };
  }
}

/** Everything that is known allows the repair, and what takes long was not read ahead yet. */
interface Due {
  readonly step: "Due";
  readonly now: EpochMillis;
}
