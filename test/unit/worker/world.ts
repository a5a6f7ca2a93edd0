import { createCheckers } from "../../../packages/shared/src/core/checkers/registry.ts";
import type { Ledger, LedgerEntry } from "../../../packages/shared/src/core/ledger/ledger.ts";
import { emptyLedger } from "../../../packages/shared/src/core/ledger/steps.ts";
import {
  LEDGER_TIMINGS,
  windowOf,
  type LedgerTimings,
} from "../../../packages/shared/src/core/ledger/timings.ts";
import type { NodeSnapshot } from "../../../packages/shared/src/core/node.ts";
import { DEFAULT_POLICY, type RepairPolicy } from "../../../packages/shared/src/core/policy.ts";
import type { NodeRecord } from "../../../packages/shared/src/core/record.ts";
import { snapshotFingerprint } from "../../../packages/shared/src/core/snapshot.ts";
import { DAY, MINUTE, SECOND, type Millis } from "../../../packages/shared/src/core/time.ts";
import { shardOf } from "../../../packages/shared/src/contract/keys.ts";
import { aNode, instanceIdOf, type NodeBuilder } from "../../../packages/shared/src/testing/builders.ts";
import { ManualClock } from "../../../packages/shared/src/testing/manual-clock.ts";
import { MemoryEvidenceReader } from "../../../packages/shared/src/testing/memory-evidence-reader.ts";
import { MemoryExecutor } from "../../../packages/shared/src/testing/memory-executor.ts";
import { MemoryJobQueues } from "../../../packages/shared/src/testing/memory-job-queues.ts";
import { MemoryLedger } from "../../../packages/shared/src/testing/memory-ledger.ts";
import { MemoryNodeLister } from "../../../packages/shared/src/testing/memory-node-lister.ts";
import { MemoryNodeReader } from "../../../packages/shared/src/testing/memory-node-reader.ts";
import { MemorySequence } from "../../../packages/shared/src/testing/memory-sequence.ts";
import { MemoryWorkerRegistry } from "../../../packages/shared/src/testing/memory-worker-registry.ts";
import { MemoryStore } from "../../../packages/shared/src/testing/memory-store.ts";
import { CallBrake } from "../../../packages/worker/src/call-brake.ts";
import { MemoryPlanStore } from "../../../packages/shared/src/testing/memory-plan-store.ts";
import { Evaluator, type EvaluatorDeps } from "../../../packages/worker/src/evaluator.ts";
import { FleetWatch } from "../../../packages/worker/src/fleet-watch.ts";
import { LedgerGate } from "../../../packages/worker/src/ledger-gate.ts";
import type { Lateness } from "../../../packages/worker/src/stopwatch.ts";
import { RebootProcessor } from "../../../packages/worker/src/reboot-processor.ts";
import type { RebootDeps, TransactionRun } from "../../../packages/worker/src/reboot-transaction.ts";
import { Whereabouts, type WhereaboutsDeps } from "../../../packages/worker/src/whereabouts.ts";
import { direct, intercept, type Around } from "./intercept.ts";
import { RecordingJournal } from "./recording-journal.ts";

/** Active, seen for long, and a node that is well is cured: what those wait for has tests of its own. */
const ACTIVE: RepairPolicy = {
  ...DEFAULT_POLICY,
  monitorOnly: false,
  blindGrace: 0,
  storm: { ...DEFAULT_POLICY.storm, curedAfter: 0 },
};
export const TIMINGS = {
  sendDeadline: 10 * SECOND,
  callDeadline: 30 * SECOND,
  readDeadline: 10 * SECOND,
  blockedRetry: 30 * SECOND,
  retryPause: 30 * SECOND,
  flight: 55 * SECOND,
  planStale: 30 * SECOND,
};
export const LEDGER: LedgerTimings = {
  ...LEDGER_TIMINGS,
  sendDeadline: TIMINGS.sendDeadline,
  callDeadline: TIMINGS.callDeadline,
  cooldown: TIMINGS.blockedRetry,
};
/** How long the ledger leaves a VM alone after an intent, counted from the intent. */
export const WINDOW: Millis = windowOf(10 * MINUTE, LEDGER);
const NEVER = new AbortController().signal;

/** What a transaction came to, and how long its job sleeps now. */
type Ran = TransactionRun & { readonly for?: Millis };

/** A cluster, a cloud and a store in memory, with as many workers as a test wants. */
export class World {
  readonly clock = new ManualClock();
  readonly store = new MemoryStore(this.clock);
  readonly queues = new MemoryJobQueues(this.clock);
  readonly reader = new MemoryNodeReader();
  readonly executor = new MemoryExecutor(this.clock);
  readonly lister = new MemoryNodeLister(this.reader.nodes);
  readonly plans = new MemoryPlanStore(this.clock);
  readonly evidence = new MemoryEvidenceReader();
  /** How long its workers stood still, as they would measure it. */
  lateness: Lateness = { watch: () => ({ late: () => 0, [Symbol.dispose]: () => undefined }) };
  /** The steps that made a send deadline missed. */
  readonly missed: string[] = [];
  /** What the configuration selects. */
  selects: (node: NodeSnapshot) => boolean = () => true;
  readonly ledger = new MemoryLedger("cluster-1", () => this.clock.now());
  readonly sequence = new MemorySequence(this.clock);
  readonly workers = new MemoryWorkerRegistry(this.clock, 30 * SECOND);
  readonly journal = new RecordingJournal();
  rules;
  #resourceVersion = 1000;
  #tokens = 0;

