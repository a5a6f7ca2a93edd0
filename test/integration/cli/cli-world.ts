import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { afterAll, beforeAll } from "vitest";
import {
  createConfigMapLedger,
  createNodeLister,
  createNodeReader,
  connectKubernetes,
  type KubernetesConnection,
} from "@node-agent/kubernetes";
import { keysOf, SHARDS, shardOf } from "@node-agent/shared/contract/keys.ts";
import { QUEUES, type RebootJob } from "@node-agent/shared/contract/queues.ts";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { judge } from "@node-agent/shared/core/judge.ts";
import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import { emptyLedger } from "@node-agent/shared/core/ledger/steps.ts";
import { DEFAULT_POLICY, type RepairPolicy } from "@node-agent/shared/core/policy.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { snapshotFingerprint, toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { HOUR } from "@node-agent/shared/core/time.ts";
import type { Publication } from "@node-agent/shared/ports/snapshot-store.ts";
import { RedisPlanStore } from "@node-agent/shared/redis/plan-store.ts";
import { RedisSnapshotStore } from "@node-agent/shared/redis/snapshot-store.ts";
import { RedisStateStore } from "@node-agent/shared/redis/state-store.ts";
import { BullJobQueues } from "@node-agent/shared/redis/job-queues.ts";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import { runCli } from "../../../packages/cli/src/run.ts";
import type { Terminal } from "../../../packages/cli/src/terminal.ts";
import { startSimulator, type Simulator } from "../../../packages/simulator/src/simulator.ts";
import { eventually } from "../../support/eventually.ts";
import { useRedis } from "../../support/redis.ts";

/** What a command printed and how it ended. */
export interface CliRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Windows of about two seconds, so that a ledger grows up within a test. */
const QUICK = {
  rebootWait: { standard: "100ms", gpu: "100ms" },
  timings: { blindGrace: "0s", sendDeadline: "100ms", cloudCallDeadline: "100ms", nodeReadDeadline: "3s" },
};
export const POLICY: RepairPolicy = {
  ...DEFAULT_POLICY,
  blindGrace: 0,
  monitorOnly: false,
  rebootWait: { standard: 100, gpu: 100 },
};
/** Node names of the world: node-0 to node-19, in pool pool-a. */
const NAMES = Array.from({ length: 20 }, (_, i) => `node-${i}`);

/** A cluster (the simulator), a Redis and a terminal; the tests play the watcher and the worker. */
export class CliWorld {
  readonly simulator: Simulator;
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly kubernetes: KubernetesConnection;
  readonly dir = mkdtempSync(join(tmpdir(), "node-agent-cli-"));
  readonly cluster: string;
  readonly store: RedisStateStore;
  readonly snapshots: RedisSnapshotStore;

  constructor(simulator: Simulator, redis: Redis, redisUrl: string, cluster: string) {
    this.simulator = simulator;
    this.redis = redis;
    this.redisUrl = redisUrl;
    this.cluster = cluster;
    writeFileSync(this.kubeconfig, simulator.kubeconfig());
    this.store = new RedisStateStore(redis, keysOf(cluster));
    this.snapshots = new RedisSnapshotStore(redis, keysOf(cluster), HOUR);
    this.kubernetes = connectKubernetes({
      kubeconfig: this.kubeconfig,
      userAgent: "test",
      clock: systemClock,
    });
  }

  get kubeconfig(): string {
    return join(this.dir, "kubeconfig.yaml");
  }

  /** Writes a configuration of the agent and returns its path. */
  config(part: Readonly<Record<string, unknown>> = {}): string {
    const file = join(this.dir, "agent.yaml");
    const ledger = { namespace: "default", clockSkew: "1500ms", margin: "0s" };
    const base = {
      monitorOnly: false,
      cluster: this.cluster,
      kubeconfig: this.kubeconfig,
      redis: { url: this.redisUrl },
    };
    writeFileSync(file, JSON.stringify({ ...QUICK, ledger, ...base, ...part }));
    return file;
  }

