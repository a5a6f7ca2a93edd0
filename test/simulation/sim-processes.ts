import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { snapshotFingerprint } from "@node-agent/shared/core/snapshot.ts";
import type { RebootProgress } from "@node-agent/shared/contract/queues.ts";
import { DelayedError, type Job } from "bullmq";
import type { RebootJob } from "@node-agent/shared/contract/queues.ts";
import { digestOf } from "@node-agent/shared/redis/snapshot-store.ts";
import { Evaluator } from "../../packages/worker/src/evaluator.ts";
import { FleetWatch } from "../../packages/worker/src/fleet-watch.ts";
import type { Journal } from "../../packages/worker/src/journal.ts";
import { LedgerGate } from "../../packages/worker/src/ledger-gate.ts";
import { runRebootJob } from "../../packages/worker/src/reboot-job.ts";
import { RebootProcessor } from "../../packages/worker/src/reboot-processor.ts";
import { runHeartbeat } from "../../packages/watcher/src/heartbeat.ts";
import { createPublisher, type WatcherDeps } from "../../packages/watcher/src/publisher.ts";
import { resync } from "../../packages/watcher/src/resync.ts";
import { MemoryNodeSource } from "@node-agent/shared/testing/memory-node-source.ts";
import type { SimJob } from "./sim-queue.ts";
import type { World } from "./world.ts";
import { BEAT, BLOCKED_RETRY, LEDGER, LOCK, POLICY, READ_DEADLINE, RESYNC } from "./settings.ts";
import type { Incarnation } from "./virtual-time.ts";

const SILENT: Journal = {
  judged: () => undefined,
  held: () => undefined,
  requested: () => undefined,
  answered: () => undefined,
  verified: () => undefined,
  fault: () => undefined,
};

const RULES = { checkers: createCheckers(POLICY), policy: POLICY };

/** Starts the real code of a worker in this incarnation: evaluation, pending reboots, the ledger's sign of life. */
export function startWorker(world: World, process: Incarnation): void {
  const { clock } = process;
  const store = world.redisFor(process);
  const queues = world.queuesFor(process);
  const evaluator = new Evaluator({ store, queues, journal: SILENT, rules: RULES, chunk: 10 });
  const ledger = new LedgerGate({
    ledger: world.ledgerFor(process),
    memory: world.memoryFor(process),
    clock,
    policy: POLICY,
    timings: LEDGER,
    self: process.name,
  });
  const processor = new RebootProcessor({
    store,
    reader: world.readerFor(process),
    fleet: new FleetWatch({ lister: world.listerFor(process), rules: RULES, clock, shared: 400 }),
    ledger,
    executor: world.cloudFor(process),
    limiter: { take: async () => undefined },
    journal: SILENT,
    rules: RULES,
    clock,
    timings: {
      sendDeadline: LEDGER.sendDeadline,
      callDeadline: LEDGER.callDeadline,
      readDeadline: READ_DEADLINE,
      blockedRetry: BLOCKED_RETRY,
      retryPause: BLOCKED_RETRY,
      flight: LEDGER.sendDeadline + LEDGER.callDeadline + LEDGER.margin,
    },
    newToken: () => world.nextToken(),
  });
  const jobDeps = {
    processor,
    queues,
    store,
    journal: SILENT,
    clock,
    minPause: 200,
    retryPause: BLOCKED_RETRY,
  };
  void loop(process, 150, async () => {
    for (const shard of [...world.queues.woken]) {
      world.queues.woken.delete(shard);
      await evaluator.run(shard);
    }
  });
  for (let slot = 0; slot < 2; slot += 1) {
    void loop(process, 200, async () => {
      const job = world.queues.take(process.name, LOCK);
      if (job === undefined) return;
      await runJob(world, process, job, async (handle) =>
        runRebootJob(handle, process.name, new AbortController().signal, jobDeps),
      );
    });
  }
  void loop(process, LEDGER.heartbeatMaxAge / 6, async () => ledger.beat((await store.view()).now));
}

async function runJob(
  world: World,
  process: Incarnation,
  job: SimJob,
  run: (handle: Job<RebootJob>) => Promise<unknown>,
): Promise<void> {
  const handle = {
    name: job.node,
    data: { schema: 1, node: job.node },
    get progress() {
      return job.progress;
    },
    updateProgress: async (progress: RebootProgress) => {
      await process.hop(5);
      job.progress = progress;
    },
    log: async () => undefined,
    moveToDelayed: async (at: number) => {
      await process.hop(5);
      // The queue keeps the time that the caller's clock named, right or wrong.
      if (!world.queues.delay(job, process.name, at)) throw new Error("Missing lock");
    },
  };
  try {
    await run(handle as unknown as Job<RebootJob>);
    world.queues.finish(job, process.name);
  } catch (error) {
    if (!(error instanceof DelayedError)) world.queues.finish(job, process.name);
  }
}

/** Starts the real code of a watcher: publishing, beat and resync, on a view that may miss events and lag behind. */
export function startWatcher(world: World, process: Incarnation): void {
  const { clock } = process;
  const source = new MemoryNodeSource(clock);
  const deps: WatcherDeps = {
    source,
    store: world.redisFor(process),
    queues: world.queuesFor(process),
    reader: world.readerFor(process),
    clock,
    fingerprint: snapshotFingerprint,
    selects: () => true,
  };
  const seen = new Map<string, string>();
  source.start(createPublisher(deps));
  // The watch: what changed is seen after a while, unless the event is lost; a relist comes now and then.
  void loop(process, 250, async () => {
    if (world.weather.apiDown) return;
    source.touch();
    const relist = world.random.chance(0.05);
    const changed = world.truth.snapshots().filter((node) => {
      const known = seen.get(node.name) === node.resourceVersion;
      return !known && (relist || !world.random.chance(world.weather.lostEvent));
    });
    for (const node of changed) seen.set(node.name, node.resourceVersion);
    if (changed.length > 0) await source.set(...changed).catch(() => source.place(...changed));
    for (const name of source.nodes().keys()) {
      if (world.truth.snapshot(name) === undefined) await source.remove(name).catch(() => undefined);
    }
  });
  void runHeartbeat(
    {
      source,
      store: deps.store,
      clock,
      interval: BEAT,
      onBeat: async () => undefined,
      onError: () => undefined,
    },
    new AbortController().signal,
  );
  void loop(process, RESYNC / 2, async () => {
    // One tick for the whole fleet: whichever watcher comes first takes it.
    if (!world.takeTick(RESYNC)) return;
    await resync({ ...deps, digest: digestOf, isNewer: (a, b) => Number(a) > Number(b) });
  });
}

/** Runs a step again and again while the process lives; what a step throws is what a real loop would log. */
async function loop(process: Incarnation, pause: number, step: () => Promise<unknown>): Promise<void> {
  while (process.alive) {
    await process.hop(pause);
    try {
      await step();
    } catch {
      // Logged and tried again, as in the processes.
    }
  }
}
