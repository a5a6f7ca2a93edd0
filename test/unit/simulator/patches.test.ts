import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonPatch, JsonPatchError } from "../../../packages/simulator/src/patch/json-patch.ts";
import { mergePatch } from "../../../packages/simulator/src/patch/merge-patch.ts";
import { strategicMergePatch } from "../../../packages/simulator/src/patch/strategic-merge.ts";

const node = {
  metadata: { finalizers: ["a", "b"] },
  spec: { taints: [{ key: "a", effect: "NoSchedule" }], podCIDRs: ["1"] },
  status: {
    conditions: [
      { type: "Ready", status: "True", reason: "KubeletReady" },
      { type: "DiskPressure", status: "False" },
    ],
  },
};

describe("merge patch", () => {
  test.each([
    // The examples of RFC 7386, appendix A.
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("%j patched with %j is %j", (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  test("applying a patch twice is applying it once, and the target stays as it was", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (target, patch) => {
        const before = structuredClone(target);
        const once = mergePatch(target, patch);
        expect(mergePatch(once, patch)).toEqual(once);
        expect(target).toEqual(before);
      }),
    );
  });

  test("__proto__ in a patch is a key like any other", () => {
    mergePatch({}, JSON.parse('{"__proto__":{"polluted":1}}'));
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe("strategic merge patch", () => {
  test("conditions merge by type: neighbours stay", () => {
    const patch = {
      status: {
        conditions: [
          { type: "Ready", status: "False" },
          { type: "Ours", status: "True" },
        ],
      },
    };
    expect(strategicMergePatch(node, patch)).toMatchObject({
      status: {
        conditions: [
          { type: "Ready", status: "False", reason: "KubeletReady" },
          { type: "DiskPressure", status: "False" },
          { type: "Ours", status: "True" },
        ],
      },
    });
  });

  test("taints are atomic: a list replaces the list", () => {
    const taints = [{ key: "b", effect: "NoExecute" }];
    expect(strategicMergePatch(node, { spec: { taints } })).toMatchObject({
      spec: { taints, podCIDRs: ["1"] },
    });
  });

  test("directives delete and replace, and order hints are ignored", () => {
    const patch = {
      metadata: { "$deleteFromPrimitiveList/finalizers": ["a"] },
      status: {
        "$setElementOrder/conditions": [{ type: "Ready" }],
        conditions: [{ type: "DiskPressure", $patch: "delete" }],
      },
    };
    expect(strategicMergePatch(node, patch)).toEqual({
      ...node,
      metadata: { finalizers: ["b"] },
      status: { conditions: [node.status.conditions[0]] },
    });
    expect(strategicMergePatch(node, { spec: { $patch: "replace", unschedulable: true } })).toMatchObject({
      spec: { unschedulable: true },
    });
    expect(strategicMergePatch(node, { spec: { $retainKeys: ["podCIDRs"], podCIDRs: ["2"] } })).toMatchObject(
      {
        spec: { podCIDRs: ["1", "2"] },
      },
    );
  });
});

describe("JSON patch", () => {
  test("add, replace, remove, move, copy and test", () => {
    const patched = jsonPatch(node, [
      { op: "test", path: "/spec/taints/0/key", value: "a" },
      { op: "add", path: "/spec/taints/-", value: { key: "z" } },
      { op: "add", path: "/spec/taints/0", value: { key: "first" } },
      { op: "replace", path: "/status/conditions/1/status", value: "True" },
      { op: "remove", path: "/metadata/finalizers/0" },
      { op: "copy", from: "/spec/podCIDRs/0", path: "/spec/podCIDR" },
      { op: "move", from: "/spec/podCIDRs", path: "/spec/a~1b" },
    ]) as typeof node & { spec: Record<string, unknown> };
    expect(patched.spec.taints.map(({ key }) => key)).toEqual(["first", "a", "z"]);
    expect(patched.spec).toMatchObject({ podCIDR: "1", "a/b": ["1"] });
    expect(patched.metadata.finalizers).toEqual(["b"]);
    expect(patched.status.conditions[1]?.status).toBe("True");
  });

  test.each([
    [{ op: "test", path: "/spec/podCIDRs", value: [] }, /testing path \/spec\/podCIDRs value failed/],
    [{ op: "remove", path: "/nope" }, /nonexistent path/],
    [{ op: "replace", path: "/spec/nope", value: 1 }, /nonexistent path/],
    [{ op: "add", path: "/spec/taints/9", value: 1 }, /index out of bounds/],
    [{ op: "add", path: "spec", value: 1 }, /not a JSON pointer/],
    [{ op: "jump", path: "/spec" }, /unexpected kind of operation/],
  ])("%j is refused and changes nothing", (operation, message) => {
    const before = structuredClone(node);
    expect(() => jsonPatch(node, [{ op: "add", path: "/metadata/x", value: 1 }, operation])).toThrow(message);
    expect(() => jsonPatch(node, [operation])).toThrow(JsonPatchError);
    expect(node).toEqual(before);
  });
});
