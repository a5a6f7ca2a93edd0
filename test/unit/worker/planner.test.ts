import { beforeEach, describe, expect, test } from "vitest";
import { censusOf } from "../../../packages/shared/src/core/plan/census.ts";
import { OPT_OUT_ANNOTATION } from "../../../packages/shared/src/core/pause.ts";
import { MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { MemoryRebootQueue } from "../../../packages/shared/src/testing/memory-reboot-queue.ts";
import { Planner } from "../../../packages/worker/src/planner.ts";
import { World } from "./world.ts";

const NEVER = new AbortController().signal;
const INTERVAL = 3 * SECOND;

let world: World;
let queue: MemoryRebootQueue;
beforeEach(() => {
  world = new World();
  queue = new MemoryRebootQueue();
});

function planner(): Planner {
  const { store, plans, rules, journal, clock } = world;
  const ledger = world.ledgerGate();
  return new Planner({
    store,
    plans,
    queue,
    ledger,
    selects: (node) => world.selects(node),
    rules,
    journal,
    clock,
    interval: INTERVAL,
    readDeadline: SECOND,
  });
}

/** Nodes of a pool of their own that are due, each with a pending reboot that sleeps for `sleeps`. */
async function due(names: readonly string[], sleeps = 10 * MINUTE): Promise<void> {
  await world.store.beat(0);
  for (const name of names) await world.seeAndJudge(aNode(name).pool("blue"));
  for (const name of names) {
    await world.seeAndJudge(aNode(name).pool("blue").notReady());
    world.clock.advance(2 * MINUTE);
    await world.store.beat(0);
  }
  await world.watch(5 * MINUTE);
  const well = Array.from({ length: 40 }, (_, i) => aNode(`well-${i}`).pool("blue").snapshot());
  world.reader.set(...well);
  world.plans.told = censusOf(world.reader.nodes.values());
  for (const name of names)
    queue.jobs.set(name, {
      id: name,
      node: name,
      state: "Delayed",
      at: world.clock.now() + sleeps,
      progress: 0,
    });
}

const progressOf = (name: string): unknown => queue.jobs.get(name)?.progress;

describe("one tick", () => {
  test("wakes the oldest, publishes it, and shows in the others what holds them", async () => {
    await due(["b", "a"]);
    await planner().tick(NEVER);
    expect(queue.woken).toEqual(["b"]);
    expect(world.plans.plan).toEqual({ at: world.clock.now(), proceed: ["b"] });
    expect(progressOf("a")).toMatchObject({ waitsFor: "Limit", by: "plan", changes: 1, phase: "Unhealthy" });
    expect(progressOf("b")).toBe(0);
    expect(world.journal.count("held")).toBe(1);
  });

  test("tells a hold once, however its words change and however often it is planned", async () => {
    await due(["b", "a"]);
    for (let i = 0; i < 5; i += 1) {
      await planner().tick(NEVER);
      world.clock.advance(INTERVAL);
      await world.store.beat(0);
    }
    expect(world.journal.count("held")).toBe(1);
    expect(progressOf("a")).toMatchObject({ changes: 1 });
  });

  test("reads the ledger once for all of them, and neither nodes nor the cloud", async () => {
    await due(["d", "c", "b", "a"]);
    let reads = 0;
    const gate = world.ledgerGate();
    const ledger = {
      open: async (...args: Parameters<typeof gate.open>) => {
        reads += 1;
        return gate.open(...args);
      },
    };
    const { store, plans, rules, journal, clock } = world;
    const deps = { store, plans, queue, ledger, rules, journal, clock, selects: () => true };
    await new Planner({ ...deps, interval: INTERVAL, readDeadline: SECOND }).tick(NEVER);
    expect(reads).toBe(1);
  });

  test("asks for no ledger while nothing is due", async () => {
    await world.store.beat(0);
    await world.seeAndJudge(aNode("a"));
    await world.seeAndJudge(aNode("a").notReady());
    const ledger = {
      open: async () => {
        throw new Error("asked");
      },
    };
    const { store, plans, rules, journal, clock } = world;
    const deps = { store, plans, queue, ledger, rules, journal, clock, selects: () => true };
    const made = await new Planner({ ...deps, interval: INTERVAL, readDeadline: SECOND }).tick(NEVER);
    expect(made.held).toMatchObject([{ gate: "Threshold" }]);
    expect(journal.count("fault")).toBe(0);
  });

  test("leaves a reboot alone that runs now, or runs anyway", async () => {
    await due(["b"]);
    queue.jobs.set("b", { id: "b", node: "b", state: "Active", progress: 0 });
    await planner().tick(NEVER);
    expect(queue.woken).toEqual([]);
  });

  test("holds with the reason when the ledger cannot be read, and says so once in the journal", async () => {
    await due(["b"]);
    const ledger = {
      open: async () => {
        throw new Error("answered 503");
      },
    };
    const { store, plans, rules, journal, clock } = world;
    const deps = { store, plans, queue, ledger, rules, journal, clock, selects: () => true };
    await new Planner({ ...deps, interval: INTERVAL, readDeadline: SECOND }).tick(NEVER);
    expect(queue.woken).toEqual([]);
    expect(progressOf("b")).toMatchObject({ waitsFor: "Ledger", why: "answered 503" });
    expect(journal.count("fault")).toBe(1);
  });
});

describe("a due repair", () => {
  test("that the latest plan holds reads nothing of the world, and sleeps", async () => {
    await due(["b", "a"]);
    await planner().tick(NEVER);
    const points: string[] = [];
    const deps = world.processorDeps(async (point, call) => {
      points.push(point);
      return call();
    });
    expect(await world.processor(deps).run("a", NEVER)).toMatchObject({ step: "Held" });
    expect(points.filter((point) => !point.startsWith("store.get") && point !== "plans.latest")).toEqual([]);
    expect(world.executor.calls).toEqual([]);
  });

  test("that the latest plan lets proceed is called", async () => {
    await due(["b", "a"]);
    await planner().tick(NEVER);
    expect(await world.run("b")).toMatchObject({ gate: "WaitWindow" });
    expect(world.rebooted).toEqual(["b"]);
  });

  test("looks for itself when no plan was made for long", async () => {
    await due(["b", "a"]);
    await planner().tick(NEVER);
    await world.watch(MINUTE);
    await world.run("a");
    expect(world.rebooted).toEqual(["a"]);
  });

  test("may be held by a plan, never permitted: every gate is asked again", async () => {
    await due(["b", "a"]);
    world.plans.plan = { at: world.clock.now(), proceed: ["a", "b"] };
    await world.run("b");
    expect(await world.run("a")).toMatchObject({ gate: "Limit" });
    expect(world.rebooted).toEqual(["b"]);
  });

  test("is woken by the plan that finds its hold ended", async () => {
    await due(["b"]);
    const broken = aNode("b").pool("blue").notReady();
    await world.seeAndJudge(broken.annotation(OPT_OUT_ANNOTATION, "true"));
    await planner().tick(NEVER);
    expect(progressOf("b")).toMatchObject({ waitsFor: "OptOut" });
    expect(queue.woken).toEqual([]);
    await world.seeAndJudge(aNode("b").pool("blue").notReady());
    await planner().tick(NEVER);
    expect(queue.woken).toEqual(["b"]);
  });
});

test("one worker plans at a time: the turn is taken for most of an interval", async () => {
  expect(await world.plans.takeTurn(INTERVAL)).toBe(true);
  expect(await world.plans.takeTurn(INTERVAL)).toBe(false);
  world.clock.advance(INTERVAL);
  expect(await world.plans.takeTurn(INTERVAL)).toBe(true);
});

test("a worker that takes no repair jobs plans nothing either, and takes no turn from another", async () => {
  const { store, plans, rules, journal, clock } = world;
  const rest = { queue, ledger: undefined, selects: () => true, interval: INTERVAL, readDeadline: SECOND };
  const stop = new AbortController();
  const held = new Planner({ store, plans, rules, journal, clock, ...rest, mayPlan: () => false });
  const running = held.run(stop.signal);
  stop.abort();
  await running;
  expect(await plans.takeTurn(INTERVAL)).toBe(true);
});

test("a limit that a transaction found is asked again by the next plan, and not remembered", async () => {
  await due(["b"]);
  const until = new Date(world.clock.now() + MINUTE).toISOString();
  const said = { phase: "Unhealthy", why: "1 open in the cluster", until };
  const sleeping = { id: "b", node: "b", state: "Delayed", at: world.clock.now() + MINUTE } as const;
  queue.jobs.set("b", { ...sleeping, progress: { ...said, waitsFor: "Cloud" } });
  expect((await planner().tick(NEVER)).held).toMatchObject([{ node: "b", gate: "Cloud" }]);
  queue.jobs.set("b", { ...sleeping, progress: { ...said, waitsFor: "Limit" } });
  expect((await planner().tick(NEVER)).proceed).toMatchObject([{ node: "b" }]);
});

test("the reboot of a node that needs none any more is woken to end; one that waits for a proof is not", async () => {
  await world.store.beat(0);
  const at = world.clock.now() + 9 * MINUTE;
  const job = (node: string, waitsFor: string): void => {
    const progress = { phase: "Unhealthy", waitsFor, why: "" };
    queue.jobs.set(node, { id: node, node, state: "Delayed", at, progress });
  };
  job("gone", "Breaker");
  // It recovered while its job ran, which then went to sleep.
  job("recovered", "WaitWindow");
  job("well", "Verifying");
  await planner().tick(NEVER);
  expect(queue.woken).toEqual(["gone", "recovered"]);
});

test("the reboot that no checker asks for any more is woken to end", async () => {
  await due(["a"]);
  const { policy } = world.rules;
  const NodeReady = { ...policy.checkers.NodeReady, action: "None" } as const;
  world.rules = { ...world.rules, policy: { ...policy, checkers: { ...policy.checkers, NodeReady } } };
  const progress = { phase: "Unhealthy", waitsFor: "Threshold", why: "" };
  queue.jobs.set("a", { id: "a", node: "a", state: "Delayed", at: world.clock.now() + 9 * MINUTE, progress });
  const { idle } = await planner().tick(NEVER);
  expect(idle).toEqual(["a"]);
  expect(queue.woken).toEqual(["a"]);
});

test("the reboot of a node that was given up is woken to end, whatever it said before", async () => {
  await due(["a"]);
  const cell = world.store.records.get("a")!;
  const { incident, ...record } = JSON.parse(cell.json) as { incident: object };
  const given = { ...record, phase: "Failed", incident: { ...incident, attempts: 99 } };
  world.store.records.set("a", { ...cell, json: JSON.stringify(given) });
  const progress = { phase: "Unhealthy", waitsFor: "NothingFailing", why: "" };
  const at = world.clock.now() + 9 * MINUTE;
  queue.jobs.set("a", { id: "a", node: "a", state: "Delayed", at, progress });
  await planner().tick(NEVER);
  expect(queue.woken).toEqual(["a"]);
});
