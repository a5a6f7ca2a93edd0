import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { withoutPause, withPause } from "@node-agent/shared/core/ledger/steps.ts";
import { PAUSE_ANNOTATION } from "@node-agent/shared/core/pause.ts";
import { eventually } from "../support/eventually.ts";
import { poolsOf } from "./fleet.ts";
import type { System } from "./system.ts";
import { useSystem } from "./system-of-file.ts";

const SICK = 1000;
/** A call that was decided before the pause may still go out; none later than this. */
const LATEST_CALL = 2000;
/** How long nothing must happen: longer than any job sleeps before it looks again. */
const SILENCE = 8000;

const system = useSystem({
  pools: poolsOf(1040),
  workers: 1,
  config: {
    // A steady flow of calls, slow enough to last, for the pause to cut off.
    limits: { open: { pool: { count: 1000 }, cluster: { count: 20, percent: 0 } } },
    // Fewer lists of 1,040 nodes, and fewer looks of 1,000 jobs at their pause, than the other chaos tests would make.
    timings: { sendDeadline: "5s", viewMaxAge: "6s" },
    // Few at a time: what is under way when the pause comes should be a matter of the agent, not of two busy cores.
    concurrency: { reboots: 3 },
  },
});

/** Ways to say stop, and to take it back. Each resolves to the instant from which it holds, by node. */
interface Pause {
  readonly on: (it: System) => Promise<(node: string) => number>;
  readonly off: (it: System) => Promise<void>;
}

const ledger: Pause = {
  on: async (it) => {
    const pause = { since: Date.now(), by: "test", reason: "maintenance" };
    await it.ledger.update((current) => withPause(current, { level: "fleet" }, pause));
    return sinceNow();
  },
  off: async (it) => it.ledger.update((current) => withoutPause(current, { level: "fleet" })),
};

const annotation: Pause = {
  on: async (it) => {
    const since = new Map<string, number>();
    await annotate(it, "true", (node) => since.set(node, Date.now()));
    return (node) => since.get(node) ?? 0;
  },
  off: async (it) => annotate(it, null, () => {}),
};

const configuration: Pause = {
  on: async (it) => {
    await restartWorkers(it, true);
    return sinceNow();
  },
  off: async (it) => restartWorkers(it, false),
};

test("1,000 nodes wait for their reboot, and calls flow", async () => {
  const { simulator, rebootQueue } = system();
  const names = (await simulator.truth()).map(({ name }) => name).filter((name) => !name.endsWith("-1"));
  for (const node of names.slice(0, SICK)) {
    await simulator.break(node, "not-ready", { curedByReboot: false });
  }
  await eventually(
    async () => {
      const pending = await rebootQueue.getJobCountByTypes("waiting", "active", "delayed", "prioritized");
      expect(pending).toBe(SICK);
    },
    { within: 120_000, every: 200 },
  );
}, 240_000);

test.each([
  ["the ledger", ledger],
  ["an annotation of each node", annotation],
  ["the configuration", configuration],
])(
  "a pause by %s stops them all, and still does after a restart of everything",
  async (_, pause) => {
    const it = system();
    await untilCallsFlow(it);
    try {
      const since = await pause.on(it);
      await delay(SILENCE);
      expect(await callsAfter(it, since)).toEqual([]);

      await it.restartAll();
      await untilPending(it);
      await delay(SILENCE);
      expect(await callsAfter(it, since)).toEqual([]);
    } finally {
      await pause.off(it);
    }
    await untilCallsFlow(it);
  },
  240_000,
);

/** Reboots that were asked for later than a pause allows, in words. */
async function callsAfter({ simulator }: System, since: (node: string) => number): Promise<string[]> {
  return (await simulator.reboots())
    .map(({ node, requestAt }) => ({ node, late: requestAt - since(node) }))
    .filter(({ late }) => late > LATEST_CALL)
    .map(({ node, late }) => `${node} ${late} ms after the pause`);
}

async function untilCallsFlow({ simulator }: System): Promise<void> {
  const before = (await simulator.reboots()).length;
  await eventually(
    async () => expect((await simulator.reboots()).length).toBeGreaterThanOrEqual(before + 10),
    { within: 90_000, every: 100 },
  );
}

/** The agents are back: they know all sick nodes, and each has its job. */
async function untilPending({ rebootQueue }: System): Promise<void> {
  await eventually(
    async () => {
      const pending = await rebootQueue.getJobCountByTypes("waiting", "active", "delayed", "prioritized");
      expect(pending).toBe(SICK);
      expect(await rebootQueue.getJobCountByTypes("active", "delayed")).toBeGreaterThan(0);
    },
    { within: 60_000, every: 200 },
  );
}

function sinceNow(): () => number {
  const now = Date.now();
  return () => now;
}

async function annotate(
  { simulator, ledger: { connection } }: System,
  value: string | null,
  onDone: (node: string) => void,
): Promise<void> {
  for (const { name } of await simulator.truth()) {
    await connection.request(`/api/v1/nodes/${name}`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: JSON.stringify({ metadata: { annotations: { [PAUSE_ANNOTATION]: value } } }),
    });
    onDone(name);
  }
}

async function restartWorkers({ of }: System, fleet: boolean): Promise<void> {
  await Promise.all(of("worker").map(async (slot) => slot.kill()));
  for (const slot of of("worker")) slot.start({ paused: { fleet } });
}
