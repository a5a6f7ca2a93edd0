import { expect, test } from "vitest";
import { MINUTE } from "../../../packages/shared/src/core/time.ts";
import type { Executor } from "../../../packages/shared/src/ports/executor.ts";
import { RedisWorkerRegistry } from "../../../packages/shared/src/redis/worker-registry.ts";
import { systemClock } from "../../../packages/shared/src/runtime/system-clock.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { keepBeating, Whereabouts } from "../../../packages/worker/src/whereabouts.ts";
import { eventually } from "../../support/eventually.ts";
import { useRedis } from "../../support/redis.ts";
import { Fleet, quick } from "./fleet.ts";

const redis = useRedis();
const LOCKS = { lockDuration: 30_000, stalledInterval: 5000 };
/** How long a worker may be silent here. */
const SILENCE = 400;

/** A worker process that knows its node; ends in good order. Whoever calls the cloud writes its id down. */
function startOn(fleet: Fleet, id: string, node: string, callers: string[] = []): () => Promise<void> {
  const whereabouts = new Whereabouts({
    registry: new RedisWorkerRegistry(fleet.client, fleet.keys, SILENCE),
    self: { id, node, monitorOnly: false },
    redisNodes: [],
    redisAddresses: async () => [],
    onFault: (fault) => expect.fail(String(fault)),
  });
  const executor: Executor = {
    name: "noted",
    readAhead: async () => undefined,
    resolve: async (target) => fleet.executor.resolve(target),
    reboot: async (...args) => {
      callers.push(id);
      return fleet.executor.reboot(...args);
    },
  };
  const leaving = new AbortController();
  const present = keepBeating(whereabouts, SILENCE / 6, systemClock, leaving.signal);
  fleet.startWorker({}, LOCKS, { whereabouts, executor });
  return async () => {
    leaving.abort();
    await present;
  };
}

/** The policy of `quick`, blind after so little that a worker gives its node away for a moment only. */
const POLICY = { ...quick(50, MINUTE), viewMaxAge: 900 };

async function failing(fleet: Fleet): Promise<void> {
  fleet.watch();
  for (let i = 0; i < 10; i += 1) await fleet.see(aNode(`well-${i}`).pool("pool-well"));
  await fleet.see(aNode());
  await eventually(async () => expect(await fleet.phase("node-1")).toBe("Healthy"));
  await fleet.see(aNode().notReady());
}

test("of two workers the one elsewhere reboots the node of the other", async () => {
  await using fleet = new Fleet(redis, POLICY);
  const callers: string[] = [];
  const workers = ["node-1", "node-2"].map((node) => startOn(fleet, `on ${node}`, node, callers));
  await eventually(async () => expect(await fleet.client.hlen(fleet.keys.workers)).toBe(2));
  await failing(fleet);
  await eventually(() => expect(callers).toEqual(["on node-2"]));
  expect(fleet.executor.calls).toHaveLength(1);
  await Promise.all(workers.map(async (stop) => stop()));
});

test.each(["stop", "die"] as const)(
  "a worker leaves its own node to one elsewhere, until that one's end (%s), and then reboots it",
  async (end) => {
    await using fleet = new Fleet(redis, POLICY);
    const stop = startOn(fleet, "a", "node-1");
    // It lives, and takes no job: this one can only be waited for.
    const registry = new RedisWorkerRegistry(fleet.client, fleet.keys, SILENCE);
    const leaving = new AbortController();
    const elsewhere = {
      beat: async () => void (await registry.beat({ id: "b", node: "node-2", monitorOnly: false })),
      leave: async () => (end === "stop" ? registry.leave({ id: "b", monitorOnly: false }) : undefined),
    };
    const present = keepBeating(elsewhere, SILENCE / 6, systemClock, leaving.signal);
    await failing(fleet);
    await eventually(async () => {
      const [job] = await fleet.pending();
      expect(job?.progress).toMatchObject({ waitsFor: "OwnNode" });
    });
    expect(fleet.executor.calls).toEqual([]);
    leaving.abort();
    await present;
    await eventually(() => expect(fleet.executor.calls).toHaveLength(1));
    await stop();
  },
);
