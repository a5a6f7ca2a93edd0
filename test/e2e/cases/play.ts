/**
 * Plays cases through the real pipeline: every case is a node of one topology (processes, Redis, simulator) whose Node
 * object reads as the case says, `before` until all are judged, then `after`. Beside them a node fails by the checker
 * with the longest threshold: when that one was rebooted and is well, each case had its time, and what was not rebooted
 * was left alone by judgement and not by haste.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { QUEUES, rebootProgressSchema } from "@node-agent/shared/contract/queues.ts";
import { shardOf, SHARDS } from "@node-agent/shared/contract/keys.ts";
import { parseStored, snapshotSchema } from "@node-agent/shared/contract/stored.ts";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { snapshotFingerprint, toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { TIMES, type ConfigPart } from "../../support/agent-config.ts";
import { nodesIn } from "../../support/cluster-events.ts";
import { eventually } from "../../support/eventually.ts";
import { untilReady } from "../../support/topology-agent.ts";
import { useTopology, type Topology } from "../../support/topology.ts";
import type { NodeCase } from "./node-case.ts";

/** The node that shows that the pipeline runs, and for how long it ran. */
const CONTROL = "control";

const within = 60_000;

/** What a set of cases is played with. */
export interface PlayOptions {
  /** Merged into the configuration of every agent. */
  readonly config?: ConfigPart;
  /** Cases whose kind is not fixed yet: they are played, and must give the wrong answer until they are taken off. */
  readonly notYet?: ReadonlySet<string>;
}

/** Gives a test file one topology in which these cases are played; call at the top level. Returns the topology. */
export function playCases(cases: readonly NodeCase[], options: PlayOptions = {}): () => Topology {
  const topology = useTopology({
    pools: [
      ...cases.map(({ name, before, after }) => ({
        name,
        nodeNames: [name],
        ...(hasGpus(before) || hasGpus(after) ? { gpus: 8 } : {}),
      })),
      { name: CONTROL, nodeNames: [CONTROL] },
    ],
    // Agents start when every node reads as its case: what the simulator's own nodes show must not be remembered.
    watchers: 0,
    workers: 0,
    config: { maxAttempts: 2, ...options.config },
    // A kubelet that says nothing new for long: the object of a case stays as it was given.
    simulator: { timings: { statusPeriod: "1m" } },
  });

  const missing = cases.length === 0 ? ["cases: the folder ../shared/cases is not there"] : [];
  describe.each(missing)("%s", () => {
    test.skipIf(cases.length === 0)("are played", () => expect(cases).not.toEqual([]));
  });

  beforeAll(async () => {
    if (cases.length === 0) return;
    await wear(topology(), cases, "before", options);
    await Promise.all(
      (["watcher", "worker"] as const).map(async (role) => untilReady(topology().start(role))),
    );
    await untilJudged(topology(), cases, "before");
    await eventually(
      async () => {
        for (const { name } of cases) expect((await topology().record(name))?.phase, name).toBe("Healthy");
      },
      { within, every: 100 },
    );
    await wear(topology(), cases, "after", options);
    await untilJudged(topology(), cases, "after");
    await topology().simulator.break(CONTROL, "disk-pressure");
    await topology().recovered(CONTROL, { within });
  }, 2 * within);

  describe.each(cases.map((played) => [played.name, played] as const))("%s", (name, played) => {
    const run = options.notYet?.has(name) === true ? test.fails : test;
    run(`${played.report}: repaired ${TIMES_REPAIRED[played.expect]}`, async () => {
      if (played.expect === "reboot") await untilRebooted(topology(), name);
      if (played.expect === "one") {
        await untilRebooted(topology(), name);
        await untilWaitIsOver(topology(), name);
      }
      if (played.held !== undefined) await expectHeld(topology(), name, played.held);
      const made = (await topology().simulator.reboots(name)).length;
      if (played.expect === "none") expect(made).toBe(0);
      if (played.expect === "one") expect(made).toBe(1);
      if (played.expect === "reboot") expect(made).toBeGreaterThanOrEqual(1);
    });
  });
  return topology;
}

const TIMES_REPAIRED = { none: "never", one: "once", reboot: "at least once" } as const;

/** From now on every node reads as this state of its case. */
async function wear(
  { simulator }: Topology,
  cases: readonly NodeCase[],
  state: "before" | "after",
  { notYet }: PlayOptions,
): Promise<void> {
  for (const { name, [state]: object, expect: expected } of cases) {
    await simulator.command({
      do: "show",
      node: name,
      object,
      sick: state === "after" && (expected !== "none" || notYet?.has(name) === true),
    });
  }
}

/** Waits until workers have judged this very state of all nodes. */
async function untilJudged(
  { simulator, redis, keys }: Topology,
  cases: readonly NodeCase[],
  state: "before" | "after",
): Promise<void> {
  await eventually(
    async () => {
      const shown = await nodesIn(
        simulator.kubeconfig,
        cases.map(({ name }) => name),
      );
      for (const [name, object] of shown) {
        const json = await redis.client.hget(keys.snapshots(shardOf(name)), name);
        const stored = parseStored("snapshot", json ?? "", snapshotSchema);
        expect(printOf(stored), `${state} of ${name} is stored`).toBe(printOf(snapshotOf(object)));
      }
      for (let shard = 0; shard < SHARDS; shard += 1) {
        expect(await redis.client.scard(keys.dirty(shard)), `nodes of shard ${shard} to judge`).toBe(0);
      }
    },
    { within, every: 50 },
  );
}

function snapshotOf(object: unknown): Read {
  const read = toSnapshot(object);
  return read.ok ? { ok: true, value: read.snapshot } : { ok: false, fault: read.error };
}

type Read = ReturnType<typeof parseStored<NodeSnapshot>>;

function printOf(read: Read): string {
  return read.ok ? snapshotFingerprint(read.value) : read.fault;
}

async function untilRebooted({ simulator }: Topology, node: string): Promise<void> {
  await eventually(
    async () => expect((await simulator.reboots(node)).length, `reboots of ${node}`).toBeGreaterThan(0),
    { within, every: 100 },
  );
}

/** The wait after the latest reboot is over, and a threshold after it: a second reboot would have come by now. */
async function untilWaitIsOver(topology: Topology, node: string): Promise<void> {
  await eventually(
    async () => {
      const { waitUntil = Infinity } = (await topology.record(node))?.lastReboot ?? {};
      expect(Date.now()).toBeGreaterThan(waitUntil + TIMES.threshold.DiskPressure);
    },
    { within, every: 100 },
  );
}

async function expectHeld(
  topology: Topology,
  node: string,
  { gate, why }: NonNullable<NodeCase["held"]>,
): Promise<void> {
  await eventually(
    async () => {
      const progress = rebootProgressSchema.safeParse((await topology.pendingReboot(node))?.progress).data;
      expect(progress?.waitsFor, `what ${node} waits for in ${QUEUES.reboots}`).toBe(gate);
      expect(progress?.why).toMatch(why);
    },
    { within, every: 100 },
  );
}

/** The object speaks of GPUs: then the VM has some, which the cloud tells by its size. */
function hasGpus(node: unknown): boolean {
  return JSON.stringify(node).includes("nvidia.com/gpu");
}
