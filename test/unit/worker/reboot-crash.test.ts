import { describe, expect, test } from "vitest";
import { MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import type { Around } from "./intercept.ts";
import { TIMINGS, World } from "./world.ts";

/** Every await of a transaction that ends in a call, in order. */
const POINTS = [
  "1 store.get",
  "2 plans.latest",
  "3 executor.readAhead",
  "4 store.listUnhealthy",
  "5 lister.list",
  "6 store.get",
  "7 plans.latest",
  "8 memory.raise",
  "9 ledger.read",
  "10 memory.raise",
  "11 reader.read",
  "12 store.listUnhealthy",
  "13 executor.resolve",
  "14 store.compareAndSet",
  "15 ledger.compareAndWrite",
  "16 memory.raise",
  "17 executor.reboot",
  "18 memory.raise",
  "19 ledger.read",
  "20 ledger.compareAndWrite",
  "21 memory.raise",
  "22 store.get",
  "23 store.compareAndSet",
];
const WAIT = 10 * MINUTE;

/** Applies `happens` to the nth await of a transaction, and leaves the others alone. */
function atAwait(point: string, happens: (call: () => Promise<unknown>) => Promise<unknown>): Around {
  const nth = Number(point.split(" ")[0]);
  let count = 0;
  return async (name, call) => {
    count += 1;
    if (count !== nth) return call();
    expect(`${count} ${name}`).toBe(point);
    return happens(call);
  };
}

/** Another worker has the job: it is looked at every 15 s, while watchers see and evaluators judge the broken node. */
async function goOn(world: World, span: number): Promise<void> {
  for (let left = span; left > 0; left -= 15 * SECOND) {
    await world.run();
    await world.watch(15 * SECOND);
    await world.store.markAttention();
    await world.judge();
  }
}

function expectAtMostOneCallPerWindow(world: World): void {
  const times = world.executor.calls.map(({ at }) => at);
  const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
  for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(WAIT);
}

test("a transaction that ends in a call has exactly these awaits", async () => {
  const world = new World();
  await world.due();
  const seen: string[] = [];
  await world.run(
    "node-1",
    world.processorDeps(async (point, call) => {
      seen.push(`${seen.length + 1} ${point}`);
      return call();
    }),
  );
  expect(seen).toEqual(POINTS);
});

describe("a crash", () => {
  const crashes: [string, (call: () => Promise<unknown>) => Promise<unknown>][] = [
    [
      "just before",
      async () => {
        throw new Error("crash");
      },
    ],
    [
      "just after",
      async (call) => {
        await call();
        throw new Error("crash");
      },
    ],
  ];

  test.each(POINTS.flatMap((point) => crashes.map(([when, crash]) => [when, point, crash] as const)))(
    "%s await %s: at most one call per window, and the node is rebooted in the end",
    async (_, point, crash) => {
      const world = new World();
      await world.due();
      await world.run("node-1", world.processorDeps(atAwait(point, crash))).catch(() => {});
      await goOn(world, 40 * MINUTE);
      expectAtMostOneCallPerWindow(world);
      expect(world.executor.calls.length).toBeGreaterThanOrEqual(2);
      expect((await world.record())?.incident?.attempts).toBeLessThanOrEqual(3);
    },
  );
});

describe("Redis flushed in the middle", () => {
  const moments = POINTS.flatMap((point) =>
    (["before", "after"] as const).map((when) => [when, point] as const),
  );

  test.each(moments)(
    "just %s await %s: at most one call per window because of the ledger, and the node is rebooted in the end",
    async (...args) => {
      const [when, point] = args;
      const world = new World();
      await world.due();
      const flush = async (call: () => Promise<unknown>): Promise<unknown> => {
        if (when === "before") world.flushRedis();
        const value = await call();
        if (when === "after") world.flushRedis();
        return value;
      };
      await world.run("node-1", world.processorDeps(atAwait(point, flush))).catch(() => {});
      await world.see(aNode().notReady());
      await world.judge();
      await goOn(world, 40 * MINUTE);
      expectAtMostOneCallPerWindow(world);
      expect(world.executor.calls.length).toBeGreaterThanOrEqual(2);
    },
  );

  test("again and again: at most one call per window", async () => {
    const world = new World();
    await world.due();
    for (let round = 0; round < 12; round += 1) {
      await goOn(world, 6 * MINUTE);
      world.flushRedis();
      await world.see(aNode().notReady());
      await world.judge();
    }
    expectAtMostOneCallPerWindow(world);
    expect(world.executor.calls.length).toBeGreaterThanOrEqual(2);
  });
});

describe("a worker that freezes", () => {
  const spans = [TIMINGS.sendDeadline + SECOND, MINUTE, 11 * MINUTE, 25 * MINUTE];
  const cases = POINTS.flatMap((point) =>
    (["before", "after"] as const).flatMap((when) => spans.map((span) => [when, point, span] as const)),
  ).filter(
    // Frozen between the last look at the clock and the socket: only the deadline of the call itself bounds that.
    ([when, point, span]) => when === "after" || !point.endsWith("reboot") || span <= TIMINGS.callDeadline,
  );

  test.each(cases)(
    "%s await %s for %d ms and wakes up as a zombie reboots nothing twice",
    async (...args) => {
      const [when, point, span] = args;
      const world = new World();
      await world.due();
      const { promise: frozen, resolve: wake } = Promise.withResolvers<void>();
      const around = atAwait(point, async (call) => {
        if (when === "before") {
          await frozen;
          return call();
        }
        const value = await call();
        await frozen;
        return value;
      });
      const zombie = world.run("node-1", world.processorDeps(around));
      await goOn(world, span);
      wake();
      await zombie.catch(() => {});
      await goOn(world, 40 * MINUTE);
      expectAtMostOneCallPerWindow(world);
      expect(world.executor.calls.length).toBeGreaterThanOrEqual(2);
    },
  );

  test("before its intent, and wakes up when the node has recovered, reboots nothing", async () => {
    const world = new World();
    await world.due();
    const { promise: frozen, resolve: wake } = Promise.withResolvers<void>();
    const around = atAwait("10 store.compareAndSet", async (call) => {
      await frozen;
      return call();
    });
    const zombie = world.run("node-1", world.processorDeps(around));
    await world.seeAndJudge(aNode());
    wake();
    expect(await zombie).toMatchObject({ step: "Finish" });
    expect(world.executor.calls).toEqual([]);
    expect((await world.record())?.phase).toBe("Healthy");
  });
});
