import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { createDelivery } from "../../../packages/kubernetes/src/reflector/delivery.ts";
import { REFLECTOR_TIMINGS } from "../../../packages/kubernetes/src/reflector/timings.ts";
import { manualClock } from "../../unit/kubernetes/support/manual-clock.ts";
import { rawNode } from "../../unit/kubernetes/support/raw-node.ts";
import { eventually } from "../../support/eventually.ts";
import { startScriptedServer } from "../../support/scripted-http-server.ts";
import { testFolder } from "./support/kubeconfig-file.ts";
import { liveSource } from "./support/live-source.ts";
import { openConnection } from "./support/open-connection.ts";

const NODES = 5_000;
const MEGABYTE = 1024 * 1024;

/** A node of 16 KB, most of it images and managed fields, as nodes are. */
function largeNode(index: number): unknown {
  const node = rawNode(`node-${index}`, { version: 1000 + index });
  const images = Array.from({ length: 70 }, (_, image) => ({
    names: [
      `registry.example.com/team-${image}/app@sha256:${"ab12".repeat(16)}`,
      `registry/app-${image}:v${index}`,
    ],
    sizeBytes: 1_000_000 + image,
  }));
  const metadata = {
    ...(node["metadata"] as object),
    managedFields: [{ manager: "kubelet", fieldsV1: "x".repeat(3300) }],
  };
  return { ...node, metadata, status: { ...(node["status"] as object), images } };
}

function heapAfterCollection(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}

test("I-21: 5,000 nodes of 16 KB keep less than 25 MB", async () => {
  await using server = await startScriptedServer(({ query }, response) => {
    if (query.get("watch") === "true") return void response.write("\n");
    const from = Number(query.get("continue") ?? 0);
    const to = Math.min(NODES, from + Number(query.get("limit")));
    const items = Array.from({ length: to - from }, (_, offset) => largeNode(from + offset));
    const metadata = { resourceVersion: "9999", ...(to < NODES ? { continue: String(to) } : {}) };
    response.end(JSON.stringify({ metadata, items }));
  });
  await using folder = await testFolder();
  await using connection = openConnection({ kubeconfig: await folder.kubeconfig({ server: server.url }) });
  expect(JSON.stringify(largeNode(1)).length).toBeGreaterThan(12_000);
  const before = heapAfterCollection();
  await using live = liveSource(connection, { timings: {} });
  await eventually(() => expect(live.source.freshness().phase).toBe("Watching"), { within: 25_000 });
  expect(live.source.nodes().size).toBe(NODES);
  live.told.length = 0;
  expect(heapAfterCollection() - before).toBeLessThan(25 * MEGABYTE);
});

test("what waits for a handler that hangs is bounded by the nodes, however often they change", async () => {
  const stopping = new AbortController();
  const delivery = createDelivery({
    handlers: { changed: () => new Promise(() => {}), disappeared: () => new Promise(() => {}) },
    clock: manualClock(),
    timings: REFLECTOR_TIMINGS,
    random: Math.random,
    signal: stopping.signal,
    report: () => {},
  });
  const projected = toSnapshot(rawNode("a", { version: 1 }));
  if (!projected.ok) throw new Error("the node of the test cannot be read");
  const before = heapAfterCollection();
  for (let change = 0; change < 50_000; change += 1) {
    delivery.changed({ ...projected.snapshot, resourceVersion: String(change) });
    delivery.disappeared(`gone-${change % 10}`);
    if (change % 100 === 0) await Promise.resolve();
  }
  expect(heapAfterCollection() - before).toBeLessThan(MEGABYTE);
  stopping.abort();
});
