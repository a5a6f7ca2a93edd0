import { MemoryEvidenceReader } from "@node-agent/shared/testing/memory-evidence-reader.ts";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import type { RebootJob, RebootProgress } from "@node-agent/shared/contract/queues.ts";
import { DelayedError, type Job } from "bullmq";
import { Planner } from "../../packages/worker/src/planner.ts";
import { CallBrake } from "../../packages/worker/src/call-brake.ts";
import { Evaluator } from "../../packages/worker/src/evaluator.ts";
import { FleetWatch } from "../../packages/worker/src/fleet-watch.ts";
import type { Journal } from "../../packages/worker/src/journal.ts";
import type { Rules } from "@node-agent/shared/core/judge.ts";
import { LedgerGate } from "../../packages/worker/src/ledger-gate.ts";
import { runRebootJob, type RebootJobDeps } from "../../packages/worker/src/reboot-job.ts";
import { RebootProcessor } from "../../packages/worker/src/reboot-processor.ts";
import type { Incarnation } from "./incarnation.ts";
import { travel } from "./network.ts";
import type { Taken } from "./sim-queue.ts";
import type { World } from "./world.ts";

/** Reboot jobs that one worker works on at once. */
const REBOOT_SLOTS = 2;

/** Starts the real code of a worker in this incarnation: evaluation, pending reboots, the ledger's sign of life. */
export function startWorker(world: World, process: Incarnation): void {
  const { settings, queues: queue } = world;
  const { clock } = process;
  const { policy } = settings;
  const rules: Rules = { checkers: createCheckers(policy), policy };
  const asked = { node: "" };
  const journal = journalOf(world, process, asked);
  const evaluator = new Evaluator({
    store: world.redisFor(process, "evaluate"),
    queues: world.queuesFor(process, "evaluate"),
    journal,
    rules,
    chunk: settings.chunk,
  });
  // Monitor-only has no ledger; it is given a cloud all the same, to see that it is never called (I5).
  const ledger = policy.monitorOnly ? undefined : ledgerGate(world, process);
  const store = world.redisFor(process, "reboot");
  const processor = new RebootProcessor({
    store,
    reader: world.readerFor(process, "reboot"),
    fleet: new FleetWatch({
      lister: world.listerFor(process),
      store,
      selects: (node) => world.selects(node),
      rules,
      clock,
      shared: settings.fleetShared,
      oldest: 6 * settings.readDeadline,
    }),
    selects: (node) => world.selects(node),
    ledger,
    evidence: new MemoryEvidenceReader(),
    executor: world.cloudFor(process, () => asked.node),
    brake: new CallBrake(clock, policy.limits),
    plans: world.plansFor(process, "reboot"),
    // No worker here was told its node.
    whereabouts: { hosting: async () => undefined },
    journal,
    rules,
    clock,
    timings: {
      ...settings,
      retryPause: settings.blockedRetry,
      planStale: 10 * settings.plan,
      flight: settings.sendDeadline + settings.callDeadline + settings.ledger.margin,
    },
    newToken: () => world.nextToken(),
    lateness: { watch: () => ({ late: () => 0, [Symbol.dispose]: () => undefined }) },
    onMissed: () => undefined,
    jitter: async (most) => process.hop(world.random.between(0, most)),
  });
  const jobDeps: RebootJobDeps = {
    processor,
    store,
    journal,
    clock,
    minPause: settings.minPause,
    lockDuration: settings.lock,
    retryPause: settings.gateRecheck,
  };
  queue.evaluateWith(process, async (shard) => {
    await evaluator.run(shard).catch(() => undefined);
  });
  for (let slot = 0; slot < REBOOT_SLOTS; slot += 1) {
    queue.rebootWith(process, async (taken) => runJob(world, process, taken, jobDeps));
  }
  if (ledger !== undefined) void keepLedgerAlive(world, process, ledger);
  const planner = new Planner({
    store: world.redisFor(process, "plan"),
    plans: world.plansFor(process, "plan"),
    queue: world.rebootQueueFor(process),
    ledger,
    selects: (node) => world.selects(node),
    rules,
    journal,
    clock,
    interval: settings.plan,
    readDeadline: settings.readDeadline,
  });
  void keepPlanning(world, process, planner);
}

