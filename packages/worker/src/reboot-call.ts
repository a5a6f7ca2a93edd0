import { askingCheckers, firstDue, rebootWaitOf } from "@node-agent/shared/core/due.ts";
import type { GateInput } from "@node-agent/shared/core/gates/gate.ts";
import { ledgerView } from "@node-agent/shared/core/gates/ledger-view.ts";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import type { LedgerGrant } from "@node-agent/shared/core/ledger/ledger.ts";
import type { LedgerIntent } from "@node-agent/shared/core/ledger/steps.ts";
import { simulatedLedger } from "@node-agent/shared/core/ledger/simulated.ts";
import { placeOf, type NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { breakerOf } from "@node-agent/shared/core/storm/breaker.ts";
import type { FleetHealth } from "@node-agent/shared/core/storm/fleet.ts";
import { Limits, type LimitSubject } from "@node-agent/shared/core/storm/limits.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import { transition } from "@node-agent/shared/core/transition.ts";
import type { RebootReceipt, RebootTarget } from "@node-agent/shared/ports/executor.ts";
import { deadlineSignal } from "@node-agent/shared/runtime/deadline.ts";
import type { CallClaim } from "./call-brake.ts";
import type { Judged } from "@node-agent/shared/core/judge.ts";
import { CONFLICT_PAUSE, type IntentWrite, type LedgerOpening, type LedgerSession } from "./ledger-gate.ts";
import { SendDeadline, type Missed } from "./send-deadline.ts";
import { nowOf, type RebootDeps, type RebootRun, type Transaction } from "./reboot-transaction.ts";

/** Everything that is decided when the call begins. */
export interface CallRequest {
  readonly transaction: Transaction;
  readonly judged: Judged;
  readonly node: NodeSnapshot;
  readonly target: RebootTarget;
  /** How many nodes the cluster has. */
  readonly fleetSize: number;
  /** The ledger as it was opened in this transaction; absent in monitor-only mode. */
  readonly session: LedgerSession | undefined;
  /** Opens the ledger again after somebody else wrote to it; undefined: a gate holds on what stands there now. */
  readonly reopen: () => Promise<LedgerSession | undefined>;
}

/** Intents that other writers may come before; each costs a read and a write, and all of them lie within S. */
const MAX_INTENT_CONFLICTS = 16;

/** Attempts to write the outcome of a call; after them the intent stands, which is safe and only less precise. */
const MAX_OUTCOME_WRITES = 5;

const OTHERS_CAME_FIRST = "nothing sent: other workers wrote to the ledger first; it is tried again at once";
const BRAKED = "this process sent as many reboot calls as the limits allow";

/** An intent that stands in the ledger; in monitor-only mode, which keeps none, one that would. */
type WrittenIntent = Extract<IntentWrite, { outcome: "Written" }>;

/** What came of the call, and whether it was given up because its send deadline was over. */
interface Sent {
  readonly receipt: RebootReceipt;
  readonly missed?: Missed;
}

/** The second half of the transaction: intent, call, outcome (steps 7 to 10 of the processor's essay). */
export class RebootCall {
  readonly #deps: RebootDeps;
  readonly #deadline: SendDeadline;

  constructor(deps: RebootDeps) {
    this.#deps = deps;
    this.#deadline = new SendDeadline(deps);
  }

  /** What the ledger says of this VM; in monitor-only mode, what it would say. */
  ledgerView(
    opening: LedgerOpening | undefined,
    records: readonly NodeRecord[],
    subject: Omit<LimitSubject, "granted">,
    fleet: FleetHealth,
    now: EpochMillis,
  ): Pick<GateInput, "ledger" | "breaker"> {
    const { policy } = this.#deps.rules;
    if (opening?.state === "Distrusted") {
      const { why, until } = opening;
      const distrust = { why, ...(until === undefined ? {} : { until }) };
      return { ledger: { distrust }, breaker: breakerOf(fleet, policy.breaker, now) };
    }
    const { ledger, clocks } = opening ?? { ledger: simulatedLedger(records), clocks: clocksOf([now]) };
    const breaker = breakerOf(fleet, policy.breaker, now, ledger);
    const limits = new Limits(ledger, fleet, policy, clocks);
    return { ledger: ledgerView(subject, { ledger, clocks, limits, breaker }, now), breaker };
  }

  async run(request: CallRequest): Promise<RebootRun | "conflict"> {
    const { store, timings, journal, rules, newToken, clock, brake } = this.#deps;
    const { transaction, judged, target, fleetSize } = request;
    const { node, stored, stopwatch } = transaction;
    const record = judged.after;
    // Before the intent, which would keep a window for a call that is not made. Monitor-only makes none.
    using claim = rules.policy.monitorOnly ? undefined : brake.claim(fleetSize);
    if (claim !== undefined && claim.wait > 0) {
      // It is the brake of this process alone: another worker may send the call.
      const at = nowOf(transaction, clock) + Math.min(claim.wait, timings.blockedRetry);
      return { step: "WaitUntil", at, gate: "RateLimit", why: BRAKED, record };
    }
    const now = nowOf(transaction, clock);
    // Before the intent, too: what comes too late already must cost neither a window nor a pause.
    if (this.#deadline.isOver(transaction)) {
      const { why, pause } = this.#deadline.missed(transaction);
      return { step: "WaitUntil", at: now + pause, gate: "Deadline", why, record };
    }
    const token = newToken();
    const { instanceId } = target;
    const worstCase = timings.sendDeadline + timings.callDeadline + rebootWaitOf(record, rules.policy);
    // One wait with one end: that of the window in the ledger.
    const windowEnd = request.session?.windowEnd({ instanceId, gpu: record.gpuNode });
    const waitUntil = windowEnd ?? now + worstCase;
    const intent = { type: "RebootIntended", instanceId, token, waitUntil } as const;
    const intended = transition(record, intent, rules.policy, now).record;
    const isWritten = await stopwatch.time("Redis", async () =>
      store.compareAndSet(node, stored.version, intended),
    );
    if (!isWritten) return "conflict";
    const { before, evaluation } = judged;
    journal.judged({ node, before, after: record, evaluation, dueIn: undefined });
    const written = await stopwatch.time("Intent", async () => this.#intend(request, intended, token));
    const sent =
      written.outcome === "Written"
        ? await this.#send(request, intended, claim, written.grant)
        : this.#unsent(transaction, written);
    return this.#finish(request, intended, token, sent);
  }

  /** Writes the intent to the ledger. `Written`: it stands there, and the call may be made. */
  async #intend(
    { session, transaction, node, target, reopen }: CallRequest,
    intended: NodeRecord,
    token: string,
  ): Promise<RebootReceipt | WrittenIntent> {
    if (session === undefined) {
      if (this.#deps.rules.policy.monitorOnly) return { outcome: "Written" };
      return { outcome: "NotSent", detail: "nothing sent: active mode without a ledger" };
    }
    const { rules, clock, timings } = this.#deps;
    const { observed } = transaction.stored.view;
    const checker = firstDue(intended, rules.policy, observed)?.checker;
    const intent: LedgerIntent = {
      instanceId: target.instanceId,
      node: node.name,
      ...placeOf(node),
      ...(checker === undefined ? {} : { checker }),
      checkers: askingCheckers(intended, rules.policy),
      ...(node.bootId === undefined ? {} : { bootIdBefore: node.bootId }),
      attempt: intended.lastReboot?.number ?? 1,
      token,
      gpu: intended.gpuNode,
    };
    using deadline = deadlineSignal(clock, timings.readDeadline, transaction.signal);
    let write = await session.intend(intent, deadline.signal);
    for (let i = 0; i < MAX_INTENT_CONFLICTS && write.outcome === "Conflict"; i += 1) {
      // Somebody else's reboot came first. It is no reason to hold this one back, unless it used up a limit. Chance keeps
      // many workers from meeting again.
      await this.#deps.jitter(CONFLICT_PAUSE * (i + 1), deadline.signal);
      const again = await reopen();
      if (again === undefined) break;
      write = await again.intend(intent, deadline.signal);
    }
    if (write.outcome === "Written") return write;
    // Many workers write to one ledger, and this one lost again and again: nothing failed, and it tries again at once.
    if (write.outcome === "Conflict") return { outcome: "NotSent", detail: OTHERS_CAME_FIRST };
    // A lost answer may be a written intent: it counts as a reboot and keeps its window, and nothing is called.
    const outcome = write.outcome === "Unknown" ? "Unknown" : "NotSent";
    return {
      outcome,
      detail: `nothing sent: the intent is not in the ledger (${write.outcome}: ${write.why})`,
    };
  }

  /** An intent that is not in the ledger; too late for it is too late for the call. */
  #unsent(transaction: Transaction, receipt: RebootReceipt): Sent {
    return this.#deadline.isOver(transaction)
      ? { receipt, missed: this.#deadline.missed(transaction) }
      : { receipt };
  }

  /** The last look at the clock and the call stand side by side: nothing may come between them. */
  async #send(
    { transaction, target }: CallRequest,
    intended: NodeRecord,
    claim: CallClaim | undefined,
    grant: LedgerGrant | undefined,
  ): Promise<Sent> {
    const { executor, timings, journal, clock, rules } = this.#deps;
    journal.requested(intended, target, grant);
    using deadline = deadlineSignal(clock, timings.callDeadline, transaction.signal);
    if (this.#deadline.isOver(transaction)) {
      const missed = this.#deadline.missed(transaction);
      return { receipt: { outcome: "NotSent", detail: `nothing sent: ${missed.why}` }, missed };
    }
    if (rules.policy.monitorOnly) {
      // Whatever executor was wired: this mode never calls a cloud (I5).
      const detail = `monitor-only: ${target.hostname} would have been rebooted`;
      return { receipt: { outcome: "Simulated", detail } };
    }
    if (claim?.send() !== true) {
      return { receipt: { outcome: "NotSent", detail: `nothing sent: ${BRAKED}` } };
    }
    // Awaited here: the deadline ends with this function, and must outlive the call.
    const receipt = await executor.reboot(target, deadline.signal);
    this.#deadline.kept(transaction.node);
    return { receipt };
  }

  async #finish(
    { transaction, target, session }: CallRequest,
    intended: NodeRecord,
    token: string,
    { receipt, missed }: Sent,
  ): Promise<RebootRun> {
    const { store, rules, journal, ledger, clock } = this.#deps;
    const { node } = transaction;
    // The ledger first: it is the one that others build on.
    if (session !== undefined && receipt.outcome !== "Simulated") {
      await ledger
        ?.settle(target.instanceId, token, receipt.outcome, nowOf(transaction, clock))
        .catch(() => false);
    }
    const waitUntil = Math.max(
      this.#waitUntil(transaction, intended, receipt),
      missed === undefined ? 0 : nowOf(transaction, clock) + missed.pause,
    );
    const detail = receipt.detail.slice(0, 512);
    const event = { type: "RebootFinished", token, outcome: receipt.outcome, detail, waitUntil } as const;
    let written = intended;
    for (let attempt = 0; attempt < MAX_OUTCOME_WRITES; attempt += 1) {
      const current = await store.get(node);
      if (current.record === undefined) break;
      written = transition(current.record, event, rules.policy, current.view.now).record;
      if (await store.compareAndSet(node, current.version, written)) break;
    }
    if (receipt.detail !== OTHERS_CAME_FIRST) journal.answered(written, receipt);
    const wait = { step: "WaitUntil", at: waitUntil, record: written } as const;
    if (missed !== undefined) return { ...wait, gate: "Deadline", why: missed.why };
    return { ...wait, gate: "WaitWindow", why: `${receipt.outcome}: ${receipt.detail}` };
  }

  /** What happened, or may have, keeps the wait that the intent reserved; what surely did not, a pause. */
  #waitUntil(transaction: Transaction, intended: NodeRecord, receipt: RebootReceipt): EpochMillis {
    const { rules, timings, clock } = this.#deps;
    const now = nowOf(transaction, clock);
    switch (receipt.outcome) {
      case "Simulated":
        return now + rebootWaitOf(intended, rules.policy);
      case "Accepted":
      case "Unknown":
        return intended.lastReboot?.waitUntil ?? now + rebootWaitOf(intended, rules.policy);
      case "NotSent":
        return now + (receipt.detail === OTHERS_CAME_FIRST ? timings.retryPause / 60 : timings.retryPause);
      case "Rejected":
        return now + Math.max(timings.retryPause, receipt.retryAfter ?? 0);
      default:
        return receipt satisfies never;
    }
  }
}
