import { beforeEach, describe, expect, test } from "vitest";
import type { LiveWorker } from "../../../packages/shared/src/core/hosting.ts";
import { SECOND } from "../../../packages/shared/src/core/time.ts";
import { ManualClock } from "../../../packages/shared/src/testing/manual-clock.ts";
import { MemoryWorkerRegistry } from "../../../packages/shared/src/testing/memory-worker-registry.ts";
import { keepBeating, Whereabouts, type WhereaboutsDeps } from "../../../packages/worker/src/whereabouts.ts";

const SELF: LiveWorker = { id: "a", node: "node-1", monitorOnly: false };
const OTHER: LiveWorker = { id: "b", node: "node-2", monitorOnly: false };
let clock: ManualClock;
let registry: MemoryWorkerRegistry;
let faults: unknown[];
beforeEach(() => {
  clock = new ManualClock();
  registry = new MemoryWorkerRegistry(clock, 30 * SECOND);
  faults = [];
});

function made(over: Partial<WhereaboutsDeps> = {}): Whereabouts {
  return new Whereabouts({
    registry,
    self: SELF,
    redisNodes: [],
    redisAddresses: async () => ["10.42.3.1"],
    onFault: (fault) => void faults.push(fault),
    ...over,
  });
}

describe("the whereabouts of a worker", () => {
  test("tell of the other workers on its own node and on Redis's", async () => {
    const whereabouts = made();
    await registry.beat(OTHER);
    await whereabouts.beat();
    const others = [{ node: "node-2" }];
    expect(await whereabouts.hosting("node-1", ["10.42.1.0/24"], [])).toMatchObject({ others, redis: false });
    expect(await whereabouts.hosting("node-3", ["10.42.3.0/24"], [])).toMatchObject({ others, redis: true });
  });

  test("ask nobody for the others when the node is neither", async () => {
    const whereabouts = made();
    await whereabouts.beat();
    registry.fault = new Error("nobody should ask");
    expect(await whereabouts.hosting("node-3", ["10.42.9.0/24"], [])).toMatchObject({
      others: [],
      redis: false,
    });
    expect(faults).toEqual([]);
  });

  test("are unknown when the others cannot be asked for, and that is told", async () => {
    const whereabouts = made();
    registry.fault = new Error("READONLY");
    expect(await whereabouts.hosting("node-1", [], [])).toBeUndefined();
    expect(faults).toEqual([registry.fault]);
  });

  test("follow Redis to another node, and lose it when it does not tell", async () => {
    let addresses: readonly string[] | Error = ["10.42.3.1"];
    const whereabouts = made({
      redisAddresses: async () => {
        if (addresses instanceof Error) throw addresses;
        return addresses;
      },
    });
    const hosts = async (pods: string) => (await whereabouts.hosting("node-9", [pods], []))?.redis;
    expect(await hosts("10.42.3.0/24")).toBeUndefined();
    await whereabouts.beat();
    expect(await hosts("10.42.3.0/24")).toBe(true);
    addresses = ["10.42.4.1"];
    await whereabouts.beat();
    expect([await hosts("10.42.3.0/24"), await hosts("10.42.4.0/24")]).toEqual([false, true]);
    addresses = new Error("NOPERM");
    await whereabouts.beat();
    await whereabouts.beat();
    expect(await hosts("10.42.4.0/24")).toBeUndefined();
    expect(faults).toEqual([addresses]);
  });

  test("never ask Redis when the configuration names its nodes", async () => {
    const whereabouts = made({
      redisNodes: ["node-3"],
      redisAddresses: async () => expect.fail("it was asked"),
    });
    await whereabouts.beat();
    expect(await whereabouts.hosting("node-3", undefined, [])).toMatchObject({ redis: true });
    expect(await whereabouts.hosting("node-1", [], [])).toMatchObject({ redis: false });
    expect(faults).toEqual([]);
  });
});

describe("signs of life", () => {
  test("come until the worker stops, which takes leave; faults of Redis end nothing", async () => {
    const stop = new AbortController();
    const beating = keepBeating(made(), 5 * SECOND, clock, stop.signal);
    const turn = async (): Promise<void> => {
      while (clock.sleeping === 0) await Promise.resolve();
    };
    await turn();
    expect(await registry.live()).toEqual([SELF]);
    registry.fault = new Error("gone");
    clock.advance(5 * SECOND);
    await turn();
    expect(faults).toEqual([registry.fault]);
    registry.fault = undefined;
    clock.advance(29 * SECOND);
    await turn();
    expect(await registry.live()).toEqual([SELF]);
    stop.abort();
    await beating;
    expect(await registry.live()).toEqual([]);
  });

  test("that cannot take leave stop all the same", async () => {
    const stop = new AbortController();
    stop.abort();
    registry.fault = new Error("gone");
    await keepBeating(made(), 5 * SECOND, clock, stop.signal);
    expect(faults).toEqual([registry.fault]);
  });
});
