import { DelayedError, type Job } from "bullmq";
import { beforeEach, describe, expect, test } from "vitest";
import { shardOf } from "@node-agent/shared/contract/keys.ts";
import type { RebootJob } from "@node-agent/shared/contract/queues.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import type { GateName } from "@node-agent/shared/core/gates/gate.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { MemoryEventRecorder } from "@node-agent/shared/testing/memory-event-recorder.ts";
import { createEventJournal } from "../../../packages/worker/src/event-journal.ts";
import { EventOutbox } from "../../../packages/worker/src/event-outbox.ts";
import type { Journal } from "../../../packages/worker/src/journal.ts";
import { runRebootJob, type RebootJobDeps } from "../../../packages/worker/src/reboot-job.ts";
import { memoryLogger } from "../runtime/log-lines.ts";
import { World } from "./world.ts";

let world: World;
let recorder: MemoryEventRecorder;
/** Two workers: each has a journal and an outbox of its own, and both tell the same cluster. */
let workers: Journal[];

function start(policy?: ConstructorParameters<typeof World>[0]): void {
  world = new World(policy);
  recorder = new MemoryEventRecorder();
  workers = [0, 1].map(() => {
    const { clock, journal } = world;
    const { logger } = memoryLogger();
    const outbox = new EventOutbox({ recorder, clock, logger, metrics: { observeEvent: () => undefined } });
    return createEventJournal(journal, { outbox, clock });
  });
}
beforeEach(() => start());

async function settled(): Promise<void> {
  for (let i = 0; i < 1000; i += 1) await Promise.resolve();
}

/** What was told so far: the reason and the first word of the message. */
async function told(): Promise<string[]> {
  await settled();
  return recorder.told.map((line) => line.replace(/^(?<start>\w+: (?:monitor-only: )?\w+).*$/u, "$<start>"));
}

/** The parts of a BullMQ job that its workers share: `progress` lives in Redis. */
function aJob(progress: { value: unknown }, lost = false): Job<RebootJob> {
  return {
    name: "node-1",
    data: { schema: 1, node: "node-1" },
    progress: progress.value,
    updateProgress: async (next: object) => {
      if (lost) throw new Error("OOM command not allowed");
      progress.value = next;
    },
    log: async () => 0,
    moveToDelayed: async () => undefined,
  } as unknown as Job<RebootJob>;
}

/** A worker runs one activation of the job. */
async function activate(
  worker: number,
  job: Job<RebootJob>,
  processor: RebootJobDeps["processor"],
): Promise<void> {
  const [first, second] = workers;
  const journal = worker === 0 ? first : second;
  if (journal === undefined) throw new Error("no such worker");
  const { queues, store, clock } = world;
  const deps = {
    processor,
    queues,
    store,
    journal,
    clock,
    minPause: SECOND,
    retryPause: SECOND,
    lockDuration: 30_000,
  };
  try {
    await runRebootJob(job, "lock", new AbortController().signal, deps);
  } catch (error) {
    if (!(error instanceof DelayedError)) throw error;
  }
}

const heldBy = (gate: GateName, record: NodeRecord, why = "because"): RebootJobDeps["processor"] => ({
  run: async () => ({ step: "WaitUntil", at: world.clock.now() + MINUTE, gate, why, record }),
});

/** A record of node-1 in an incident. */
async function unhealthy(): Promise<NodeRecord> {
  await world.due();
  const record = await world.record();
  if (record === undefined) throw new Error("no record");
  return record;
}

