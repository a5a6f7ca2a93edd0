import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { SHARDS } from "@node-agent/shared/contract/keys.ts";
import { EVALUATE_JOB, QUEUES, type EvaluateJob } from "@node-agent/shared/contract/queues.ts";
import { eventually } from "../support/eventually.ts";
import { poolsOf } from "./fleet.ts";
import { thresholds } from "./settings.ts";
import type { System } from "./system.ts";
import { useSystem } from "./system-of-file.ts";

const SICK = 500;
const REPLACED = 50;
const STALE_JOBS = 10_000;
/** Nothing is due while the backlog is made; everything is when the workers come back. */
const PATIENT = thresholds("10m");
const HASTY = thresholds("1s");

const system = useSystem({ pools: poolsOf(600), workers: 2, config: PATIENT });

test.each([
  ["watchers saw them heal", false],
  ["nobody saw them heal: the watchers were away, too", true],
])(
  "a backlog of jobs for nodes that are well again leads to no call; %s",
  async (_, watchersAway) => {
    const it = system();
    const { simulator, rebootQueue } = it;
    await setThresholds(it, PATIENT);
    const sick = await breakNodes(it);
    await eventually(async () => expect(await rebootQueue.getDelayedCount()).toBe(SICK), {
      within: 60_000,
      every: 200,
    });
    const away = watchersAway ? it.slots : it.of("worker");
    await Promise.all(away.map(async (slot) => slot.kill()));

    for (const node of sick.slice(REPLACED)) await simulator.heal(node);
    for (const node of sick.slice(0, REPLACED)) await simulator.command({ do: "replace", node });
    await using evaluations = evaluationQueue(it);
    await evaluations.queue.addBulk(
      Array.from({ length: STALE_JOBS }, (__, i) => ({
        name: EVALUATE_JOB,
        data: { schema: 1 as const, shard: i % SHARDS },
        opts: { removeOnComplete: true },
      })),
    );
    await rebootQueue.promoteJobs({ count: SICK });
    expect(await rebootQueue.getJobCountByTypes("waiting", "prioritized")).toBe(SICK);
    const before = (await simulator.reboots()).length;

    for (const slot of away) slot.start(HASTY);
    await eventually(
      async () => {
        expect(await evaluations.queue.getJobCountByTypes("waiting", "active", "delayed")).toBe(0);
        expect(await rebootQueue.getJobCountByTypes("waiting", "active", "delayed", "prioritized")).toBe(0);
      },
      { within: 120_000, every: 500 },
    );
    expect((await simulator.reboots()).length - before).toBe(0);
    expect((await simulator.requests("civo")).filter(({ method }) => method === "POST")).toHaveLength(before);

    // And it was not that they could not.
    const [node = ""] = sick;
    await simulator.break(node, "not-ready");
    await eventually(async () => expect(await simulator.node(node)).toMatchObject({ healthy: true }), {
      within: 60_000,
      every: 200,
    });
    expect((await simulator.reboots()).length - before).toBe(1);
  },
  240_000,
);

/** Breaks many nodes of every pool, never a whole one. */
async function breakNodes({ simulator }: System): Promise<string[]> {
  const names = (await simulator.truth()).map(({ name }) => name).filter((name) => !name.endsWith("0"));
  const sick = names.slice(0, SICK);
  for (const node of sick) await simulator.break(node, "not-ready", { curedByReboot: false });
  return sick;
}

/** All workers start anew with these thresholds. */
async function setThresholds({ of }: System, config: typeof PATIENT): Promise<void> {
  for (const slot of of("worker")) {
    await slot.kill();
    slot.start(config);
  }
}

function evaluationQueue({ redis, keys }: System) {
  const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
  const queue = new Queue<EvaluateJob>(QUEUES.nodeSnapshots, { connection, prefix: keys.prefix });
  return {
    queue,
    [Symbol.asyncDispose]: async () => {
      await queue.close();
      connection.disconnect();
    },
  };
}
