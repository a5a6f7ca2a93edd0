import { describe, expect, test } from "vitest";
import { createNodeFilter } from "../../../packages/kubernetes/src/reflector/node-filter.ts";

function labelled(labels: Record<string, string>, more: object = {}): unknown {
  return { metadata: { name: "n", labels, ...more } };
}

describe("node pools", () => {
  const selects = createNodeFilter({ pools: ["pool-a", "pool-b"] });

  test.each([
    ["the label of the CCM", { "kubernetes.civo.com/civo-node-pool": "pool-a" }, true],
    ["the label of the CLI", { "kubernetes.civo.com/node-pool": "pool-b" }, true],
    ["another pool", { "kubernetes.civo.com/node-pool": "pool-c" }, false],
    ["a prefix of the pool", { "kubernetes.civo.com/node-pool": "pool" }, false],
    ["no pool label", {}, false],
  ])("a node with %s is selected: %o -> %s", (_, labels, expected) => {
    expect(selects(labelled(labels))).toBe(expected);
  });

  test("without pools every node is selected, labels or none", () => {
    expect(createNodeFilter({ pools: [] })({ metadata: { name: "n" } })).toBe(true);
  });
});

describe("control-plane nodes are left alone unless asked for", () => {
  const roles = ["control-plane", "master", "controlplane", "etcd"];

  test.each(roles.flatMap((role) => ["", "true"].map((value) => [role, value] as const)))(
    "node-role.kubernetes.io/%s=%j",
    (role, value) => {
      const node = labelled({ [`node-role.kubernetes.io/${role}`]: value });
      expect(createNodeFilter({ pools: [] })(node)).toBe(false);
      expect(createNodeFilter({ pools: [], includeControlPlane: true })(node)).toBe(true);
    },
  );

  test("a role that says false is none", () => {
    expect(createNodeFilter({ pools: [] })(labelled({ "node-role.kubernetes.io/master": "false" }))).toBe(
      true,
    );
  });
});

describe("virtual nodes are left alone unless asked for", () => {
  test.each([
    ["label type", labelled({ type: "virtual-kubelet" })],
    ["kwok label", labelled({ "kwok.x-k8s.io/node": "fake" })],
    ["kwok annotation", labelled({}, { annotations: { "kwok.x-k8s.io/node": "fake" } })],
    [
      "virtual-kubelet taint",
      {
        metadata: { name: "n" },
        spec: { taints: [{ key: "virtual-kubelet.io/provider", value: "x", effect: "NoSchedule" }] },
      },
    ],
  ])("%s", (_, node) => {
    expect(createNodeFilter({ pools: [] })(node)).toBe(false);
    expect(createNodeFilter({ pools: [], includeVirtual: true })(node)).toBe(true);
  });
});

test.each([
  null,
  1,
  "node",
  [],
  {},
  { metadata: null },
  { metadata: { labels: [] } },
  JSON.parse('{"metadata":{"labels":{"__proto__":{"type":"virtual-kubelet"}}}}'),
])("a hostile object is judged without an error: %j", (node) => {
  expect(createNodeFilter({ pools: ["a"] })(node)).toBe(false);
  expect(createNodeFilter({ pools: [] })(node)).toBe(true);
});