describe("a change of the gate that holds a reboot", () => {
  test("is told once, whichever worker looks and however often", async () => {
    const record = await unhealthy();
    const progress = { value: 0 as unknown };
    for (let look = 0; look < 10; look += 1)
      await activate(look % 2, aJob(progress), heldBy("Blind", record, `view is ${look} s old`));
    expect(await told()).toEqual(["RebootHeld: Blind"]);
    // The journal that logs heard of every change of the words.
    expect(world.journal.count("held")).toBe(10);
  });

  test("is told again when a gate holds that held before", async () => {
    const record = await unhealthy();
    const progress = { value: 0 as unknown };
    for (const gate of ["Threshold", "Paused", "Paused", "Threshold", "Paused"] as const)
      await activate(0, aJob(progress), heldBy(gate, record));
    expect(await told()).toEqual([
      "RebootHeld: Threshold",
      "RebootHeld: Paused",
      "RebootHeld: Threshold",
      "RebootHeld: Paused",
    ]);
  });

  test("is told once by two workers that run the same job at once", async () => {
    const record = await unhealthy();
    const progress = { value: 0 as unknown };
    await activate(0, aJob(progress), heldBy("Threshold", record));
    // A job that stalled runs twice: both read the progress before either wrote it.
    const [one, two] = [aJob(progress), aJob(progress)];
    await activate(0, one, heldBy("Breaker", record, "4 of 9"));
    await activate(1, two, heldBy("Breaker", record, "5 of 9"));
    expect(await told()).toEqual(["RebootHeld: Threshold", "RebootHeld: Breaker"]);
  });

  test("is told once while what the job says of itself cannot be stored", async () => {
    const record = await unhealthy();
    const progress = { value: 0 as unknown };
    for (let look = 0; look < 4; look += 1)
      await activate(look % 2, aJob(progress, true), heldBy("Blind", record));
    expect(await told()).toEqual(["RebootHeld: Blind"]);
  });

  test("is told of a progress that somebody forged all the same", async () => {
    const record = await unhealthy();
    for (const forged of [
      { waitsFor: "Blind", why: "", phase: "", changes: "x" },
      { changes: -1 },
      "text",
      null,
    ])
      await activate(0, aJob({ value: forged }), heldBy("Blind", record));
    expect(await told()).toEqual(["RebootHeld: Blind"]);
  });
});

/** The first worker runs the real transaction of node-1. */
async function runJob(progress: { value: unknown }): Promise<void> {
  const [journal] = workers;
  if (journal === undefined) throw new Error("no worker");
  await activate(0, aJob(progress), world.processor({ journal }));
}

/** The first worker judges node-1. */
async function judge(): Promise<void> {
  const [journal] = workers;
  if (journal === undefined) throw new Error("no worker");
  await world.evaluator({ journal }).run(shardOf("node-1"));
}

describe("the story of an incident", () => {
  test("that a reboot cured", async () => {
    const progress = { value: 0 as unknown };
    await world.store.beat(0);
    await world.seeAndJudge(aNode());
    await world.seeAndJudge(aNode().notReady());
    await runJob(progress);
    await world.watch(5 * MINUTE);
    await runJob(progress);
    await world.see(aNode().bootId("boot-2"));
    await judge();
    await world.watch(MINUTE);
    await runJob(progress);
    expect(await told()).toEqual([
      "RebootHeld: Threshold",
      "RebootRequested: requests",
      "RebootHeld: WaitWindow",
      "NodeRecovered: every",
      "RebootVerified: Cured",
    ]);
  });

  test("in monitor-only mode", async () => {
    start(DEFAULT_POLICY);
    await world.due();
    await runJob({ value: 0 });
    expect(await told()).toEqual([
      "RebootRequested: monitor-only: would",
      "RebootHeld: monitor-only: WaitWindow",
    ]);
    expect(world.rebooted).toEqual([]);
  });
});

test("a request under a grant says whose it is, in the Event and in the log", async () => {
  const record = await unhealthy();
  const grant = {
    id: "g",
    by: "ann",
    reason: "power is back",
    since: 0,
    until: 1,
    used: 1,
    width: 2,
    cured: 0,
  };
  workers[0]!.requested(record, { instanceId: "vm-1", hostname: "node-1" }, grant);
  await settled();
  expect(recorder.told.at(-1)).toMatch(/^RebootRequested: .*; under the grant of ann: power is back$/u);
  expect(world.journal.lines.at(-1)).toMatchObject({ kind: "requested", args: [{}, {}, { id: "g" }] });
});

test("an outbox that throws reaches no reboot: it is a fault, and the rest is told as ever", async () => {
  const outbox = {
    offer: () => {
      throw new Error("broken");
    },
  };
  const record = await unhealthy();
  const journal = createEventJournal(world.journal, { outbox, clock: world.clock });
  journal.requested(record, { instanceId: "vm-1", hostname: "node-1" });
  expect(world.journal.lines.slice(-2)).toMatchObject([
    { kind: "requested" },
    { kind: "fault", args: ["Unexpected", "event: broken", "node-1"] },
  ]);
});