  /** Runs a command line in this process. */
  async cli(argv: readonly string[], over: Partial<Terminal> & { config?: string } = {}): Promise<CliRun> {
    const written = { out: "", err: "" };
    const { config = this.config(), ...terminal } = over;
    const code = await runCli([...argv, "--config", config], {
      env: {},
      out: (text) => void (written.out += text),
      err: (text) => void (written.err += text),
      isTty: false,
      clock: systemClock,
      readFile: (path) => readFileSync(path, "utf8"),
      who: "ann@desk",
      ...terminal,
    });
    return { code, ...written };
  }

  /** The ledger as a gate reads it. */
  async ledger(): Promise<Ledger> {
    const reading = await createConfigMapLedger(this.kubernetes, LOCATION).read();
    if (reading.state !== "Found") throw new Error(reading.why);
    return reading.ledger;
  }

  async writeLedger(change: (ledger: Ledger) => Ledger): Promise<void> {
    const store = createConfigMapLedger(this.kubernetes, LOCATION);
    const reading = await store.read();
    if (reading.state !== "Found") throw new Error(reading.why);
    const { outcome } = await store.compareAndWrite(change(reading.ledger), reading.version);
    if (outcome !== "Written") throw new Error(outcome);
  }

  async deleteLedger(): Promise<void> {
    await this.kubernetes.request(CONFIG_MAP, { method: "DELETE" }).catch(() => undefined);
  }

  /** Replaces the data of the ConfigMap by any text. */
  async scribble(meta: string): Promise<void> {
    await this.patch(CONFIG_MAP, { data: { meta } });
  }

