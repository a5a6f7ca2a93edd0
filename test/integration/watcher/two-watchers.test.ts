import { expect, test } from "vitest";
import { digestOf } from "../../../packages/shared/src/redis/snapshot-digest.ts";
import { systemClock } from "../../../packages/shared/src/runtime/system-clock.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { MemoryNodeSource } from "../../../packages/shared/src/testing/memory-node-source.ts";
import { createPublisher } from "../../../packages/watcher/src/publisher.ts";
import { resync, type ResyncDeps } from "../../../packages/watcher/src/resync.ts";
import { eventually } from "../../support/eventually.ts";
import { useRedis } from "../../support/redis.ts";
import { Fleet } from "../worker/fleet.ts";

const redis = useRedis();

/** A watcher of its own over the store of the fleet. */
function watcherOf(fleet: Fleet): { source: MemoryNodeSource; deps: ResyncDeps } {
  const source = new MemoryNodeSource(systemClock);
  const deps: ResyncDeps = {
    source,
    store: fleet.snapshots,
    queues: fleet.queues,
    reader: fleet.reader,
    clock: systemClock,
    fingerprint: digestOf,
    selects: () => true,
    isNewer: (a, b) => (a.length === b.length ? a > b : a.length > b.length),
  };
  source.start(createPublisher(deps));
  return { source, deps };
}

const fleetOf = (resourceVersion: number, sick: boolean) =>
  Array.from({ length: 60 }, (_, i) => {
    const node = aNode(`node-${i}`).resourceVersion(resourceVersion);
    return (sick ? node.diskPressure() : node).snapshot();
  });

test("each change that two watchers see is judged once, whoever is first", async () => {
  await using fleet = new Fleet(redis);
  for (let worker = 0; worker < 3; worker += 1) fleet.startWorker();
  const watchers = [watcherOf(fleet), watcherOf(fleet)];
  for (let change = 1; change <= 4; change += 1) {
    const nodes = fleetOf(change, change % 2 === 0);
    fleet.reader.set(...nodes);
    await Promise.all(watchers.map(async ({ source }) => source.set(...nodes)));
    await eventually(() => expect(fleet.judged).toHaveLength(change * 60));
    await Promise.all(watchers.map(async ({ source }) => source.set(...nodes)));
  }
  await eventually(async () => expect(await fleet.dirty()).toBe(0));
  expect(fleet.judged).toHaveLength(240);
});

test("a watcher that lags behind brings nothing old back, neither by events nor by its resync", async () => {
  await using fleet = new Fleet(redis);
  fleet.startWorker();
  const [quick, slow] = [watcherOf(fleet), watcherOf(fleet)];
  fleet.reader.set(...fleetOf(2, true));
  await quick.source.set(...fleetOf(2, true));
  await eventually(() => expect(fleet.judged).toHaveLength(60));
  await slow.source.set(...fleetOf(1, false));
  const result = await resync(slow.deps);
  expect(result).toMatchObject({ published: 0, doubted: 60, verified: 60, left: 0 });
  await eventually(async () => expect(await fleet.dirty()).toBe(0));
  expect(await fleet.phases()).toEqual(["Unhealthy 60"]);
});

test("an etcd that was restored to the past wins once the API server itself says so", async () => {
  await using fleet = new Fleet(redis);
  fleet.startWorker();
  const { source, deps } = watcherOf(fleet);
  await source.set(...fleetOf(900, true));
  await eventually(() => expect(fleet.judged).toHaveLength(60));
  fleet.reader.set(...fleetOf(7, false));
  source.place(...fleetOf(7, false));
  await resync(deps);
  await eventually(async () => {
    expect(await fleet.phases()).toEqual(["Healthy 60"]);
  });
});
