/**
 * One list of all nodes by one client, in a process of its own so that its heap is its own. Prints one line of JSON.
 * Arguments: `ours` or `informer`, the kubeconfig, how many nodes there are. Needs --expose-gc.
 */
import { setTimeout as delay } from "node:timers/promises";
import { CoreV1Api, KubeConfig, makeInformer } from "@kubernetes/client-node";
import { connectKubernetes, createNodeSource } from "@node-agent/kubernetes";
import { snapshotFingerprint, toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import { watchLoop } from "./loop-block.ts";

interface Client {
  /** Starts it; resolves when the whole list is known. */
  start(): Promise<void>;
  known(): number;
  stop(): Promise<void>;
}

function ours(kubeconfig: string): Client {
  const connection = connectKubernetes({
    kubeconfig,
    userAgent: "node-recovery-agent/bench",
    clock: systemClock,
  });
  const listed = Promise.withResolvers<void>();
  const source = createNodeSource({
    connection,
    clock: systemClock,
    project: toSnapshot,
    fingerprint: snapshotFingerprint,
    selector: { pools: [], includeControlPlane: false, includeVirtual: false },
    onEvent: ({ type }) => {
      if (type === "ListDone") listed.resolve();
    },
  });
  return {
    start: async () => {
      source.start({ changed: async () => undefined, disappeared: async () => undefined });
      await listed.promise;
    },
    known: () => source.nodes().size,
    stop: async () => {
      await source.stop();
      await connection.close();
    },
  };
}

function informer(kubeconfig: string): Client {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const api = config.makeApiClient(CoreV1Api);
  const nodes = makeInformer(config, "/api/v1/nodes", async () => api.listNode());
  return {
    start: async () => nodes.start(),
    known: () => nodes.list().length,
    stop: async () => nodes.stop(),
  };
}

async function retainedHeap(): Promise<number> {
  if (globalThis.gc === undefined) throw new Error("run with --expose-gc");
  for (let i = 0; i < 3; i += 1) {
    globalThis.gc();
    await delay(20);
  }
  return process.memoryUsage().heapUsed;
}

const [kind, kubeconfig = "", expected = ""] = process.argv.slice(2);
const client = kind === "ours" ? ours(kubeconfig) : informer(kubeconfig);
const heapBefore = await retainedHeap();
const loop = watchLoop();
const startedAt = performance.now();
await client.start();
const took = performance.now() - startedAt;
const longestBlock = loop.longest();
loop.stop();
const peakRss = process.resourceUsage().maxRSS / 1024;
if (client.known() !== Number(expected)) throw new Error(`${client.known()} nodes known, not ${expected}`);
const retained = ((await retainedHeap()) - heapBefore) / 2 ** 20;
process.stdout.write(`${JSON.stringify({ took, longestBlock, retained, peakRss })}\n`);
await client.stop();
process.exit(0);
