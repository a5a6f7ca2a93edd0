import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { connectKubernetes, type KubernetesConnection } from "@node-agent/kubernetes";
import { RedisSnapshotStore } from "@node-agent/shared/redis/snapshot-store.ts";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import { TIMES } from "../support/agent-config.ts";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";

const well = ["well-1", "well-2", "well-3"];
const topology = useTopology({
  pools: [
    {
      name: "standard",
      nodeNames: [...well, "silent", "marked", "empty", "dropped", "deleted", "waiting", "balanced", "mover"],
    },
  ],
  watchers: 2,
  workers: 2,
  config: { timings: { viewProbeInterval: "400ms", relistInterval: "4s" } },
});
const DRIFT = "civo_node_agent_cache_drift_total";
const within = 60_000;

let kubernetes: KubernetesConnection;
beforeAll(() => {
  kubernetes = connectKubernetes({
    kubeconfig: topology().simulator.kubeconfig,
    userAgent: "test",
    clock: systemClock,
  });
});
afterAll(async () => kubernetes.close());
afterEach(async () => {
  await topology().simulator.clearFaults();
  for (const node of well) expect(await topology().simulator.reboots(node), node).toEqual([]);
});

/** Many writes of a node: the version of the cluster moves on, and nobody's health changes. */
async function moveOn(writes = 200): Promise<void> {
  for (let i = 0; i < writes; i += 1) {
    await kubernetes.request("/api/v1/nodes/mover", {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: JSON.stringify({ metadata: { annotations: { "example.com/moved": `${Date.now()} ${i}` } } }),
    });
  }
}

async function serverVersion(): Promise<number> {
  const { body } = await kubernetes.request("/api/v1/nodes", { query: { limit: "1" } });
  return Number((body as { metadata: { resourceVersion: string } }).metadata.resourceVersion);
}

const lists = async (): Promise<number> => topology().sum("watcher", "civo_node_agent_node_lists_total");

describe("an etcd restored from a backup, with two watchers", () => {
  test.each([
    {
      how: "whose watches go on in silence, as those of a real API server do",
      node: "silent",
      bookmarks: false,
    },
    {
      how: "whose watches go on with bookmarks, so that the view looks fresh",
      node: "marked",
      bookmarks: true,
    },
  ])("$how: a node that dies after it is repaired", async ({ node, bookmarks }) => {
    const { simulator } = topology();
    await simulator.command({ do: "backup" });
    await moveOn();
    const reached = await serverVersion();
    await simulator.command({ do: "restore", bookmarks });
    await simulator.break(node, "not-ready");
    // The death is written under a version that the watches have passed.
    expect(await serverVersion()).toBeLessThan(reached);
    expect(await topology().recovered(node)).toHaveLength(1);
    expect(topology().logs({ event: "ViewDistrusted", cause: "WentBack" })).not.toEqual([]);
    expect(
      await topology().sum("watcher", "civo_node_agent_view_probes_total", { result: "WentBack" }),
    ).toBeGreaterThan(0);
  });

  test("that brings a deleted node back: it is seen, told, and nothing of it is rebooted", async () => {
    const { simulator, redis, keys } = topology();
    await simulator.command({ do: "backup" });
    await simulator.command({ do: "delete", node: "deleted", instance: true });
    await eventually(async () => expect(await topology().record("deleted")).toBeUndefined(), { within });
    await moveOn();
    await simulator.command({ do: "restore" });
    await eventually(async () => expect((await topology().record("deleted"))?.phase).toBe("Unhealthy"), {
      within,
    });
    const store = new RedisSnapshotStore(redis.client, keys, TIMES.viewMaxAge);
    const now = await serverVersion();
    for (const name of well) {
      await eventually(async () => {
        expect(Number((await store.version(name))?.resourceVersion)).toBeLessThanOrEqual(now);
      });
    }
    expect(await simulator.reboots("deleted")).toEqual([]);
    await kubernetes.request("/api/v1/nodes/deleted", { method: "DELETE" });
    await eventually(async () => expect(await topology().record("deleted")).toBeUndefined(), { within });
  });

  test("while a node is in its wait: no second reboot within it, and the next one after it", async () => {
    const { simulator } = topology();
    await simulator.command({ do: "backup" });
    await simulator.break("waiting", "not-ready", { curedByReboot: 2 });
    await eventually(async () => expect(await simulator.reboots("waiting")).toHaveLength(1), { within });
    await moveOn();
    await simulator.command({ do: "restore" });
    const reboots = await topology().recovered("waiting");
    expect(reboots).toHaveLength(2);
    const [first, second] = reboots;
    expect((second?.requestAt ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(TIMES.wait.standard);
  });
});

test("watches that end at once and empty: the nodes are listed again and again, and what dies is repaired", async () => {
  const { simulator } = topology();
  const before = await lists();
  const empty = { api: "kubernetes", match: { watch: true }, effect: "end" };
  await simulator.command({ do: "fault", fault: empty });
  await simulator.command({ do: "watches", how: "end" });
  await simulator.break("empty", "not-ready");
  expect(await topology().recovered("empty")).toHaveLength(1);
  expect(await lists()).toBeGreaterThan(before + 2);
  expect(topology().logs({ event: "ViewDistrusted", cause: "EmptyWatches" })).not.toEqual([]);
});

test("a watch that loses the events of one node: the next list of all nodes finds it, and it is counted", async () => {
  const { simulator } = topology();
  const drift = async (): Promise<number> =>
    topology().sum("watcher", DRIFT, { cache: "View", kind: "Stale" });
  const before = await drift();
  const deaf = { api: "kubernetes", match: { watch: true }, effect: "drop-events", of: ["dropped"] };
  await simulator.command({ do: "fault", fault: deaf });
  await simulator.command({ do: "watches", how: "end" });
  await simulator.break("dropped", "not-ready");
  expect(await topology().recovered("dropped")).toHaveLength(1);
  expect(await drift()).toBeGreaterThan(before);
  expect(topology().logs({ event: "CacheDrift", cache: "View" })).not.toEqual([]);
});

test("one of several API servers is old: nothing that is well is rebooted, and what dies is repaired", async () => {
  const { simulator } = topology();
  const { body } = await kubernetes.request("/api/v1/nodes");
  await moveOn();
  const old = { method: "GET", path: "/api/v1/nodes", watch: false };
  const fault = { api: "kubernetes", match: old, effect: "status", status: 200, body, probability: 0.3 };
  await simulator.command({ do: "fault", fault });
  await simulator.break("balanced", "not-ready");
  expect(await topology().recovered("balanced")).toHaveLength(1);
});

test("no drift is counted while nothing is lost, however much happens", async () => {
  const { simulator } = topology();
  const drift = async (): Promise<number> => topology().sum("watcher", DRIFT);
  const quiet = await lists();
  await eventually(async () => expect(await lists()).toBeGreaterThan(quiet), { within });
  const before = await drift();
  const begun = await lists();
  while ((await lists()) < begun + 4) {
    await moveOn(20);
    await simulator.break("mover", "disk-pressure");
    await simulator.heal("mover");
  }
  expect(await drift()).toBe(before);
});
