import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "@node-agent/shared/core/canonical-json.ts";
import { fnv1a64 } from "@node-agent/shared/core/fnv1a.ts";
import { snapshotFingerprint } from "@node-agent/shared/core/snapshot.ts";
import { digestOf, rememberedDigests } from "@node-agent/shared/redis/snapshot-digest.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";

/** As versions up to 0.2 wrote it: watchers of both stand side by side during a rollout. */
function canonicalBefore(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** The published definition, in whole numbers. */
function fnvBefore(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text))
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) % (1n << 64n);
  return hash.toString(16).padStart(16, "0");
}

const key = fc.oneof(
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.nat().map(String),
  fc.constantFrom("__proto__", "toString", "4294967294", "4294967295", "01", "-1", "1e3"),
);

describe("what fingerprints are made of", () => {
  test("is byte for byte what older versions wrote", () => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.string({ unit: "binary", maxLength: 12 }),
        fc.double(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(key, fc.oneof(tie("value"), fc.constant(undefined)), { maxKeys: 6 }),
      ),
    }));
    fc.assert(
      fc.property(value, (one) => {
        expect(canonicalJson(one)).toBe(canonicalBefore(one));
      }),
    );
  });

  test("is hashed as published, whatever characters it has", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.string({ unit: "grapheme-ascii", maxLength: 2000 }),
        (a, b) => {
          expect(fnv1a64(a)).toBe(fnvBefore(a));
          expect(fnv1a64(`${b}\ud800`)).toBe(fnvBefore(`${b}\ud800`));
        },
      ),
    );
  });

  test("gives the fingerprints that are stored today", () => {
    const nodes = [
      aNode("n"),
      aNode("n").gpu(8).taint("a", "NoExecute", "b"),
      aNode("n").notReady().pool("pöl"),
    ];
    const fingerprints = nodes.map((node) => snapshotFingerprint(node.snapshot()));
    expect(fingerprints).toEqual(["5d5887107252f2c6", "aff43b26a0ae98f4", "d59639d8620e1049"]);
    const first = aNode("n").snapshot();
    for (const digest of [digestOf, rememberedDigests()])
      expect(digest(first)).toBe("k29594YfKVJf9MqSpy5cR-");
  });
});
