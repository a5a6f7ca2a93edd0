import fc from "fast-check";
import { expect, test } from "vitest";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { censusOf } from "@node-agent/shared/core/plan/census.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { rememberedCensus } from "../../../packages/watcher/src/census.ts";

const NAMES = ["a", "b", "c", "d"];
const snapshot = fc
  .record({ name: fc.constantFrom(...NAMES), zone: fc.constantFrom("z1", "z2"), isSilent: fc.boolean() })
  .map(({ name, zone, isSilent }) => {
    const built = aNode(name).label("topology.kubernetes.io/zone", zone);
    return (isSilent ? built.unknown() : built).snapshot();
  });

test("a remembered census is that of the nodes seen, whatever came, changed or went in between", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(snapshot, fc.constantFrom(...NAMES))), (steps) => {
      const seen = new Map<string, NodeSnapshot>();
      const census = rememberedCensus();
      for (const step of steps) {
        if (typeof step === "object") seen.set(step.name, step);
        else seen.delete(step);
        expect(census(seen)).toEqual(censusOf(seen.values()));
      }
    }),
  );
});

test("nodes that did not change are not counted again", () => {
  const seen = new Map([["a", aNode("a").snapshot()]]);
  const census = rememberedCensus();
  expect(census(seen)).toBe(census(new Map(seen)));
});
