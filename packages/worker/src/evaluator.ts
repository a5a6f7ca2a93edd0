import { DELIVERY, DriftTally, type Drift } from "@node-agent/shared/contract/drift.ts";
import { farewell } from "@node-agent/shared/core/carry-over.ts";
import type { NodeAction } from "@node-agent/shared/core/events.ts";
import type {
  EvaluationStore,
  JudgedNodeCommit,
  PendingNode,
} from "@node-agent/shared/ports/evaluation-store.ts";
import { dependencyOf } from "@node-agent/shared/ports/dependency.ts";
import type { JobQueues } from "@node-agent/shared/ports/job-queues.ts";
import type { ClusterView } from "@node-agent/shared/ports/snapshot-store.ts";
import { verificationOfGone } from "@node-agent/shared/core/verification.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import type { Journal } from "./journal.ts";
import { judge, type Judged, type Rules } from "@node-agent/shared/core/judge.ts";

/** What the evaluator works with. */
export interface EvaluatorDeps {
  readonly store: EvaluationStore;
  readonly queues: JobQueues;
  readonly journal: Journal;
  readonly rules: Rules;
  /** Nodes per chunk: one load, one commit. */
  readonly chunk: number;
  /** Told of records that their snapshots did not bear out. */
  readonly onDrift?: (drift: Drift) => void;
}

/** A chunk that gets nowhere this often (every commit refused) leaves the rest to the next wake-up. */
const MAX_IDLE_ROUNDS = 3;

/** Judges the dirty nodes of shards: load a chunk, judge it, commit it, see to the timers; until the shard is clean. */
export class Evaluator {
  readonly #deps: EvaluatorDeps;

  constructor(deps: EvaluatorDeps) {
    this.#deps = deps;
  }

  /**
   * Returns how many nodes were judged. Throws when Redis fails: what is not committed stays dirty. The failure is
   * logged and counted here, because the caller only sees a failed job. An error that blames no dependency is our own.
   */
  async run(shard: number, signal?: AbortSignal): Promise<number> {
    try {
      return await this.#judgeShard(shard, signal);
    } catch (error) {
      const detail = error instanceof Error ? error.message : "unknown error";
      this.#deps.journal.fault(dependencyOf(error) ?? "Unexpected", `shard ${shard}: ${detail}`);
      throw error;
    }
  }

  async #judgeShard(shard: number, signal: AbortSignal | undefined): Promise<number> {
    const { store, chunk } = this.#deps;
    let done = 0;
    let idleRounds = 0;
    /** Nodes whose judgement threw: they stay dirty and must not crowd out the others. */
    const failed = new Set<string>();
    while (idleRounds < MAX_IDLE_ROUNDS) {
      if (signal?.aborted === true) break;
      const { nodes, view } = await store.load(shard, chunk + failed.size);
      const untried = nodes.filter(({ name }) => !failed.has(name));
      if (untried.length === 0) break;
      const outcomes = untried.flatMap((pending) => this.#tryOutcome(pending, view, failed));
      const refused = await store.commit(
        shard,
        outcomes.map(({ commit }) => commit),
      );
      const committed = outcomes.filter(({ commit }) => !refused.has(commit.name));
      this.#tellDrift(committed);
      await this.#seeTo(committed, view.now);
      done += committed.length;
      const idle = outcomes.length > 0 && committed.length === 0;
      idleRounds = idle ? idleRounds + 1 : 0;
    }
    return done;
  }

  /** A bug that one node brings to light must not keep the whole shard from being judged. */
  #tryOutcome(pending: PendingNode, view: ClusterView, failed: Set<string>): readonly Outcome[] {
    try {
      return [this.#outcome(pending, view)];
    } catch (error) {
      failed.add(pending.name);
      const detail = error instanceof Error ? error.message : "unknown error";
      this.#deps.journal.fault("Unexpected", `judgement: ${detail}`, pending.name);
      return [];
    }
  }

