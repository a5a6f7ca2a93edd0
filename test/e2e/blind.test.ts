import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { RedisStateStore } from "@node-agent/shared/redis/state-store.ts";
import { TIMES } from "../support/agent-config.ts";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";

const outages = [
  { kind: "refuse", healed: "refuse-healed", sick: "refuse-sick" },
  { kind: "hang", healed: "hang-healed", sick: "hang-sick" },
  { kind: "watchers", healed: "unwatched-healed", sick: "unwatched-sick" },
] as const;

const topology = useTopology({
  pools: [
    { name: "standard", nodeNames: [...outages.flatMap(({ healed, sick }) => [healed, sick]), "well"] },
  ],
  watchers: 2,
});
const within = 60_000;
const THRESHOLD = TIMES.threshold.DiskPressure;

afterEach(async () => {
  await topology().simulator.command({ do: "outage", api: "kubernetes", kind: "off" });
});

/** Makes every watcher blind and returns what makes them see again. */
async function blindfold(kind: (typeof outages)[number]["kind"]): Promise<() => Promise<void>> {
  const { simulator, watchers, replace } = topology();
  if (kind !== "watchers") {
    await simulator.command({ do: "outage", api: "kubernetes", kind });
    return async () => simulator.command({ do: "outage", api: "kubernetes", kind: "off" });
  }
  const killed = watchers();
  await Promise.all(killed.map(async (watcher) => watcher.kill9()));
  return async () => {
    await Promise.all(killed.map(async (watcher) => replace(watcher)));
  };
}

describe("while nobody sees the cluster, no clock advances and nothing is rebooted", () => {
  test.each([
    { ...outages[0], how: "the API server refuses connections" },
    { ...outages[1], how: "the API server accepts connections and answers nothing" },
    { ...outages[2], how: "every watcher is dead" },
  ])("$how for longer than a threshold", async ({ kind, healed, sick }) => {
    const { simulator, redis, keys } = topology();
    const store = new RedisStateStore(redis.client, keys);
    for (const node of [healed, sick]) await simulator.break(node, "disk-pressure");
    await eventually(async () => {
      for (const node of [healed, sick]) expect(await topology().pendingReboot(node)).toBeDefined();
    });
    const seeAgain = await blindfold(kind);
    const blind = await eventually(
      async () => {
        const view = await store.view();
        expect(view.age).toBeGreaterThan(TIMES.viewMaxAge);
        return view;
      },
      { within },
    );
    await simulator.heal(healed);
    await delay(1.5 * THRESHOLD);
    // An age travels to Redis for a few milliseconds; that is how much the clock may seem to move.
    expect((await store.view()).observed - blind.observed).toBeLessThan(THRESHOLD / 4);
    expect(await simulator.reboots(healed)).toEqual([]);
    expect(await simulator.reboots(sick)).toEqual([]);
    await eventually(async () => {
      expect((await topology().pendingReboot(sick))?.progress).toMatchObject({ waitsFor: "Blind" });
    });

    const clock = (await topology().record(sick))?.failing.DiskPressure?.sinceObserved ?? 0;
    const missing = THRESHOLD - ((await store.view()).observed - clock);
    const seenAgainAt = Date.now();
    await seeAgain();
    expect(await topology().recovered(healed)).toEqual([]);
    const [reboot, ...more] = await topology().recovered(sick);
    expect(more).toEqual([]);
    // What the clock had counted before is kept, and what was missing then had to be watched first.
    expect(missing).toBeGreaterThan(0);
    expect(reboot?.requestAt).toBeGreaterThanOrEqual(seenAgainAt + missing);
  });

  test("a node that was well all the time has had no incident", async () => {
    expect(await topology().simulator.reboots("well")).toEqual([]);
    expect(topology().logs({ node: "well", event: "NodeUnhealthy" })).toEqual([]);
  });
});
