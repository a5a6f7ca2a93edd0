import { expect, test } from "vitest";
import { shardOf } from "../../../packages/shared/src/contract/keys.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { useRedis } from "../../support/redis.ts";
import { Fleet } from "./fleet.ts";

const redis = useRedis();
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `node-${i}`);

test("a burst of 500 nodes is judged by three workers, each node once per change, none lost", async () => {
  await using fleet = new Fleet(redis);
  for (let worker = 0; worker < 3; worker += 1) fleet.startWorker();
  await fleet.see(...names(500).map((name) => aNode(name)));
  await eventually(async () => expect(await fleet.dirty()).toBe(0));
  await eventually(() => expect(fleet.judged).toHaveLength(500));
  expect(new Set(fleet.judged.map(({ name }) => name)).size).toBe(500);

  await fleet.see(...names(500).map((name) => aNode(name).diskPressure()));
  await eventually(() => expect(fleet.journal.count("judged")).toBe(1000));
  expect(await fleet.dirty()).toBe(0);
  expect(await fleet.phases()).toEqual(["Unhealthy 500"]);
});

test("heartbeats cause no judgement and no job", async () => {
  await using fleet = new Fleet(redis);
  fleet.startWorker();
  await fleet.see(...names(50).map((name) => aNode(name)));
  await eventually(() => expect(fleet.judged).toHaveLength(50));
  for (let beat = 1; beat <= 10; beat += 1) {
    await fleet.see(...names(50).map((name) => aNode(name).heartbeatAt(beat * 1e9)));
  }
  await eventually(async () =>
    expect(await fleet.wakeUps.getJobCounts("waiting", "active")).toEqual({ waiting: 0, active: 0 }),
  );
  expect(fleet.judged).toHaveLength(50);
});

test("of 6,000 updates by three racing watchers the last of every node is judged", async () => {
  await using fleet = new Fleet(redis);
  fleet.startWorker();
  fleet.startWorker();
  const last = new Map<string, string>();
  const watcher = async (): Promise<void> => {
    for (let update = 0; update < 50; update += 1) {
      const batch = names(40).map((name) => (update % 2 === 0 ? aNode(name) : aNode(name).diskPressure()));
      const seen = await fleet.see(...batch);
      for (const { name, resourceVersion } of seen) {
        const before = last.get(name);
        if (before === undefined || Number(before) < Number(resourceVersion)) last.set(name, resourceVersion);
      }
    }
  };
  await Promise.all([watcher(), watcher(), watcher()]);
  await eventually(async () => expect(await fleet.dirty()).toBe(0));
  await eventually(async () =>
    expect(await fleet.wakeUps.getJobCounts("waiting", "active")).toEqual({ waiting: 0, active: 0 }),
  );
  for (const name of names(40)) {
    const stored = await fleet.snapshots.version(name);
    expect(stored?.resourceVersion).toBe(last.get(name));
    // The content of the last snapshot was judged, under its version or, when nothing changed, an older one.
    const { snapshot } = JSON.parse(
      `{"snapshot":${(await fleet.client.hget(fleet.keys.snapshots(shardOf(name)), name)) ?? "null"}}`,
    ) as { snapshot: { resourceVersion: string } };
    const judged = fleet.judged.filter((entry) => entry.name === name).map((entry) => entry.resourceVersion);
    expect(judged).toContain(snapshot.resourceVersion);
  }
});
