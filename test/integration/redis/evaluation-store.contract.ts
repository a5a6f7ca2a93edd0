import { beforeEach, describe, expect, test } from "vitest";
import { shardOf } from "../../../packages/shared/src/contract/keys.ts";
import { aRecord, commitOne, pending, version, type Stores } from "./stores.ts";

/** What every EvaluationStore promises. */
export function evaluationStoreContract(implementation: string, make: () => Stores): void {
  describe(`EvaluationStore contract: ${implementation}`, () => {
    let stores: Stores;
    beforeEach(() => {
      stores = make();
    });

    test("an empty shard has nothing to judge", async () => {
      expect((await stores.evaluations.load(3, 100)).nodes).toEqual([]);
    });

    test("a load gives no more nodes than asked for", async () => {
      const names = Array.from({ length: 400 }, (_, i) => `node-${i}`).filter((n) => shardOf(n) === 3);
      await stores.snapshots.publish(names.map((name) => version(name, "1")));
      expect((await stores.evaluations.load(3, 5)).nodes).toHaveLength(5);
      expect((await stores.evaluations.load(3, 500)).nodes.map(({ name }) => name).toSorted()).toEqual(
        names.toSorted(),
      );
    });

    test("a committed node has its record and waits no more", async () => {
      await stores.snapshots.publish([version("n", "1")]);
      expect(await commitOne(stores, "n", aRecord("n"))).toBe(true);
      expect(await pending(stores, "n")).toBeUndefined();
      expect((await stores.states.get("n")).record).toEqual(aRecord("n"));
    });

    test("a node that changed while it was judged keeps its new record and waits again", async () => {
      await stores.snapshots.publish([version("n", "1", "a")]);
      const seen = await pending(stores, "n");
      await stores.snapshots.publish([version("n", "2", "b")]);
      const over = { snapshotVersion: seen?.snapshotVersion ?? "" };
      expect(await commitOne(stores, "n", aRecord("n"), over)).toBe(true);
      expect(await pending(stores, "n")).toMatchObject({
        snapshot: { resourceVersion: "2" },
        record: { name: "n" },
      });
    });

    test("of two workers that judged the same node one is refused, and the node stays in its hands", async () => {
      await stores.snapshots.publish([version("n", "1")]);
      const seen = await pending(stores, "n");
      const over = { snapshotVersion: seen?.snapshotVersion ?? "", recordVersion: seen?.recordVersion ?? "" };
      await stores.states.compareAndSet("n", "0", aRecord("n", { everReady: false }));
      expect(await commitOne(stores, "n", aRecord("n"), over)).toBe(false);
      expect(await commitOne(stores, "n", "keep", over)).toBe(false);
      expect(await pending(stores, "n")).toMatchObject({ record: { everReady: false } });
    });

    test("a refused node does not hold back the others of its chunk", async () => {
      const [a = "", b = ""] = Array.from({ length: 99 }, (_, i) => `n-${i}`).filter((n) => shardOf(n) === 0);
      await stores.snapshots.publish([version(a, "1"), version(b, "1")]);
      const { nodes } = await stores.evaluations.load(0, 10);
      await stores.states.compareAndSet(a, "0", aRecord(a, { everReady: false }));
      const refused = await stores.evaluations.commit(
        0,
        nodes.map(({ name, snapshotVersion, recordVersion }) => ({
          name,
          snapshotVersion,
          recordVersion,
          record: aRecord(name),
        })),
      );
      expect([...refused]).toEqual([a]);
      expect((await stores.evaluations.load(0, 10)).nodes.map(({ name }) => name)).toEqual([a]);
    });

    test("a commit that arrives again after its reply was lost counts as committed and is written once", async () => {
      await stores.snapshots.publish([version("n", "1")]);
      const seen = await pending(stores, "n");
      const over = { snapshotVersion: seen?.snapshotVersion ?? "", recordVersion: seen?.recordVersion ?? "" };
      expect(await commitOne(stores, "n", aRecord("n"), over)).toBe(true);
      const { version: once } = await stores.states.get("n");
      expect(await commitOne(stores, "n", aRecord("n"), over)).toBe(true);
      expect((await stores.states.get("n")).version).toBe(once);
    });

    test("only a node that was verified to be gone loses its record", async () => {
      await stores.snapshots.publish([version("n", "1")]);
      await commitOne(stores, "n", aRecord("n"));
      await stores.snapshots.publish([version("n", "2", "b")]);
      expect(await commitOne(stores, "n", "delete")).toBe(false);
      expect((await stores.states.get("n")).record).toBeDefined();

      await stores.snapshots.forget("n", await stores.snapshots.version("n"));
      expect(await commitOne(stores, "n", "delete")).toBe(true);
      expect(await stores.states.get("n")).toMatchObject({ record: undefined, version: "0" });
      expect(await stores.snapshots.version("n")).toBeUndefined();
      expect((await stores.snapshots.versions(shardOf("n"))).size).toBe(0);
      expect(await pending(stores, "n")).toBeUndefined();
    });

    test("an absent version is not the word that a node is gone", async () => {
      await stores.states.compareAndSet("n", "0", aRecord("n"));
      const { version: recordVersion } = await stores.states.get("n");
      expect(await commitOne(stores, "n", "delete", { recordVersion })).toBe(false);
      expect((await stores.states.get("n")).record).toBeDefined();
    });

    test("a node that came back while it was being deleted keeps its record", async () => {
      await stores.snapshots.publish([version("n", "1")]);
      await commitOne(stores, "n", aRecord("n"));
      await stores.snapshots.forget("n", await stores.snapshots.version("n"));
      const seen = await pending(stores, "n");
      await stores.snapshots.publish([version("n", "2", "b")]);
      const over = { snapshotVersion: seen?.snapshotVersion ?? "", recordVersion: seen?.recordVersion ?? "" };
      expect(await commitOne(stores, "n", "delete", over)).toBe(false);
      expect(await pending(stores, "n")).toMatchObject({ gone: false, record: { name: "n" } });
    });

    test("a discarded snapshot keeps the record and is stored anew when it is published again", async () => {
      await stores.snapshots.publish([version("n", "1")]);
      await commitOne(stores, "n", aRecord("n"));
      await stores.snapshots.publish([version("n", "2", "b")]);
      expect(await commitOne(stores, "n", "discard")).toBe(true);
      expect(await pending(stores, "n")).toBeUndefined();
      expect((await stores.states.get("n")).record).toBeDefined();
      expect((await stores.snapshots.publish([version("n", "2", "b")])).shards).toEqual([shardOf("n")]);
    });

    test("a snapshot that was replaced meanwhile is not discarded", async () => {
      await stores.snapshots.publish([version("n", "1")]);
      const seen = await pending(stores, "n");
      await stores.snapshots.publish([version("n", "2", "b")]);
      await commitOne(stores, "n", "discard", { snapshotVersion: seen?.snapshotVersion ?? "" });
      expect(await stores.snapshots.version("n")).toMatchObject({ resourceVersion: "2" });
      expect(await pending(stores, "n")).toBeDefined();
    });

    test("a kept record stays as it is, version and attention included", async () => {
      await stores.snapshots.publish([version("n", "1")]);
      await commitOne(stores, "n", aRecord("n", { phase: "Unhealthy" }));
      const before = await stores.states.get("n");
      await stores.snapshots.markAttention();
      expect(await commitOne(stores, "n", "keep")).toBe(true);
      expect(await stores.states.get("n")).toMatchObject({ version: before.version, record: before.record });
      expect(await stores.snapshots.markAttention()).toEqual([shardOf("n")]);
    });

    test("a kept record of a healthy node asks for no attention", async () => {
      await stores.snapshots.publish([version("n", "1")]);
      await commitOne(stores, "n", aRecord("n"));
      await stores.snapshots.publish([version("n", "2", "b")]);
      expect(await commitOne(stores, "n", "keep", { judged: aRecord("n") })).toBe(true);
      expect(await stores.snapshots.markAttention()).toEqual([]);
    });

    test("a deleted node needs no attention any more", async () => {
      await stores.snapshots.publish([version("n", "1")]);
      await commitOne(stores, "n", aRecord("n", { phase: "Unhealthy" }));
      await stores.snapshots.forget("n", await stores.snapshots.version("n"));
      await commitOne(stores, "n", "delete");
      expect(await stores.snapshots.markAttention()).toEqual([]);
      expect(await stores.states.listUnhealthy()).toEqual([]);
    });
  });
}
