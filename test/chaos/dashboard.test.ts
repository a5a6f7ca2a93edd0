import type { Job } from "bullmq";
import { expect, test } from "vitest";
import type { RebootJob } from "@node-agent/shared/contract/queues.ts";
import { Random } from "../../packages/simulator/src/world/random.ts";
import { eventually } from "../support/eventually.ts";
import { oracleRules, poolsOf } from "./fleet.ts";
import { judgeReboots, violationsOf } from "./oracle.ts";
import { SPANS, thresholds } from "./settings.ts";
import type { System } from "./system.ts";
import { useSystem } from "./system-of-file.ts";

const SICK = 30;
const ABUSES = 1000;
const THRESHOLD = 6000;
const SEED = 20_262;

const system = useSystem({ pools: poolsOf(80), workers: 2, config: thresholds(`${THRESHOLD}ms`) });

test("whatever a queue dashboard does to pending reboots 1,000 times, none comes before its time", async () => {
  const it = system();
  const { simulator } = it;
  const random = new Random(SEED);
  // Every other one: a pool that is down as a whole is not rebooted.
  const names = (await simulator.truth()).map(({ name }) => name).filter((_, i) => i % 2 === 0);
  const brokenAt = new Map<string, number>();
  for (const node of names.slice(0, SICK)) {
    brokenAt.set(node, Date.now());
    await simulator.break(node, "not-ready", { curedByReboot: false });
  }
  await expectAllPending(it);
  let done = 0;
  while (done < ABUSES) done += (await abuse(it, random)) ? 1 : 0;

  // And none of them was lost: each is rebooted in its time, also those that nobody had come to yet.
  await eventually(async () => expect((await simulator.reboots()).length).toBeGreaterThan(SICK), {
    within: 90_000,
    every: 500,
  });
  const reboots = await simulator.reboots();
  const early = reboots.filter(
    ({ node, requestAt }) => requestAt < (brokenAt.get(node) ?? Infinity) + THRESHOLD,
  );
  expect(early, `seed ${SEED}`).toEqual([]);
  // No reply is lost here, so the window of the ledger is kept in full, and not only the wait in it.
  const window = SPANS.wait.standard + SPANS.clockSkew + SPANS.margin;
  const verdict = judgeReboots(reboots, oracleRules({ waitOf: () => window }));
  expect(violationsOf(verdict), `seed ${SEED}`).toEqual([]);
}, 240_000);

test("pending reboots that were deleted, drained or obliterated are back with the next resync", async () => {
  const it = system();
  const { rebootQueue } = it;
  // One that a worker runs at this moment cannot be removed: then another one.
  await eventually(async () => {
    const [one] = await rebootQueue.getDelayed(0, 0);
    await one?.remove();
  });
  await expectAllPending(it);
  await rebootQueue.drain(true);
  await expectAllPending(it);
  await rebootQueue.obliterate({ force: true });
  await expectAllPending(it);
}, 60_000);

/** Each sick node has its job, some resyncs later at most. */
async function expectAllPending(it: System): Promise<void> {
  const sick = (await it.simulator.truth()).filter(({ healthy }) => !healthy).map(({ name }) => name);
  await eventually(
    async () => {
      const pending = new Set((await it.pendingReboots()).map((job) => job?.name));
      expect(sick.filter((node) => !pending.has(node))).toEqual([]);
    },
    { within: 15 * SPANS.resync, every: 50 },
  );
}

/** One click of somebody who means well. False: the job had gone meanwhile, and the click came to nothing. */
async function abuse({ rebootQueue }: System, random: Random): Promise<boolean> {
  const states = ["delayed", "waiting", "active", "completed", "failed"] as const;
  const jobs: (Job<RebootJob> | undefined)[] = await rebootQueue.getJobs([...states], 0, 200);
  const job = jobs[random.integer(jobs.length)];
  if (job === undefined) return false;
  const choice = random.next();
  try {
    if (choice < 0.5) await job.promote();
    else if (choice < 0.7) await job.remove();
    else if (choice < 0.85) await job.retry("completed");
    else if (choice < 0.9) await job.changeDelay(0);
    else if (choice < 0.97) await rebootQueue.promoteJobs();
    else if (choice < 0.99) await rebootQueue.clean(0, 100, "completed");
    else await rebootQueue.drain(true);
    return true;
  } catch {
    // The state of the job does not allow it: what a dashboard shows as an error.
    return false;
  }
}