  constructor(policy: RepairPolicy = ACTIVE) {
    this.rules = { policy, checkers: createCheckers(policy) };
    const now = this.clock.now();
    this.ledger.create(emptyLedger("cluster-1", "init", now), now - DAY);
  }

  evaluator(over: Partial<EvaluatorDeps> = {}): Evaluator {
    const { store, queues, journal, rules } = this;
    return new Evaluator({ store, queues, journal, rules, chunk: 100, ...over });
  }

  /** What one more worker process works with; every await of its transaction runs through `around`. */
  processorDeps(around: Around = direct): RebootDeps {
    const { journal, rules, clock } = this;
    const newToken = (): string => {
      this.#tokens += 1;
      return `token-${this.#tokens}`;
    };
    return {
      store: intercept("store", this.store, around),
      reader: intercept("reader", this.reader, around),
      fleet: new FleetWatch({
        lister: intercept("lister", this.lister, around),
        store: this.store,
        selects: (node) => this.selects(node),
        rules,
        clock,
        shared: 2 * SECOND,
        oldest: MINUTE,
      }),
      selects: (node) => this.selects(node),
      ledger: rules.policy.monitorOnly ? undefined : this.ledgerGate(around),
      evidence: this.evidence,
      executor: intercept("executor", this.executor, around),
      brake: new CallBrake(clock, rules.policy.limits),
      plans: intercept("plans", this.plans, around),
      whereabouts: this.whereabouts(),
      journal,
      rules,
      clock,
      timings: TIMINGS,
      newToken,
      lateness: this.lateness,
      onMissed: (step) => void this.missed.push(step),
      jitter: async () => undefined,
    };
  }

  /** Where things run, as a worker sees it that was not told its own node. */
  whereabouts(over: Partial<WhereaboutsDeps> = {}): Whereabouts {
    const { monitorOnly } = this.rules.policy;
    return new Whereabouts({
      registry: this.workers,
      self: { id: "worker-1", monitorOnly },
      redisNodes: [],
      redisAddresses: async () => [],
      onFault: (fault) => this.journal.fault("Redis", String(fault)),
      ...over,
    });
  }

  /** The ledger as one worker process uses it. */
  ledgerGate(around: Around = direct): LedgerGate {
    return new LedgerGate({
      ledger: intercept("ledger", this.ledger, around),
      memory: intercept("memory", this.sequence, around),
      clock: this.clock,
      policy: this.rules.policy,
      timings: LEDGER,
      self: "worker-1",
      jitter: async () => undefined,
    });
  }

  processor(over: Partial<RebootDeps> = {}): RebootProcessor {
    return new RebootProcessor({ ...this.processorDeps(), ...over });
  }

  async run(name = "node-1", over: Partial<RebootDeps> = {}): Promise<Ran> {
    const run = await this.processor(over).run(name, NEVER);
    if (run.step === "Held") throw new Error("the plan holds the repair");
    return run.step === "Finish" ? run : { ...run, for: Math.max(0, run.at - this.clock.now()) };
  }

  /** Runs the job of node-1 in a worker whose awaits run through `around`. */
  async runWith(around: Around): Promise<Ran> {
    return this.run("node-1", this.processorDeps(around));
  }

  /** Redis loses everything: snapshots, records, and what it knew of the ledger. */
  flushRedis(): void {
    this.store.records.clear();
    this.store.snapshots.clear();
    this.store.newest.clear();
    this.store.dirty.clear();
    this.sequence.highest = 0;
  }

  /** The host names that were rebooted, in order. */
  get rebooted(): string[] {
    return this.executor.calls.map(({ target }) => target.hostname);
  }

  /** The API server has this node now, and the watchers published it. */
  async see(node: NodeBuilder): Promise<NodeSnapshot> {
    this.#resourceVersion += 1;
    const snapshot = node.resourceVersion(this.#resourceVersion).snapshot();
    this.reader.set(snapshot);
    await this.store.publish([{ snapshot, fingerprint: snapshotFingerprint(snapshot) }]);
    return snapshot;
  }

  /** Judges whatever waits for judgement on that node's shard. */
  async judge(name = "node-1"): Promise<number> {
    return this.evaluator().run(shardOf(name));
  }

  async seeAndJudge(node: NodeBuilder): Promise<void> {
    const { name } = await this.see(node);
    await this.judge(name);
  }

  /** Time passes while watchers see the cluster. */
  async watch(span: Millis): Promise<void> {
    await this.#beat();
    for (let left = span; left > 0; left -= 30 * SECOND) {
      this.clock.advance(Math.min(left, 30 * SECOND));
      await this.#beat();
    }
  }

  /** A watcher vouches for the view, and some worker keeps the ledger alive. */
  async #beat(): Promise<void> {
    await this.store.beat(0);
    await this.ledgerGate().beat(this.clock.now());
  }

  /** The ledger as it stands. */
  async readLedger(): Promise<Ledger> {
    const reading = await this.ledger.read();
    if (reading.state !== "Found") throw new Error(`no ledger: ${reading.why}`);
    return reading.ledger;
  }

  /** The ledger's entry of the VM behind a built node. */
  async entry(name = "node-1"): Promise<LedgerEntry | undefined> {
    return (await this.readLedger()).entries.get(instanceIdOf(name));
  }

  async record(name = "node-1"): Promise<NodeRecord | undefined> {
    return (await this.store.get(name)).record;
  }

  /** A node that was Ready, then failed until its reboot is due. */
  async due(node: NodeBuilder = aNode(), broken: NodeBuilder = node.notReady()): Promise<void> {
    await this.store.beat(0);
    await this.seeAndJudge(node);
    await this.seeAndJudge(broken);
    await this.watch(5 * MINUTE);
  }
}
