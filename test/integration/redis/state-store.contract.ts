import { beforeEach, describe, expect, test } from "vitest";
import { aRecord, commitOne, version, type Stores } from "./stores.ts";

/** What every StateStore promises. */
export function stateStoreContract(implementation: string, make: () => Stores): void {
  describe(`StateStore contract: ${implementation}`, () => {
    let stores: Stores;
    beforeEach(() => {
      stores = make();
    });

    test("a node never judged has no record", async () => {
      expect(await stores.states.get("n")).toMatchObject({ record: undefined, fault: undefined });
    });

    test("a record is written only over the version that was read", async () => {
      const { version: none } = await stores.states.get("n");
      expect(await stores.states.compareAndSet("n", none, aRecord("n"))).toBe(true);
      const { version: first } = await stores.states.get("n");
      expect(await stores.states.compareAndSet("n", none, aRecord("n", { gpuNode: true }))).toBe(false);
      expect(await stores.states.compareAndSet("n", first, aRecord("n", { gpuHighWater: 8 }))).toBe(true);
      expect((await stores.states.get("n")).record).toEqual(aRecord("n", { gpuHighWater: 8 }));
      expect(await stores.states.compareAndSet("n", first, aRecord("n", { gpuHighWater: 4 }))).toBe(false);
    });

    test("of 20 racing writers exactly one wins each round", async () => {
      for (let round = 0; round < 5; round += 1) {
        const { version: read } = await stores.states.get("n");
        const wins = await Promise.all(
          Array.from({ length: 20 }, async (_, i) =>
            stores.states.compareAndSet("n", read, aRecord("n", { gpuHighWater: round * 100 + i })),
          ),
        );
        expect(wins.filter(Boolean)).toHaveLength(1);
      }
    });

    test("a write that arrives again after its reply was lost counts as written and is written once", async () => {
      const { version: none } = await stores.states.get("n");
      await stores.states.compareAndSet("n", none, aRecord("n"));
      const { version: once } = await stores.states.get("n");
      expect(await stores.states.compareAndSet("n", none, aRecord("n"))).toBe(true);
      expect((await stores.states.get("n")).version).toBe(once);
    });

    test.each<[string, (uid: string) => Promise<unknown>]>([
      ["one by one", async (uid) => stores.states.compareAndSet("n", "0", aRecord("n", { uid }))],
      ["in chunks", async (uid) => commitOne(stores, "n", aRecord("n", { uid }))],
    ])(
      "a version is never used again after the record was deleted and made anew, written %s",
      async (_, write) => {
        await stores.snapshots.publish([version("n", "1")]);
        await write("uid-1");
        const { version: old } = await stores.states.get("n");
        await stores.snapshots.forget("n", await stores.snapshots.version("n"));
        await commitOne(stores, "n", "delete");
        await stores.snapshots.publish([version("n", "2")]);
        await write("uid-2");
        expect((await stores.states.get("n")).version).not.toBe(old);
        expect(await stores.states.compareAndSet("n", old, aRecord("n", { gpuNode: true }))).toBe(false);
        expect((await stores.states.get("n")).record?.uid).toBe("uid-2");
      },
    );

    test("a record comes with the view it is to be read under", async () => {
      const beat = await stores.snapshots.beat(5);
      const { view } = await stores.states.get("n");
      expect(view.observed).toBe(beat.observed);
      expect(view.now).toBeGreaterThanOrEqual(beat.now);
      expect(view.age).toBe(view.now - (beat.now - 5));
    });

    test("the unhealthy are listed and all are counted by pool and phase", async () => {
      await stores.states.compareAndSet("a", "0", aRecord("a", { pool: "p" }));
      await stores.states.compareAndSet("b", "0", aRecord("b", { pool: "p" }));
      await stores.states.compareAndSet("c", "0", aRecord("c", { phase: "Unhealthy" }));
      expect(await stores.states.listUnhealthy()).toEqual([aRecord("c", { phase: "Unhealthy" })]);
      expect((await stores.states.getMany(["c", "a", "gone"])).map(({ name }) => name).toSorted()).toEqual([
        "a",
        "c",
      ]);
      expect(await stores.states.getMany([])).toEqual([]);
      const counts = (await stores.states.countRecords()).toSorted((x, y) => x.count - y.count);
      expect(counts).toEqual([
        { gauge: "nodes", labels: { pool: undefined, phase: "Unhealthy" }, count: 1 },
        { gauge: "nodes", labels: { pool: "p", phase: "Healthy" }, count: 2 },
      ]);
    });
  });
}
