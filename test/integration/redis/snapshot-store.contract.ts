import { beforeEach, describe, expect, test } from "vitest";
import { SHARDS, shardOf } from "../../../packages/shared/src/contract/keys.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { aRecord, commitOne, pending, publication, version, type Stores } from "./stores.ts";

/** What every SnapshotStore promises. */
export function snapshotStoreContract(implementation: string, make: () => Stores): void {
  describe(`SnapshotStore contract: ${implementation}`, () => {
    let stores: Stores;
    beforeEach(() => {
      stores = make();
    });
    const stored = async (name: string) => (await stores.snapshots.version(name))?.resourceVersion;
    const publish = async (...batch: ReturnType<typeof version>[]) =>
      (await stores.snapshots.publish(batch)).shards;

    test("a new node is stored and its shard has work", async () => {
      expect(await publish(version("n", "5"))).toEqual([shardOf("n")]);
      expect(await stored("n")).toBe("5");
      expect((await pending(stores, "n"))?.snapshot).toEqual(aNode("n").resourceVersion("5").snapshot());
    });

    test.each([
      ["9", "10", "the longer version is the newer one, whatever the text says"],
      ["100", "101", "equal lengths compare as text"],
      ["9007199254740992", "9007199254740993", "versions beyond a double's integers are told apart"],
      ["123456789012345678901234567890", "123456789012345678901234567891", "30 digits are compared exactly"],
      [
        "999999999999999999999999999999",
        "1000000000000000000000000000000",
        "30 digits are older than 31 digits",
      ],
    ])("of %s and %s the second wins in either order of arrival: %s", async (older, newer) => {
      await publish(version("n", older, "a"), version("n", newer, "b"));
      await publish(version("m", newer, "b"), version("m", older, "a"));
      expect([await stored("n"), await stored("m")]).toEqual([newer, newer]);
      expect((await pending(stores, "n"))?.snapshot?.resourceVersion).toBe(newer);
      expect((await pending(stores, "m"))?.snapshot?.resourceVersion).toBe(newer);
    });

    test("an older version changes nothing and makes no work", async () => {
      await publish(version("n", "10", "new"));
      await commitOne(stores, "n", aRecord("n"));
      expect(await publish(version("n", "9", "old"))).toEqual([]);
      expect(await publish(version("n", "10", "old"))).toEqual([]);
      expect(await stored("n")).toBe("10");
      expect(await pending(stores, "n")).toBeUndefined();
    });

    test("the same content under a newer version moves the version on and makes no work", async () => {
      await publish(version("n", "5"));
      await commitOne(stores, "n", aRecord("n"));
      expect(await publish(version("n", "6"))).toEqual([]);
      expect(await stored("n")).toBe("6");
      expect(await pending(stores, "n")).toBeUndefined();
    });

    test("the same content of a node that still waits for judgement wakes its shard again and is no news", async () => {
      await publish(version("n", "5"));
      const shards = [shardOf("n")];
      expect(await stores.snapshots.publish([version("n", "6")])).toEqual({ shards, accepted: 0 });
      expect(await stores.snapshots.publish([version("n", "7", "b")])).toEqual({ shards, accepted: 1 });
    });

    test("of one batch only the news are accepted, and only shards with work are named", async () => {
      const [waits, judged, older, fresh] = ["waits", "judged", "older", "fresh"] as const;
      await publish(version(judged, "5"), version(older, "5"));
      await commitOne(stores, judged, aRecord(judged));
      await commitOne(stores, older, aRecord(older));
      await publish(version(waits, "5"));
      const batch = [
        version(waits, "6"),
        version(judged, "6"),
        version(older, "4", "b"),
        version(fresh, "6"),
      ];
      const { shards, accepted } = await stores.snapshots.publish(batch);
      expect(accepted).toBe(1);
      expect(new Set([judged, older, waits, fresh].map(shardOf)).size).toBe(4);
      expect(shards.toSorted((a, b) => a - b)).toEqual(
        [shardOf(waits), shardOf(fresh)].toSorted((a, b) => a - b),
      );
    });

    test("the same content under another uid is another node and makes work", async () => {
      await publish(version("n", "5"));
      await commitOne(stores, "n", aRecord("n"));
      const replaced = aNode("n").uid("uid-2").resourceVersion("6").snapshot();
      expect(await publish(publication(replaced))).toEqual([shardOf("n")]);
      expect((await pending(stores, "n"))?.snapshot?.uid).toBe("uid-2");
    });

    test("an older version wins over the very one that is proved to be of a lost history, and over no other", async () => {
      await publish(version("n", "1000", "after"));
      await commitOne(stores, "n", aRecord("n"));
      const over = await stores.snapshots.version("n");
      if (over === undefined) throw new Error("nothing is stored");
      await publish(version("n", "1001", "meanwhile"));
      await commitOne(stores, "n", aRecord("n"));
      const older = version("n", "7", "before");
      expect(await stores.snapshots.publish([{ ...older, over }])).toEqual({ shards: [], accepted: 0 });
      expect(await stored("n")).toBe("1001");
      const now = await stores.snapshots.version("n");
      const { shards } = await stores.snapshots.publish([{ ...older, over: now ?? over }]);
      expect(shards).toEqual([shardOf("n")]);
      expect(await stored("n")).toBe("7");
      expect((await pending(stores, "n"))?.snapshot?.resourceVersion).toBe("7");
    });

    test("a batch of 1,000 nodes is stored whole, and every shard with work is named once", async () => {
      const batch = Array.from({ length: 1000 }, (_, i) => version(`node-${i}`, String(i + 1)));
      const { shards, accepted } = await stores.snapshots.publish(batch);
      expect(accepted).toBe(1000);
      expect(shards.toSorted((a, b) => a - b)).toEqual(Array.from({ length: SHARDS }, (_, i) => i));
      let names = 0;
      for (let shard = 0; shard < SHARDS; shard += 1) names += (await stores.snapshots.versions(shard)).size;
      expect(names).toBe(1000);
    });

    test("of racing publishers the newest version of every node wins, and its content with it", async () => {
      const names = Array.from({ length: 20 }, (_, i) => `race-${i}`);
      const race = Array.from({ length: 50 }, (_, i) => i + 1).toSorted(() => Math.random() - 0.5);
      await Promise.all(race.map(async (rv) => publish(...names.map((n) => version(n, `${rv}`, `c${rv}`)))));
      for (const name of names) {
        expect(await stored(name)).toBe("50");
        expect((await pending(stores, name))?.snapshot?.resourceVersion).toBe("50");
      }
    });

    test("a forgotten node is gone and waits to be cleaned up after", async () => {
      await publish(version("n", "5"));
      const seen = await stores.snapshots.version("n");
      expect(await stores.snapshots.forget("n", seen)).toEqual([shardOf("n")]);
      expect(await stores.snapshots.version("n")).toMatchObject({ gone: true });
      expect(await pending(stores, "n")).toMatchObject({ gone: true, snapshot: undefined });
    });

    test("a node published since the caller looked is not forgotten", async () => {
      await publish(version("n", "5"));
      const seen = await stores.snapshots.version("n");
      await publish(version("n", "6", "other"));
      expect(await stores.snapshots.forget("n", seen)).toEqual([]);
      expect(await stores.snapshots.forget("n", undefined)).toEqual([]);
      expect(await stores.snapshots.version("n")).toMatchObject({ gone: false, resourceVersion: "6" });
    });

    test("a node of which only a record is left can be forgotten", async () => {
      await stores.states.compareAndSet("n", "0", aRecord("n"));
      expect((await stores.snapshots.versions(shardOf("n"))).get("n")).toMatchObject({
        raw: "",
        gone: false,
      });
      expect(await stores.snapshots.version("n")).toBeUndefined();
      expect(await stores.snapshots.forget("n", undefined)).toEqual([shardOf("n")]);
    });

    test("a node that comes back after it was forgotten is stored, also under an older version", async () => {
      await publish(version("n", "5"));
      await stores.snapshots.forget("n", await stores.snapshots.version("n"));
      expect(await publish(version("n", "3"))).toEqual([shardOf("n")]);
      expect(await pending(stores, "n")).toMatchObject({ gone: false, snapshot: { resourceVersion: "3" } });
    });

    test("attention wakes every node that is not Healthy, and only those", async () => {
      const phases = ["Unknown", "Unhealthy", "WaitingReboot", "Failed", "Healthy"] as const;
      for (const phase of phases) {
        const name = phase.toLowerCase();
        await publish(version(name, "1"));
        await commitOne(stores, name, aRecord(name, { phase }));
      }
      const shards = await stores.snapshots.markAttention();
      for (const name of ["unknown", "unhealthy", "waitingreboot", "failed"]) {
        expect(shards).toContain(shardOf(name));
        expect(await pending(stores, name)).toMatchObject({ name });
      }
      expect(await pending(stores, "healthy")).toBeUndefined();
    });

    test("attention ends with recovery, whichever way the record was written", async () => {
      await publish(version("a", "1"), version("b", "1"));
      await commitOne(stores, "a", aRecord("a", { phase: "Unhealthy" }));
      await commitOne(stores, "b", aRecord("b", { phase: "Unhealthy" }));
      await stores.snapshots.markAttention();
      await commitOne(stores, "a", aRecord("a"));
      await commitOne(stores, "b", "keep");
      const { version: read } = await stores.states.get("b");
      await stores.states.compareAndSet("b", read, aRecord("b"));
      // The second is compared with its snapshot once: that judgement had left another record.
      expect(await stores.snapshots.markAttention()).toEqual([shardOf("b")]);
      await commitOne(stores, "b", aRecord("b"));
      expect(await stores.snapshots.markAttention()).toEqual([]);
    });

    test("a node whose record was lost while its snapshot was not is judged again", async () => {
      await publish(version("n", "1"));
      await commitOne(stores, "n", aRecord("n"));
      expect(await stores.snapshots.markAttention()).toEqual([]);
      await stores.loseRecord("n");
      expect(await stores.snapshots.markAttention()).toEqual([shardOf("n")]);
      expect(await pending(stores, "n")).toMatchObject({ name: "n", record: undefined });
    });

    test("a record that something else wrote is judged again by its snapshot, once, and told apart", async () => {
      await publish(version("n", "1"), version("other", "1"));
      for (const name of ["n", "other"]) await commitOne(stores, name, aRecord(name, { uid: "judged" }));
      const { version: read } = await stores.states.get("n");
      await stores.states.compareAndSet("n", read, aRecord("n", { uid: "fresh" }));
      expect(await stores.snapshots.markAttention()).toEqual([shardOf("n")]);
      expect(await pending(stores, "other")).toBeUndefined();
      expect(await pending(stores, "n")).toMatchObject({ record: { uid: "fresh" }, rewritten: true });
      await commitOne(stores, "n", "keep", { judged: aRecord("n", { uid: "fresh" }) });
      expect(await stores.snapshots.markAttention()).toEqual([]);
    });

    test("a new snapshot is not one that was judged before", async () => {
      await publish(version("n", "1", "a"));
      await commitOne(stores, "n", aRecord("n"));
      const { version: read } = await stores.states.get("n");
      await stores.states.compareAndSet("n", read, aRecord("n", { uid: "fresh" }));
      await publish(version("n", "2", "b"));
      expect(await pending(stores, "n")).toMatchObject({ rewritten: false });
    });

    test("a version that moves on under the same content needs no judgement", async () => {
      await publish(version("n", "1", "a"));
      await commitOne(stores, "n", aRecord("n"));
      await publish(version("n", "2", "a"));
      expect(await stores.snapshots.markAttention()).toEqual([]);
    });

    test("a node that time alone may change is judged again and again, until it is no more", async () => {
      await publish(version("n", "1"));
      await commitOne(stores, "n", aRecord("n"), { timed: true, judged: aRecord("n") });
      for (const timed of [true, true, false]) {
        expect(await stores.snapshots.markAttention()).toEqual([shardOf("n")]);
        await commitOne(stores, "n", "keep", { timed, judged: aRecord("n") });
      }
      expect(await stores.snapshots.markAttention()).toEqual([]);
    });

    test("attention tells of old work too: a wake-up that was lost is made good", async () => {
      await publish(version("n", "1"));
      expect(await stores.snapshots.markAttention()).toEqual([shardOf("n")]);
    });

    test("the observation clock starts at nothing and knows no age before the first beat", async () => {
      const { view } = await stores.evaluations.load(0, 1);
      expect(view).toMatchObject({ observed: 0, age: undefined });
      expect(await stores.snapshots.beat(0)).toMatchObject({ observed: 0, age: 0 });
    });

    test("the observation clock adds what was seen between two beats, up to what the caller vouches for", async () => {
      const first = stores.at(await stores.snapshots.beat(0));
      await stores.pass(600);
      const second = await stores.snapshots.beat(200);
      expect(second.observed).toBe(stores.at(second) - 200 - first);
      expect(second.age).toBe(200);
    });

    test("a silence longer than the limit was blind and adds nothing", async () => {
      await stores.snapshots.beat(0);
      await stores.pass(stores.maxGap + 1);
      const blind = await stores.snapshots.beat(0);
      expect(blind.observed).toBe(0);
      const from = stores.at(blind);
      await stores.pass(30);
      const last = await stores.snapshots.beat(0);
      expect(last.observed).toBe(stores.at(last) - from);
    });

    const present = async (): Promise<number> => (await stores.states.get("n")).view.now;

    test("an age measured before the beat came is counted from its measurement, and never from the future", async () => {
      const first = stores.at(await stores.snapshots.beat(0));
      await stores.pass(500);
      const now = await present();
      const late = await stores.snapshots.beat(100, now - 300);
      expect((late.age ?? 0) - (late.now - now)).toBe(400);
      expect(late.observed).toBe(stores.at(late) - (late.age ?? 0) - first);
      const ahead = await stores.snapshots.beat(0, (await present()) + 60_000);
      expect(ahead.age).toBe(0);
    });

    test("who asks as of no time vouches for nothing", async () => {
      expect(await stores.snapshots.beat(0, 0)).toMatchObject({ observed: 0, age: undefined, steady: 0 });
      await stores.snapshots.beat(0);
      await stores.pass(50);
      expect((await stores.snapshots.beat(0, 0)).age).toBeGreaterThanOrEqual(50);
    });

    test("a view is steady from its beginning, and anew after a gap", async () => {
      const begun = await stores.snapshots.beat(0);
      const first = stores.at(begun);
      expect(begun.steady).toBe(0);
      await stores.pass(300);
      const second = await stores.snapshots.beat(0);
      expect(second.steady).toBe(stores.at(second) - first);
      await stores.pass(stores.maxGap + 1);
      expect((await stores.snapshots.beat(0)).steady).toBe(0);
    });

    test("with several watchers the observation clock never runs faster than time", async () => {
      const first = stores.at(await stores.snapshots.beat(0));
      for (let round = 0; round < 5; round += 1) {
        const ages = [0, 3, 50, 7, 0, 1000];
        const views = await Promise.all(ages.map(async (age) => stores.snapshots.beat(age)));
        for (const view of views) {
          expect(view.observed).toBeLessThanOrEqual(stores.at(view) - first);
        }
        await stores.pass(15);
      }
      const last = await stores.snapshots.beat(0);
      expect(last.observed).toBe(stores.at(last) - first);
    });

    test("a watcher that sees less does not take back what another one saw", async () => {
      await stores.snapshots.beat(0);
      await stores.pass(200);
      const seen = await stores.snapshots.beat(0);
      const lagging = await stores.snapshots.beat(150);
      expect(lagging.observed).toBe(seen.observed);
      expect(lagging.age).toBe(lagging.now - seen.now);
    });
  });
}