  async patch(path: string, body: unknown): Promise<void> {
    await this.kubernetes.request(path, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: JSON.stringify(body),
    });
  }

  async patchNode(name: string, body: unknown): Promise<void> {
    await this.patch(`/api/v1/nodes/${name}`, body);
  }

  /** The ledger of a calm cluster again: no reboots, no pauses, no grant. */
  async calmLedger(): Promise<void> {
    await this.writeLedger(({ meta }) => ({
      ...emptyLedger(meta.cluster, "worker-1", Date.now()),
      entries: new Map(),
    }));
  }

  /** A ledger that is old enough to be believed. */
  async grownLedger(): Promise<void> {
    await this.cli(["ledger", "init"]);
    await eventually(async () => {
      const { out } = await this.cli(["ledger", "show"]);
      if (!out.includes("yes, by what it says itself")) throw new Error(out);
    });
  }

  /** A watcher vouches for the cluster until now; it has watched for an hour. */
  async watched(ago = 0): Promise<void> {
    const now = (await this.store.view()).now;
    await this.redis.hset(keysOf(this.cluster).view, { observed: HOUR, until: now - ago, at: now - ago });
    await this.publish();
    // The worker plans.
    await new RedisPlanStore(this.redis, keysOf(this.cluster)).publish({ at: now - ago, proceed: [] });
  }

  /** A watcher stores what it sees: all nodes, as they are now. */
  async publish(): Promise<void> {
    const batch: Publication[] = [];
    const lister = createNodeLister({ connection: this.kubernetes, project: toSnapshot });
    for await (const snapshot of lister.list(new AbortController().signal)) {
      batch.push({ snapshot, fingerprint: snapshotFingerprint(snapshot) });
    }
    await this.snapshots.publish(batch);
  }

  /** Judges a node as a worker does; `failed` makes its clocks so old. */
  async judge(name: string, failed = 0): Promise<NodeRecord> {
    await this.watched();
    const reader = createNodeReader({ connection: this.kubernetes, project: toSnapshot });
    const read = await reader.read(name);
    if (!read.found) throw new Error(`${name} is not there`);
    const { record, version, view } = await this.store.get(name);
    const rules = { policy: POLICY, checkers: createCheckers(POLICY) };
    const { after } = judge(read.node, { record, damaged: false }, rules, view);
    const clock = after.failing.NodeReady;
    const older = clock && {
      ...clock,
      since: clock.since - failed,
      sinceObserved: clock.sinceObserved - failed,
    };
    const next = older === undefined ? after : { ...after, failing: { NodeReady: older } };
    await this.put(next, version);
    // As a worker does: a job that sleeps and has not said anything yet.
    if (older !== undefined) await this.pending(name, {}, HOUR);
    return next;
  }

  async put(record: NodeRecord, version?: string): Promise<void> {
    const seen = version ?? (await this.store.get(record.name)).version;
    if (!(await this.store.compareAndSet(record.name, seen, record))) throw new Error("conflict");
  }

  /** Breaks nodes and waits until the API server shows it. */
  async breakNodes(...names: string[]): Promise<void> {
    for (const name of names) {
      this.simulator.world.break(name, { fault: "kubelet-dead" });
    }
    await this.#untilReadyIs("Unknown", names);
  }

  async healNodes(...names: string[]): Promise<void> {
    for (const name of names) this.simulator.world.heal(name);
    await this.#untilReadyIs("True", names);
  }

  async #untilReadyIs(status: string, names: readonly string[]): Promise<void> {
    const reader = createNodeReader({ connection: this.kubernetes, project: toSnapshot });
    await eventually(async () => {
      for (const name of names) {
        const read = await reader.read(name);
        const ready = read.found && read.node.conditions.find(({ type }) => type === "Ready")?.status;
        if (ready !== status) throw new Error(`${name} is ${String(ready)}`);
      }
    });
  }

  /** A pending reboot on the queue that said this of itself. */
  async pending(name: string, progress: object, delay: number): Promise<void> {
    const queues = new BullJobQueues(this.redis, keysOf(this.cluster), () => undefined);
    await queues.moveReboot(name, delay);
    await queues.close();
    await this.#onReboots(async (queue) => {
      const job = (await queue.getJobs(["delayed", "waiting"])).find((one) => one.name === name);
      await job?.updateProgress(progress);
    });
  }

  /** Pauses or resumes the queue of pending reboots, as a dashboard does. */
  async pauseReboots(paused: boolean): Promise<void> {
    await this.#onReboots(async (queue) => (paused ? queue.pause() : queue.resume()));
  }

  /** Deletes every pending reboot. */
  async forgetJobs(): Promise<void> {
    await this.#onReboots(async (queue) => queue.obliterate({ force: true }));
  }

  async #onReboots(act: (queue: Queue<RebootJob>) => Promise<void>): Promise<void> {
    const { prefix } = keysOf(this.cluster);
    const queue = new Queue<RebootJob>(QUEUES.reboots, { connection: this.redis, prefix });
    await act(queue);
    await queue.close();
  }

  /** Forgets every record. */
  async forget(): Promise<void> {
    const keys = keysOf(this.cluster);
    for (let shard = 0; shard < SHARDS; shard += 1) {
      await this.redis.del(keys.records(shard), keys.attention(shard));
    }
  }

  async damage(name: string, bytes: string): Promise<void> {
    await this.redis.hset(keysOf(this.cluster).records(shardOf(name)), name, bytes);
  }

  async close(): Promise<void> {
    await this.kubernetes.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

const LOCATION = { namespace: "default", name: "node-agent-ledger" };
const CONFIG_MAP = `/api/v1/namespaces/default/configmaps/node-agent-ledger`;

/** Gives the tests of a file one world; call at the top level. */
export function useCliWorld(): () => CliWorld {
  const redis = useRedis();
  let world: CliWorld | undefined;
  let simulator: Simulator | undefined;
  beforeAll(async () => {
    simulator = await startSimulator({
      cluster: "cli",
      pools: [{ name: "a", id: "pool-a", count: NAMES.length, nodeNames: NAMES }],
    });
    world = new CliWorld(simulator, redis.connect(), redis.url(), redis.newCluster().cluster);
  });
  afterAll(async () => {
    await world?.close();
    await simulator?.close();
  });
  return () => {
    if (world === undefined) throw new Error("the world did not start");
    return world;
  };
}
