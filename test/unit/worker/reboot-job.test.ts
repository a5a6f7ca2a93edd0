import { DelayedError, type Job } from "bullmq";
import { beforeEach, describe, expect, test } from "vitest";
import type { RebootJob } from "../../../packages/shared/src/contract/queues.ts";
import { DAY, MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { RedisError } from "../../../packages/shared/src/redis/redis-error.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { runRebootJob, type RebootJobDeps } from "../../../packages/worker/src/reboot-job.ts";
import type { RebootRun } from "../../../packages/worker/src/reboot-transaction.ts";
import { WINDOW, World } from "./world.ts";

let world: World;
beforeEach(() => {
  world = new World();
});

/** What runRebootJob touches of a BullMQ job. */
class FakeJob {
  readonly name: string;
  data: unknown;
  progress: unknown = 0;
  readonly logs: string[] = [];
  readonly delayedTo: number[] = [];
  fault: Error | undefined;

  constructor(node: string) {
    this.name = node;
    this.data = { schema: 1, node };
  }

  updateProgress = async (progress: object): Promise<void> => {
    if (this.fault !== undefined) throw this.fault;
    this.progress = progress;
  };
  /** Another worker has taken the job meanwhile. */
  lost = false;
  extendLock = async (): Promise<number> => (this.lost ? 0 : 1);
  log = async (line: string): Promise<number> => this.logs.push(line);
  moveToDelayed = async (at: number): Promise<void> => {
    this.delayedTo.push(at);
  };
}

const TIMES = { minPause: SECOND, retryPause: 20 * SECOND, lockDuration: 30 * SECOND };

/** Runs one activation; `undefined`: the job sleeps again, else its result. */
async function activate(job: FakeJob, over: Partial<RebootJobDeps> = {}): Promise<string | undefined> {
  const { store, journal, clock } = world;
  const deps = { processor: world.processor(), store, journal, clock, ...TIMES, ...over };
  try {
    const signal = new AbortController().signal;
    return await runRebootJob(job as unknown as Job<RebootJob>, "lock", signal, deps);
  } catch (error) {
    if (error instanceof DelayedError) return undefined;
    throw error;
  }
}

const waiting = (
  over: Partial<Extract<RebootRun, { step: "WaitUntil" }>> = {},
): RebootJobDeps["processor"] => ({
  run: async () => ({
    step: "WaitUntil",
    at: world.clock.now() + MINUTE,
    gate: "Threshold",
    why: "not yet",
    record: undefined,
    ...over,
  }),
});

test("what a worker that has lost the job would say is not written over the word of its new holder", async () => {
  const job = new FakeJob("node-1");
  await activate(job, { processor: waiting() });
  const { progress } = job;
  job.lost = true;
  await activate(job, { processor: waiting({ gate: "Ledger", why: "ClockSkew" }) });
  expect(job.progress).toEqual(progress);
  expect(job.logs).toHaveLength(1);
});

describe("a pending reboot that waits", () => {
  test("sleeps for as long as the processor says and tells what for", async () => {
    await world.due();
    const job = new FakeJob("node-1");
    expect(await activate(job)).toBeUndefined();
    expect(job.delayedTo).toEqual([world.clock.now() + WINDOW]);
    expect(job.progress).toMatchObject({ phase: "WaitingReboot", waitsFor: "WaitWindow", attempts: 1 });
    expect(job.logs).toHaveLength(1);
    expect(world.journal.count("held")).toBe(1);
  });

  test("says the same thing once, however often it is asked", async () => {
    await world.due();
    const job = new FakeJob("node-1");
    const processor = waiting();
    for (let i = 0; i < 5; i += 1) await activate(job, { processor });
    expect(job.logs).toHaveLength(1);
    expect(world.journal.count("held")).toBe(1);
    await activate(job, { processor: waiting({ why: "something else" }) });
    expect(job.logs).toHaveLength(2);
  });

  test("counts the changes of what it waits for, and tells the count; other words are no change", async () => {
    await world.due();
    const record = await world.record();
    const job = new FakeJob("node-1");
    const second =
      record?.incident === undefined ? record : { ...record, incident: { ...record.incident, attempts: 2 } };
    const runs: Parameters<typeof waiting>[0][] = [
      { record },
      { record, why: "other words" },
      { record, gate: "Blind" },
      { record },
      { record: second },
    ];
    const counted: unknown[] = [];
    for (const run of runs) {
      await activate(job, { processor: waiting(run) });
      counted.push((job.progress as { changes?: number }).changes);
    }
    expect(counted).toEqual([1, 1, 2, 3, 4]);
    const told = world.journal.lines.filter(({ kind }) => kind === "held").map(({ args }) => args[3]);
    expect(told.slice(0, 4)).toEqual([1, 1, 2, 3]);
  });

  test("never looks again before the shortest pause: a skewed clock must not make a hot loop", async () => {
    const job = new FakeJob("node-1");
    for (const span of [0, -5 * MINUTE, 3]) {
      await activate(job, { processor: waiting({ at: world.clock.now() + span }) });
    }
    expect(new Set(job.delayedTo)).toEqual(new Set([world.clock.now() + SECOND]));
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 1e300])(
    "for %d ms, which only damaged bytes can lead to, looks again within a day",
    async (span) => {
      const job = new FakeJob("node-1");
      const processor = waiting({ at: world.clock.now() + span });
      expect(await activate(job, { processor })).toBeUndefined();
      const [at = Number.NaN] = job.delayedTo;
      expect(at - world.clock.now()).toBeGreaterThanOrEqual(SECOND);
      expect(at - world.clock.now()).toBeLessThanOrEqual(DAY);
      expect(world.journal.count("held")).toBe(1);
    },
  );
});

describe("whatever goes wrong", () => {
  test("in the processor, the job sleeps and is tried again", async () => {
    const job = new FakeJob("node-1");
    const processor = {
      run: async () => {
        throw new Error("READONLY");
      },
    };
    expect(await activate(job, { processor })).toBeUndefined();
    expect(job.delayedTo).toEqual([world.clock.now() + 20 * SECOND]);
    expect(world.journal.count("fault")).toBe(1);
  });

  test("in telling what it waits for, the job sleeps all the same", async () => {
    await world.due();
    const job = new FakeJob("node-1");
    job.fault = new Error("OOM command not allowed");
    expect(await activate(job)).toBeUndefined();
    expect(job.delayedTo).toEqual([world.clock.now() + WINDOW]);
    expect(world.journal.count("fault")).toBe(1);
  });

  test.each([
    ["Redis", new RedisError("connection lost")],
    ["Unexpected", new TypeError("a fault of ours")],
  ])("in the run is told by its name (%s), and the job sleeps all the same", async (reason, error) => {
    const job = new FakeJob("node-1");
    const processor = { run: async () => Promise.reject(error) };
    expect(await activate(job, { processor })).toBeUndefined();
    const faults = world.journal.lines.filter(({ kind }) => kind === "fault");
    expect(faults.map(({ args }) => args)).toEqual([[reason, error.message, "node-1"]]);
  });

  test("in the look before, the job sleeps all the same", async () => {
    const job = new FakeJob("node-1");
    const store = {
      view: async () => {
        throw new Error("connection lost");
      },
    };
    const record = (await world.due(), await world.record());
    expect(await activate(job, { store, processor: waiting({ record }) })).toBeUndefined();
    expect(world.journal.count("fault")).toBe(1);
  });

  test.each([
    {},
    undefined,
    { schema: 2, node: "n" },
    { schema: 1, node: "" },
    { schema: 1, node: "x".repeat(254) },
  ])("with the payload %j the job ends without a look", async (data) => {
    const job = new FakeJob("node-1");
    job.data = data;
    expect(await activate(job)).toBe("not a reboot job");
    expect(world.journal.count("fault")).toBe(1);
  });
});

describe("a node that recovered", () => {
  test("ends its pending reboot", async () => {
    await world.due();
    await world.seeAndJudge(aNode());
    const job = new FakeJob("node-1");
    expect(await activate(job)).toContain("NothingFailing");
    expect(job.delayedTo).toEqual([]);
    expect(job.progress).toMatchObject({ waitsFor: "nothing", phase: "Healthy" });
  });
});
