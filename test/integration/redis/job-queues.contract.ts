import { beforeEach, describe, expect, test } from "vitest";
import type { JobQueues } from "../../../packages/shared/src/ports/job-queues.ts";

/** Queues with a view of what is on them. */
export interface ObservedQueues {
  readonly queues: JobQueues;
  /** Shards with a wake-up that waits, each as often as it stands there. */
  readonly woken: () => Promise<number[]>;
  /** Pending reboots: node and remaining delay in milliseconds, each as often as it stands there. */
  readonly pending: () => Promise<{ node: string; delay: number }[]>;
}

/** What every JobQueues promises. */
export function jobQueuesContract(implementation: string, make: () => ObservedQueues): void {
  describe(`JobQueues contract: ${implementation}`, () => {
    let it: ObservedQueues;
    beforeEach(() => {
      it = make();
    });
    const delayOf = async (node: string) => (await it.pending()).find((job) => job.node === node)?.delay;

    test("a shard woken many times waits once", async () => {
      await it.queues.wakeShards([3, 5]);
      await Promise.all(Array.from({ length: 10 }, async () => it.queues.wakeShards([3])));
      expect((await it.woken()).toSorted((a, b) => a - b)).toEqual([3, 5]);
    });

    test("waking no shard is allowed", async () => {
      await it.queues.wakeShards([]);
      expect(await it.woken()).toEqual([]);
    });

    test("there is one pending reboot per node, however often it is ensured", async () => {
      await Promise.all(Array.from({ length: 10 }, async () => it.queues.ensureReboot("n", 60_000)));
      expect((await it.pending()).map(({ node }) => node)).toEqual(["n"]);
    });

    test("ensuring a pending reboot keeps the time it has", async () => {
      await it.queues.ensureReboot("n", 60_000);
      await it.queues.ensureReboot("n", 5_000_000);
      await it.queues.ensureReboot("n", 10);
      const delay = (await delayOf("n")) ?? 0;
      expect(delay).toBeGreaterThan(30_000);
      expect(delay).toBeLessThanOrEqual(60_000);
    });

    test("ensuring many at once makes those that are missing, to run at once, and leaves the others", async () => {
      await it.queues.ensureReboots([]);
      await it.queues.ensureReboot("has-one", 60_000);
      const missing = Array.from({ length: 300 }, (_, i) => `missing-${i}`);
      for (let again = 0; again < 2; again += 1) await it.queues.ensureReboots(["has-one", ...missing]);
      expect((await it.pending()).map(({ node }) => node).toSorted()).toEqual(
        ["has-one", ...missing].toSorted(),
      );
      expect(await delayOf("has-one")).toBeGreaterThan(30_000);
      expect(await delayOf("missing-7")).toBeLessThanOrEqual(1);
    });

    test("moving a pending reboot gives it the new time, earlier or later", async () => {
      await it.queues.ensureReboot("n", 60_000);
      await it.queues.moveReboot("n", 3_600_000);
      expect(await delayOf("n")).toBeGreaterThan(3_000_000);
      await it.queues.moveReboot("n", 30_000);
      expect(await delayOf("n")).toBeLessThanOrEqual(30_000);
      expect(await it.pending()).toHaveLength(1);
    });

    test("moving a pending reboot that does not exist makes it", async () => {
      await it.queues.moveReboot("n", 60_000);
      expect(await delayOf("n")).toBeGreaterThan(30_000);
    });

    test.each([-5, 0, 0.4])("a delay of %d means now", async (delay) => {
      await it.queues.ensureReboot("n", delay);
      expect(await delayOf("n")).toBeLessThanOrEqual(1);
    });

    test.each([Number.NaN, Number.POSITIVE_INFINITY, 1e300])(
      "a delay of %d, which only damaged bytes can lead to, makes a job that looks soon enough",
      async (delay) => {
        await it.queues.ensureReboot("n", delay);
        await it.queues.moveReboot("m", delay);
        for (const node of ["n", "m"]) expect(await delayOf(node)).toBeLessThanOrEqual(86_400_000);
      },
    );

    test("names of nodes are taken as they are", async () => {
      const names = ["a.b.c", "123", "gpu-1", "x".repeat(253)];
      for (const name of names) await it.queues.ensureReboot(name, 60_000);
      expect((await it.pending()).map(({ node }) => node).toSorted()).toEqual(names.toSorted());
    });
  });
}