  #tellDrift(outcomes: readonly Outcome[]): void {
    const tally = new DriftTally();
    for (const { pending, drifted } of outcomes) if (drifted === true) tally.add("Stale", pending.name);
    const drift = tally.found();
    if (drift !== undefined) this.#deps.onDrift?.(drift);
  }

  #outcome(pending: PendingNode, view: ClusterView): Outcome {
    const { journal, rules } = this.#deps;
    const { name, snapshot, snapshotVersion, recordVersion, record } = pending;
    const base = { name, snapshotVersion, recordVersion };
    for (const { kind, detail } of pending.faults) journal.fault(kind, detail, name);
    if (pending.gone) return goneOutcome(pending, view.now);
    if (snapshot === undefined) {
      // A version without a snapshot that can be read says "known" to every watcher: without it they publish anew.
      const op = snapshotVersion === "" ? "keep" : "discard";
      return { pending, commit: { ...base, record: op }, actions: [] };
    }
    const damaged = pending.faults.some(({ kind }) => kind === "DamagedRecord");
    const judged = judge(snapshot, { record, damaged }, rules, view);
    const { after, changed, timed, evaluation, actions } = judged;
    const commit = { ...base, record: changed ? after : "keep", judged: after, timed } as const;
    return { pending, commit, judged, actions, drifted: isDrifted(pending, evaluation.verdict, view.now) };
  }

  /** Timers after the commit: a crash in between loses only what the next resync makes again. */
  async #seeTo(outcomes: readonly Outcome[], now: EpochMillis): Promise<void> {
    const { queues } = this.#deps;
    // Most of the sick have their pending reboot already: one look for all of them.
    const woken = new Set(
      outcomes.filter(({ actions }) => actions.some(({ type }) => type === "WakeReboot")),
    );
    const ensured = outcomes.filter((outcome) => outcome.actions.length > 0 && !woken.has(outcome));
    if (ensured.length > 0) await queues.ensureReboots(ensured.map(({ pending }) => pending.name));
    await Promise.all(
      outcomes.map(async (outcome) => {
        const { pending, commit, judged, actions } = outcome;
        // A pending reboot always runs at once first: it finds its gate closed, says in the job what it waits for and
        // until when, and goes to sleep for exactly as long. So one place computes the time, and the same place tells it.
        if (woken.has(outcome)) await queues.moveReboot(pending.name, 0);
        if (judged === undefined && commit.record !== "delete") return;
        const { name: node, record } = pending;
        const gone = judged === undefined && record !== undefined ? verificationOfGone(record) : undefined;
        if (record !== undefined && gone !== undefined) this.#deps.journal.verified(record, gone);
        this.#deps.journal.judged({
          node,
          before: record,
          after: judged?.after,
          evaluation: judged?.evaluation,
          dueIn: dueInOf(actions, now),
        });
      }),
    );
  }
}

/**
 * Whether a judgement finds that the record had drifted: it says Healthy for longer than a delivery takes, while its
 * snapshot, which was judged before and still stands, fails. Something else wrote the record (a fresh read before a
 * reboot, a lost race, a forgery); the resync finds it by comparison, and the judgement that notices it repairs it.
 */
function isDrifted(
  { rewritten, record }: Pick<PendingNode, "rewritten" | "record">,
  verdict: Judged["evaluation"]["verdict"],
  now: EpochMillis,
): boolean {
  return rewritten && verdict === "Fail" && record?.phase === "Healthy" && now - record.phaseSince > DELIVERY;
}

/** The record of a node that is gone is deleted, unless the wait of its VM runs: then that is all that stays of it. */
function goneOutcome(pending: PendingNode, now: EpochMillis): Outcome {
  const { name, snapshotVersion, recordVersion, record } = pending;
  const kept = record === undefined ? undefined : farewell(record, now);
  // Looked at again and again until the wait is over, with nothing left to end.
  const isSame = kept !== undefined && JSON.stringify(kept) === JSON.stringify(record);
  return {
    pending,
    commit: { name, snapshotVersion, recordVersion, record: isSame ? "keep" : (kept ?? "delete") },
    actions: isSame ? [] : [{ type: "WakeReboot" }],
  };
}

interface Outcome {
  readonly pending: PendingNode;
  readonly commit: JudgedNodeCommit;
  /** Absent: the node is gone, or its snapshot cannot be read. */
  readonly judged?: Judged;
  readonly actions: readonly NodeAction[];
  /** Its record was not borne out by its snapshot. */
  readonly drifted?: boolean;
}

function dueInOf(actions: readonly NodeAction[], now: EpochMillis): number | undefined {
  for (const action of actions) if (action.type !== "WakeReboot") return action.at - now;
  return undefined;
}
