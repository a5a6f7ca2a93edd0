import { createCheckers } from "../../../packages/shared/src/core/checkers/registry.ts";
import type { NodeSnapshot } from "../../../packages/shared/src/core/node.ts";
import { DEFAULT_POLICY, type RepairPolicy } from "../../../packages/shared/src/core/policy.ts";
import type { NodeRecord } from "../../../packages/shared/src/core/record.ts";
import { snapshotFingerprint } from "../../../packages/shared/src/core/snapshot.ts";
import { MINUTE, SECOND, type Millis } from "../../../packages/shared/src/core/time.ts";
import { shardOf } from "../../../packages/shared/src/contract/keys.ts";
import { aNode, type NodeBuilder } from "../../../packages/shared/src/testing/builders.ts";
import { ManualClock } from "../../../packages/shared/src/testing/manual-clock.ts";
import { MemoryCallLimiter } from "../../../packages/shared/src/testing/memory-call-limiter.ts";
import { MemoryExecutor } from "../../../packages/shared/src/testing/memory-executor.ts";
import { MemoryJobQueues } from "../../../packages/shared/src/testing/memory-job-queues.ts";
import { MemoryNodeReader } from "../../../packages/shared/src/testing/memory-node-reader.ts";
import { MemoryStore } from "../../../packages/shared/src/testing/memory-store.ts";
import { Evaluator, type EvaluatorDeps } from "../../../packages/worker/src/evaluator.ts";
import {
  RebootProcessor,
  type RebootDeps,
  type RebootRun,
} from "../../../packages/worker/src/reboot-processor.ts";
import { RecordingJournal } from "./recording-journal.ts";

const ACTIVE: RepairPolicy = { ...DEFAULT_POLICY, monitorOnly: false };
export const TIMINGS = {
  sendDeadline: 10 * SECOND,
  callDeadline: 30 * SECOND,
  readDeadline: 10 * SECOND,
  blockedRetry: 30 * SECOND,
  retryPause: 30 * SECOND,
};
const NEVER = new AbortController().signal;

/** A cluster, a cloud and a store in memory, with as many workers as a test wants. */
export class World {
  readonly clock = new ManualClock();
  readonly store = new MemoryStore(this.clock);
  readonly queues = new MemoryJobQueues(this.clock);
  readonly reader = new MemoryNodeReader();
  readonly executor = new MemoryExecutor(this.clock);
  readonly limiter = new MemoryCallLimiter(this.clock, { max: 10, per: MINUTE });
  readonly journal = new RecordingJournal();
  readonly rules;
  #resourceVersion = 1000;
  #tokens = 0;

  constructor(policy: RepairPolicy = ACTIVE) {
    this.rules = { policy, checkers: createCheckers(policy) };
  }

  evaluator(over: Partial<EvaluatorDeps> = {}): Evaluator {
    const { store, queues, journal, rules } = this;
    return new Evaluator({ store, queues, journal, rules, chunk: 100, ...over });
  }

  processorDeps(): RebootDeps {
    const { store, reader, executor, limiter, journal, rules, clock } = this;
    const newToken = (): string => {
      this.#tokens += 1;
      return `token-${this.#tokens}`;
    };
    return { store, reader, executor, limiter, journal, rules, clock, timings: TIMINGS, newToken };
  }

  processor(over: Partial<RebootDeps> = {}): RebootProcessor {
    return new RebootProcessor({ ...this.processorDeps(), ...over });
  }

  async run(name = "node-1", over: Partial<RebootDeps> = {}): Promise<RebootRun> {
    return this.processor(over).run(name, NEVER);
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
    await this.store.beat(0);
    for (let left = span; left > 0; left -= 30 * SECOND) {
      this.clock.advance(Math.min(left, 30 * SECOND));
      await this.store.beat(0);
    }
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
