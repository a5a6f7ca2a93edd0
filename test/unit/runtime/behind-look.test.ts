import { beforeEach, describe, expect, test } from "vitest";
import type { NodeLook } from "@node-agent/shared/core/explain-input.ts";
import { snapshotFingerprint } from "@node-agent/shared/core/snapshot.ts";
import type { StoredVersion } from "@node-agent/shared/ports/snapshot-store.ts";
import { lookBehind } from "@node-agent/shared/runtime/behind-look.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import { MemoryNodeReader } from "@node-agent/shared/testing/memory-node-reader.ts";

const WELL = aNode("node-1").resourceVersion(1203);
const SICK = aNode("node-1").resourceVersion(1014).notReady();
const found = (node: NodeBuilder): NodeLook => ({ state: "Found", snapshot: node.snapshot() });

let reader: MemoryNodeReader;
let slept: number;
beforeEach(() => {
  reader = new MemoryNodeReader();
  slept = 0;
});

function storedAs(node: NodeBuilder | "gone" | undefined): StoredVersion | undefined {
  if (node === undefined) return undefined;
  if (node === "gone") return { resourceVersion: "gone", uid: "", fingerprint: "", gone: true, raw: "gone" };
  const { resourceVersion, uid, ...rest } = node.snapshot();
  const fingerprint = snapshotFingerprint({ resourceVersion, uid, ...rest });
  return { resourceVersion, uid, fingerprint, gone: false, raw: `${resourceVersion} ${uid} ${fingerprint}` };
}

/** Looks while the store says each of these in turn, the last one for good. */
async function look(node: NodeLook, ...stored: readonly (StoredVersion | undefined)[]) {
  let nth = 0;
  return lookBehind("node-1", node, {
    snapshots: { version: async () => stored[Math.min(nth++, stored.length - 1)] },
    digest: snapshotFingerprint,
    selects: () => true,
    reader,
    clock: {
      now: () => slept,
      monotonic: () => slept,
      sleep: async (span) => {
        slept += span;
      },
    },
    delivery: 5000,
  });
}

describe("what is stored of a node, held against a fresh read", () => {
  test("agrees: nothing is behind, and nobody waits", async () => {
    reader.set(SICK.snapshot());
    expect(await look(found(SICK), storedAs(SICK))).toBeUndefined();
    // A heartbeat moves the version and not the content.
    expect(
      await look(found(SICK), storedAs(aNode("node-1").resourceVersion(900).notReady())),
    ).toBeUndefined();
    expect(slept).toBe(0);
  });

  test("contradicts it for as long as a delivery may take: both versions are named", async () => {
    reader.set(SICK.snapshot());
    expect(await look(found(SICK), storedAs(WELL))).toEqual({ stored: "1203", server: "1014" });
    expect(slept).toBe(5000);
  });

  test("contradicts it until the news comes", async () => {
    reader.set(SICK.snapshot());
    expect(await look(found(SICK), storedAs(WELL), storedAs(WELL), storedAs(SICK))).toBeUndefined();
    expect(slept).toBeLessThan(5000);
  });

  test("or until the node is as it was again", async () => {
    reader.set(WELL.snapshot());
    expect(await look(found(SICK), storedAs(WELL))).toBeUndefined();
  });

  test.each([
    ["nothing is stored", found(SICK), undefined, { server: "1014" }],
    ["it is stored as gone", found(SICK), "gone", { server: "1014" }],
  ] as const)("%s, and the node exists", async (_, node, stored, behind) => {
    reader.set(SICK.snapshot());
    expect(await look(node, storedAs(stored))).toEqual(behind);
  });

  test("it is stored, and the node is gone", async () => {
    expect(await look({ state: "Gone" }, storedAs(WELL))).toEqual({ stored: "1203" });
    expect(await look({ state: "Gone" }, storedAs("gone"))).toBeUndefined();
  });

  test("nobody can tell of a node that could not be read, first or again", async () => {
    expect(await look({ state: "Unread", why: "403" }, storedAs(WELL))).toBeUndefined();
    reader.fault = new Error("503");
    expect(await look(found(SICK), storedAs(WELL))).toBeUndefined();
  });
});
