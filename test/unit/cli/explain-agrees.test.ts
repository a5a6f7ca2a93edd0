import { describe, expect, test } from "vitest";
import type { GateName } from "@node-agent/shared/core/gates/gate.ts";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { emptyLedger, withIntent, withOutcome, withPause } from "@node-agent/shared/core/ledger/steps.ts";
import type { LedgerOutcome } from "@node-agent/shared/core/ledger/ledger.ts";
import type { PauseScope } from "@node-agent/shared/core/pause.ts";
import { DEFAULT_POLICY, type RepairPolicy } from "@node-agent/shared/core/policy.ts";
import { DAY, HOUR, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import {
  explainNode,
  type ExplainedNode,
  type ExplainSources,
} from "@node-agent/shared/runtime/explain-node.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { LEDGER, World } from "../worker/world.ts";
import { limitsOfCounts } from "../../support/limits.ts";

const ACTIVE: RepairPolicy = { ...DEFAULT_POLICY, monitorOnly: false, blindGrace: 0 };

function sources(world: World, over: Partial<ExplainSources> = {}): ExplainSources {
  const { store, sequence, reader, lister, ledger, rules, clock } = world;
  return {
    store,
    memory: sequence,
    pending: async () => ({ state: "delayed", at: clock.now() + SECOND }),
    pausedQueues: async () => [],
    reader,
    lister,
    evidence: world.evidence,
    selects: () => true,
    ledger: rules.policy.monitorOnly ? undefined : ledger,
    rules,
    timings: LEDGER,
    clock,
    deadline: 10 * SECOND,
    workers: world.workers,
    redisNodes: [],
    redisAddresses: async () => [],
    ...over,
  };
}

async function ask(world: World, over: Partial<ExplainSources> = {}): Promise<ExplainedNode> {
  return explainNode("node-1", sources(world, over));
}

async function order(world: World, scope: PauseScope): Promise<void> {
  const pause = { since: world.clock.now(), by: "ann@desk", reason: "upgrade" };
  world.ledger.create(withPause(await world.readLedger(), scope, pause), world.clock.now() - DAY);
}

/** Reboots of other VMs, one each, begun `ago` and with this outcome. */
async function reboots(world: World, count: number, ago: number, outcome: LedgerOutcome): Promise<void> {
  let ledger = await world.readLedger();
  const writer = { by: "w", clocks: clocksOf([world.clock.now() - ago]) };
  for (let i = 0; i < count; i += 1) {
    const instanceId = `other-${i}`;
    const intent = {
      instanceId,
      node: instanceId,
      // The pool of the node asked about, where they count for its cure rate and hold no place.
      pool: outcome === "StillBad" ? "pool-1" : `pool-${i + 2}`,
      checker: "NodeReady",
      attempt: 1,
      token: "t",
      gpu: false,
    };
    ledger = withIntent(ledger, intent, 11 * MINUTE, writer);
    if (outcome !== "Intent") ledger = withOutcome(ledger, instanceId, "t", outcome, writer, LEDGER);
  }
  world.ledger.create(ledger, world.clock.now() - DAY);
}

const CORDONED = aNode().notReady().cordoned();

/** Something that holds the reboot of a node whose threshold has passed; the blocker that must be named. */
const SCENARIOS: [string, GateName, (world: World) => Promise<unknown> | void][] = [
  ["a recovery that nobody judged yet", "NothingFailing", async (world) => world.see(aNode())],
  ["a node that vanished", "NothingFailing", (world) => void world.reader.nodes.delete("node-1")],
  ["a pause of the fleet", "Paused", async (world) => order(world, { level: "fleet" })],
  ["a pause of its pool", "Paused", async (world) => order(world, { level: "pool", name: "pool-1" })],
  ["a pause of the node", "Paused", async (world) => order(world, { level: "node", name: "node-1" })],
  [
    "a pause by annotation",
    "Paused",
    async (world) => world.see(aNode().notReady().annotation("node-agent.civo.com/paused", "yes")),
  ],
  [
    "an opt-out",
    "OptOut",
    async (world) => world.see(aNode().notReady().annotation("node-agent.civo.com/opt-out", "true")),
  ],
  ["a cordon", "ForeignOwner", async (world) => world.see(CORDONED)],
  [
    "a taint of the autoscaler",
    "ForeignOwner",
    async (world) => world.see(aNode().notReady().taint("ToBeDeletedByClusterAutoscaler")),
  ],
  [
    "planned work of another controller",
    "PlannedWork",
    async (world) => world.see(aNode().notReady().label("nvidia.com/mig.config.state", "rebooting")),
  ],
  ["watchers that are away", "Blind", (world) => world.clock.advance(2 * MINUTE)],
  ["the wait after a reboot", "WaitWindow", async (world) => world.run()],
  [
    "a boot that was not ours",
    "Settle",
    async (world) => world.seeAndJudge(aNode().notReady().bootId("boot-2")),
  ],
  [
    "many nodes that fail at once",
    "Breaker",
    async (world) => {
      for (let i = 0; i < 5; i += 1) await world.see(aNode(`sick-${i}`).pool(`pool-${i}`).notReady());
    },
  ],
  ["a ledger that is missing", "Ledger", (world) => world.ledger.overwrite(undefined)],
  ["a ledger that is damaged", "Ledger", (world) => world.ledger.overwrite({ meta: "{" })],
  ["a ledger of another cluster", "Ledger", (world) => void (world.ledger.cluster = "cluster-2")],
  [
    "a ledger that is too young",
    "Ledger",
    (world) => world.ledger.create(emptyLedger("cluster-1", "x", world.clock.now()), world.clock.now()),
  ],
  ["a ledger that went back in time", "Ledger", (world) => void (world.sequence.highest = 1000)],
  [
    "a ledger that nobody wrote to",
    "Ledger",
    (world) =>
      world.ledger.create(emptyLedger("cluster-1", "x", world.clock.now() - HOUR), world.clock.now() - DAY),
  ],
  ["a limit of open repairs", "Limit", async (world) => reboots(world, 1, MINUTE, "Intent")],
  ["repairs that cured nothing", "CureRate", async (world) => reboots(world, 5, HOUR, "StillBad")],
  ["the API server", "NodeUnreadable", (world) => void (world.reader.fault = new Error("503"))],
];

/** A world in which the reboot of node-1 is due: enough healthy nodes for one sick node to be one sick node. */
async function dueWorld(policy: RepairPolicy = ACTIVE): Promise<World> {
  const world = new World(policy);
  for (let i = 0; i < 12; i += 1) await world.seeAndJudge(aNode(`well-${i}`).pool("pool-well"));
  await world.due();
  return world;
}

/** Redis runs on node-1, another node's reboot is open, and so many workers live. */
async function redisWorld(workers: number): Promise<{ world: World; over: Partial<ExplainSources> }> {
  const world = await dueWorld({ ...ACTIVE, limits: limitsOfCounts({ pool: 1 }) });
  await world.seeAndJudge(aNode("other").pool("pool-other"));
  await world.seeAndJudge(aNode("other").pool("pool-other").notReady());
  await world.watch(5 * MINUTE);
  await world.run("other");
  world.reader.addresses.set("node-1", ["10.42.1.0/24"]);
  for (let i = 1; i <= workers; i += 1)
    await world.workers.beat({ id: `worker-${i}`, node: `well-${i}`, monitorOnly: false });
  return { world, over: { redisAddresses: async () => ["10.42.1.17"] } };
}

describe("explain names the gate at which the worker stops, with", () => {
  test.each(SCENARIOS)("%s: %s", async (name, gate, arrange) => {
    const world = await dueWorld();
    await arrange(world);
    const { explanation } = await ask(world);
    expect(explanation.blocker?.gate, name).toBe(gate);
    const calls = world.executor.calls.length;
    const run = await world.run();
    expect(run, name).toMatchObject({ gate, why: explanation.blocker?.why });
    expect(world.executor.calls).toHaveLength(calls);
  });

  test("nothing: the worker calls", async () => {
    const world = await dueWorld();
    const { explanation } = await ask(world);
    expect(explanation).not.toHaveProperty("blocker");
    expect(explanation.next).toEqual({ step: "Reboot", at: world.clock.now() });
    await world.run();
    expect(world.executor.calls).toHaveLength(1);
  });

  test("a threshold that has not passed: the same gate until the same instant", async () => {
    const world = new World(ACTIVE);
    await world.store.beat(0);
    await world.seeAndJudge(aNode());
    await world.seeAndJudge(aNode().notReady());
    await world.watch(4 * MINUTE);
    const { explanation } = await ask(world);
    expect(explanation.blocker).toMatchObject({ gate: "Threshold", ends: true });
    const run = await world.run();
    expect(run).toMatchObject({ step: "WaitUntil", gate: "Threshold", at: explanation.blocker?.until });
    expect(explanation.next).toEqual({ step: "Reboot", at: world.clock.now() + MINUTE });
  });

  test("attempts that are used up: nothing follows", async () => {
    const world = await dueWorld({ ...ACTIVE, maxAttempts: 1 });
    await world.run();
    await world.seeAndJudge(aNode().notReady().bootId("boot-2"));
    await world.watch(12 * MINUTE);
    const { explanation: early } = await ask(world);
    expect(early).toMatchObject({
      blocker: { gate: "Verifying", why: expect.stringContaining("not known yet") },
    });
    await world.run();
    const { explanation } = await ask(world);
    expect(explanation).toMatchObject({ blocker: { gate: "Attempts" }, next: { step: "None" } });
    expect(await world.run()).toMatchObject({ step: "Finish", gate: "Attempts" });
  });

  test.each(["Identity", "Cloud"] as const)(
    "%s, which only a worker can ask: by its last word",
    async (gate) => {
      const world = await dueWorld();
      const failure = gate === "Identity" ? "IdentityMismatch" : "Unavailable";
      world.executor.onResolve = () => ({ ok: false, failure, detail: "the cloud said so" });
      const { explanation: before } = await ask(world);
      expect(before).not.toHaveProperty("blocker");
      const run = await world.run();
      expect(run.gate).toBe(gate);
      const said = { waitsFor: run.gate, why: run.why };
      const { explanation } = await ask(world, { pending: async () => ({ state: "delayed", said }) });
      expect(explanation.blocker).toMatchObject({ gate, why: `${failure}: the cloud said so` });
    },
  );

  test("Redis's node, which goes last: the worker's own words", async () => {
    const { world, over } = await redisWorld(2);
    const { explanation } = await ask(world, over);
    expect(explanation).toMatchObject({ blocker: { gate: "OwnNode" }, next: { step: "LookAgain" } });
    const whereabouts = world.whereabouts(over);
    await whereabouts.beat();
    expect(await world.run("node-1", { whereabouts })).toMatchObject({
      gate: "OwnNode",
      why: explanation.blocker?.why,
      at: explanation.blocker?.until,
    });
  });

  test("Redis's node, and one worker alone: nothing, and it calls", async () => {
    const { world, over } = await redisWorld(1);
    expect((await ask(world, over)).explanation).not.toHaveProperty("blocker");
    const whereabouts = world.whereabouts(over);
    await whereabouts.beat();
    await world.run("node-1", { whereabouts });
    expect(world.rebooted).toEqual(["other", "node-1"]);
  });

  test("the node of a worker, which only that one can tell: by its last word", async () => {
    const world = await dueWorld();
    await world.workers.beat({ id: "worker-2", node: "node-2", monitorOnly: false });
    const whereabouts = world.whereabouts({ self: { id: "worker-1", node: "node-1", monitorOnly: false } });
    const { gate, why } = await world.run("node-1", { whereabouts });
    const over = { redisNodes: ["node-2"] };
    const { explanation: before } = await ask(world, over);
    expect(before.gates.find((one) => one.gate === "OwnNode")).toMatchObject({
      answer: "Open",
      why: "a worker that runs on it leaves it to another",
    });
    const pending = async () => ({ state: "delayed", said: { waitsFor: gate, why } });
    const { explanation } = await ask(world, { ...over, pending });
    expect(explanation.blocker).toMatchObject({
      gate: "OwnNode",
      why: "the worker runs on it, and 1 other can reboot it",
    });
  });

  test("a change of mode", async () => {
    const world = await dueWorld();
    const rules = { ...world.rules, policy: DEFAULT_POLICY };
    const { explanation, otherMode } = await ask(world, { rules });
    expect(otherMode).toBe(true);
    expect(explanation).toMatchObject({ mode: "monitor-only", blocker: { gate: "Mode" } });
    expect(await world.run("node-1", { rules })).toMatchObject({ gate: "Mode" });
  });
});

describe("explaining", () => {
  test("writes nothing: not to the ledger that a gate would quarantine, not to Redis", async () => {
    const world = await dueWorld();
    const now = world.clock.now();
    world.ledger.create(emptyLedger("cluster-1", "x", now - HOUR), now - DAY);
    const before = JSON.stringify([world.ledger.data, await world.record(), world.sequence.highest]);
    await ask(world);
    expect(JSON.stringify([world.ledger.data, await world.record(), world.sequence.highest])).toBe(before);
  });

  test("a part of the cluster that cannot be read is told, and its gates are not asked", async () => {
    const world = await dueWorld();
    world.lister.fault = new Error("list broke at https://user:hunter2-secret@host");
    const { explanation, unread } = await ask(world);
    expect(unread).toEqual(["the fleet could not be read: list broke at https://***@host"]);
    expect(explanation.gates.find(({ gate }) => gate === "Breaker")).toMatchObject({ answer: "NotAsked" });
  });

  test.each<[string, Partial<ExplainSources>, string]>([
    ["behind a tunnel", { redisAddresses: async () => ["127.0.0.1"] }, "whether Redis runs on it"],
    [
      "that refuses to tell",
      { redisAddresses: async () => Promise.reject(new Error("NOPERM")) },
      "whether Redis runs on it",
    ],
    [
      "that tells nothing of the workers",
      { workers: { live: async () => Promise.reject(new Error("NOSCRIPT")) } },
      "the workers could not be asked for: NOSCRIPT",
    ],
  ])("a Redis %s leaves OwnNode unasked, and nothing else", async (_, over, why) => {
    const world = await dueWorld();
    const { explanation, unread } = await ask(world, over);
    expect(explanation.gates.find(({ gate }) => gate === "OwnNode")).toMatchObject({
      answer: "NotAsked",
      why: expect.stringContaining(why),
    });
    expect(unread).toEqual([]);
    expect(explanation).not.toHaveProperty("blocker");
  });

  test("a node that nobody knows is known to nobody", async () => {
    const world = await dueWorld();
    const { known, names } = await explainNode("nobody", sources(world));
    expect(known).toBe(false);
    expect(names).toContain("node-1");
  });
});