function ledgerGate(world: World, process: Incarnation): LedgerGate {
  const { settings } = world;
  return new LedgerGate({
    ledger: world.ledgerFor(process),
    memory: world.memoryFor(process),
    clock: process.clock,
    policy: settings.policy,
    timings: settings.ledger,
    self: process.name,
    jitter: async (most) => process.hop(world.random.between(0, most)),
  });
}

/** As `start-reboots.ts` does. */
async function keepLedgerAlive(world: World, process: Incarnation, ledger: LedgerGate): Promise<void> {
  const store = world.redisFor(process, "beat");
  while (process.alive) {
    try {
      const view = await store.view().catch(() => undefined);
      await (view === undefined ? ledger.watch() : ledger.beat(view.now));
    } catch {
      // A real worker logs it and goes on.
    }
    await process.hop(world.settings.ledger.heartbeatMaxAge / 6);
  }
}

/** As the planner's own loop does, for as long as this process lives. */
async function keepPlanning(world: World, process: Incarnation, planner: Planner): Promise<void> {
  const plans = world.plansFor(process, "plan");
  while (process.alive) {
    try {
      if (await plans.takeTurn(0.9 * world.settings.plan)) await planner.tick(new AbortController().signal);
    } catch {
      // A real worker logs it and goes on.
    }
    await process.hop(world.settings.plan);
  }
}

/** One activation of a job, as BullMQ's worker runs it. */
async function runJob(world: World, process: Incarnation, taken: Taken, deps: RebootJobDeps): Promise<void> {
  const { job, token } = taken;
  const { queues, weather, network } = world;
  const call = async <T>(method: string, operation: () => T): Promise<T> =>
    travel(async () => operation(), { process, part: "reboot", method }, weather.redis, network);
  const handle = {
    name: job.node,
    data: { schema: 1, node: job.node },
    get progress() {
      return job.progress;
    },
    updateProgress: async (progress: RebootProgress) =>
      call("updateProgress", () => {
        network.story.tell(
          () => `${process.name} ${job.node}: ${progress.phase}, ${progress.waitsFor}: ${progress.why}`,
        );
        job.progress = progress;
      }),
    extendLock: async () => call("extendLock", () => (queues.holds(taken) ? 1 : 0)),
    log: async () => undefined,
    moveToDelayed: async (at: number) =>
      call("moveToDelayed", () => {
        // The queue keeps the time that the caller's clock named, right or wrong.
        if (!queues.delay(taken, at)) throw new Error("Missing lock");
      }),
  };
  try {
    const end = await runRebootJob(
      handle as unknown as Job<RebootJob>,
      token,
      new AbortController().signal,
      deps,
    );
    network.story.tell(() => `${process.name} ${job.node} ends: ${end}`);
    queues.finish(taken);
  } catch (error) {
    // BullMQ lets a job fail that throws anything else; the resync makes it anew.
    if (!(error instanceof DelayedError)) queues.finish(taken);
  }
}

function journalOf(
  { network: { story }, outcomes }: World,
  process: Incarnation,
  asked: { node: string },
): Journal {
  return {
    judged: ({ node, before, after }) => {
      if (before?.phase === after?.phase) return;
      story.tell(
        () => `${process.name} judges ${node}: ${before?.phase ?? "none"} -> ${after?.phase ?? "none"}`,
      );
    },
    held: () => undefined,
    requested: (record, { instanceId }) => {
      asked.node = record.name;
      story.tell(() => `${process.name} has the intent for ${record.name} (${instanceId})`);
    },
    answered: (record, { outcome, detail }) => {
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      story.tell(() => `${process.name} ${record.name}: ${outcome}, ${detail}`);
    },
    recalled: (_, { name, lastReboot }) => {
      outcomes.set("Recalled", (outcomes.get("Recalled") ?? 0) + 1);
      story.tell(() => `${process.name} ${name}: recalled reboot ${lastReboot?.number ?? 0} from the ledger`);
    },
    verified: (record, verification) => {
      outcomes.set(verification, (outcomes.get(verification) ?? 0) + 1);
      story.tell(() => `${process.name} ${record.name}: ${verification}`);
    },
    fault: (reason, detail, node) => story.tell(() => `${process.name} ${node ?? ""} ${reason}: ${detail}`),
  };
}
