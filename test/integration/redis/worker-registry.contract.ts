import { beforeEach, describe, expect, test } from "vitest";
import type { LiveWorker } from "../../../packages/shared/src/core/hosting.ts";
import type { WorkerRegistry } from "../../../packages/shared/src/ports/worker-registry.ts";

/** Two clients of one registry, as two workers hold them, and time that passes for both. */
export interface Registries {
  readonly clients: readonly [WorkerRegistry, WorkerRegistry];
  readonly pass: (span: number) => Promise<void>;
}

const A: LiveWorker = { id: "host-a/1", node: "node-1", monitorOnly: false };
const B: LiveWorker = { id: "host-b/1", monitorOnly: true };

/** What every WorkerRegistry promises. */
export function workerRegistryContract(
  implementation: string,
  silence: number,
  make: () => Registries,
): void {
  describe(`WorkerRegistry contract: ${implementation}`, () => {
    let one: WorkerRegistry;
    let other: WorkerRegistry;
    let pass: Registries["pass"];
    beforeEach(() => {
      ({
        clients: [one, other],
        pass,
      } = make());
    });
    const live = async (): Promise<readonly LiveWorker[]> =>
      (await other.live()).toSorted((a, b) => (a.id < b.id ? -1 : 1));

    test("nobody lives at first", async () => {
      expect(await live()).toEqual([]);
    });

    test("workers know each other, what they were told of their node and their mode", async () => {
      await one.beat(A);
      await other.beat(B);
      expect(await live()).toEqual([A, B]);
      expect(await one.live()).toHaveLength(2);
    });

    test("the latest sign of life counts, and a worker is there once", async () => {
      await one.beat(A);
      await one.beat({ ...A, node: "node-2" });
      expect(await live()).toEqual([{ ...A, node: "node-2" }]);
      await one.beat({ id: A.id, monitorOnly: false });
      expect(await live()).toEqual([{ id: A.id, monitorOnly: false }]);
    });

    test("who is silent for too long is gone, and who speaks stays", async () => {
      await one.beat(A);
      await other.beat(B);
      await pass(silence * 0.7);
      await one.beat(A);
      expect(await live()).toEqual([A, B]);
      await pass(silence * 0.7);
      expect(await live()).toEqual([A]);
    });

    test("who was gone and speaks is there again", async () => {
      await one.beat(A);
      await pass(silence * 2);
      expect(await live()).toEqual([]);
      await one.beat(A);
      expect(await live()).toEqual([A]);
    });

    test("who takes leave is gone at once, once or twice, known or not", async () => {
      await one.beat(A);
      await other.beat(B);
      await one.leave(A);
      await one.leave(A);
      await one.leave({ id: "never seen", monitorOnly: true });
      expect(await live()).toEqual([B]);
    });

    test("a sign of life is answered with the time and everyone heard lately, those that left among them", async () => {
      const C: LiveWorker = { id: "host-c/1", monitorOnly: false, policy: "abc" };
      await one.beat(A);
      await one.beat(C);
      await one.leave(C);
      const { now, workers } = await other.beat(B);
      expect(now).toBeGreaterThan(0);
      expect(workers.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([A, B, { ...C, left: true }]);
      await pass(silence * 0.7);
      await other.beat(B);
      await pass(silence * 0.7);
      expect((await other.beat(B)).workers).toEqual([B]);
      await one.beat(C);
      expect(await live()).toEqual([B, C]);
    });

    test.each(["__proto__", "constructor", "", "a b", "\u0000\u2028"])(
      "an id that reads %j is an id",
      async (id) => {
        await one.beat({ ...A, id });
        expect(await live()).toEqual([{ ...A, id }]);
      },
    );
  });
}
