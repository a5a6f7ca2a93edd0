import { describe, expect, test } from "vitest";

import { fnv1a64 } from "@node-agent/shared/core/fnv1a.ts";
import { ANNOTATION_PREFIX, snapshotFingerprint, toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";

import { listShape } from "./list-shape.ts";

const minimal = { metadata: { name: "n", uid: "u", resourceVersion: "1" } };

function conditionsOf(...conditions: object[]): unknown {
  return { ...minimal, status: { conditions } };
}

function snapshotOf(raw: unknown): ReturnType<typeof aNode>["snapshot"] extends () => infer S ? S : never {
  const result = toSnapshot(raw);
  if (!result.ok) throw new Error(result.error);
  return result.snapshot;
}

describe("identity", () => {
  test.each<[string, object]>([
    ["no name", { uid: "u", resourceVersion: "1" }],
    ["an upper-case name", { name: "Node", uid: "u", resourceVersion: "1" }],
    ["a name with a slash", { name: "a/b", uid: "u", resourceVersion: "1" }],
    ["a name of dots", { name: "..", uid: "u", resourceVersion: "1" }],
    ["a name of 254 characters", { name: "a".repeat(254), uid: "u", resourceVersion: "1" }],
    ["a numeric name", { name: 7, uid: "u", resourceVersion: "1" }],
    ["no uid", { name: "n", resourceVersion: "1" }],
    ["an empty uid", { name: "n", uid: "", resourceVersion: "1" }],
    ["a uid of 65 characters", { name: "n", uid: "u".repeat(65), resourceVersion: "1" }],
    ["a uid with a line break", { name: "n", uid: "u\nx", resourceVersion: "1" }],
    ["no resourceVersion", { name: "n", uid: "u" }],
    ["a leading zero", { name: "n", uid: "u", resourceVersion: "01" }],
    ["a negative resourceVersion", { name: "n", uid: "u", resourceVersion: "-1" }],
    ["a resourceVersion that is a number", { name: "n", uid: "u", resourceVersion: 1 }],
    ["a resourceVersion of letters", { name: "n", uid: "u", resourceVersion: "1a" }],
  ])("%s is refused", (_what, metadata) => {
    expect(toSnapshot({ metadata }).ok).toBe(false);
  });

  test.each(["constructor", "a.b-c.d", "0", "a".repeat(253)])("the name %s is accepted", (name) => {
    expect(snapshotOf({ metadata: { ...minimal.metadata, name } }).name).toBe(name);
  });

  test.each([undefined, null, 1, "text", [], new Date(0), { metadata: null }, { metadata: [] }])(
    "%j is refused, not thrown at",
    (raw) => {
      expect(toSnapshot(raw).ok).toBe(false);
    },
  );

  test("an object that throws when read is refused", () => {
    const raw = {
      get metadata(): never {
        throw new Error("no");
      },
    };
    expect(toSnapshot(raw)).toEqual({ ok: false, error: "the object cannot be read" });
  });

  test("inherited fields are not the object's", () => {
    expect(toSnapshot(Object.create(minimal)).ok).toBe(false);
  });

  test("an identity too long or unprintable is left out, never cut into another one", () => {
    const node = { ...minimal, spec: { providerID: `civo://${"a".repeat(300)}` } };
    expect(snapshotOf(node)).not.toHaveProperty("providerId");
    expect(snapshotOf({ ...minimal, spec: { providerID: "civo://a\n" } })).not.toHaveProperty("providerId");
    expect(snapshotOf({ ...minimal, spec: { providerID: "civo://a" } }).providerId).toBe("civo://a");
  });

  test("an empty bootID (Windows) is absent", () => {
    expect(snapshotOf({ ...minimal, status: { nodeInfo: { bootID: "" } } })).not.toHaveProperty("bootId");
  });
});

describe("I-20: one shape for list and watch", () => {
  test("Dates and strings give the same snapshot", () => {
    const raw = aNode().gpu(8).deletedAt(1_800_000_000_000).taint("a").raw();
    expect(toSnapshot(listShape(raw))).toEqual(toSnapshot(raw));
    expect(snapshotOf(raw).deletionAt).toBe(1_800_000_000_000);
  });

  test.each([
    undefined,
    null,
    "",
    "0001-01-01T00:00:00Z",
    new Date("0001-01-01T00:00:00Z"),
    "soon",
    5,
    new Date("x"),
    {},
  ])("the timestamp %s is absent", (creationTimestamp) => {
    const raw = { metadata: { ...minimal.metadata, creationTimestamp } };
    expect(snapshotOf(raw)).not.toHaveProperty("createdAt");
  });

  test.each(["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000Z", "2026-01-01T01:00:00+01:00"])(
    "the timestamp %s is that instant",
    (creationTimestamp) => {
      const raw = { metadata: { ...minimal.metadata, creationTimestamp } };
      expect(snapshotOf(raw).createdAt).toBe(Date.UTC(2026, 0, 1));
    },
  );
});

describe("I-21: only what a rule reads", () => {
  test("labels, annotations and resources follow the allow-list", () => {
    const node = aNode()
      .gpu(8)
      .labels({ "nvidia.com/mig-1g.5gb.count": "7", "nvidia.com/mig-1g.5gb.memory": "4864", foreign: "x" })
      .controlPlane()
      .annotation(`${ANNOTATION_PREFIX}paused`, "true")
      .annotation("weave.works/kured-reboot-in-progress", "2026-01-01T00:00:00Z")
      .annotation("csi.volume.kubernetes.io/nodeid", "{}")
      .resource("nvidia.com/mig-1g.5gb", 7)
      .snapshot();
    expect(Object.keys(node.labels)).not.toContain("foreign");
    expect(Object.keys(node.labels)).not.toContain("kubernetes.io/hostname");
    expect(Object.keys(node.labels)).not.toContain("nvidia.com/mig-1g.5gb.memory");
    expect(node.labels).toMatchObject({
      "kubernetes.civo.com/civo-node-pool": "pool-1",
      "node-role.kubernetes.io/control-plane": "true",
      "nvidia.com/gpu.count": "8",
      "nvidia.com/mig-1g.5gb.count": "7",
    });
    expect(node.annotations).toEqual({
      "node-agent.civo.com/paused": "true",
      "weave.works/kured-reboot-in-progress": "2026-01-01T00:00:00Z",
    });
    expect(node.capacity).toEqual({ "nvidia.com/gpu": "8", "nvidia.com/mig-1g.5gb": "7" });
  });

  test("an empty label value stays: it marks control planes", () => {
    const node = aNode().label("node-role.kubernetes.io/master", "").snapshot();
    expect(node.labels["node-role.kubernetes.io/master"]).toBe("");
  });

  test.each([
    "nvidia.com/mig-__proto__.count",
    "nvidia.com/mig-.count",
    "nvidia.com/mig-1g.5gb.count.x",
    "nvidia.com/mig-1g.5gb/count",
    "xnvidia.com/mig-1g.5gb.count",
  ])("the label %s is no MIG count", (label) => {
    expect(Object.keys(aNode().label(label, "1").snapshot().labels)).not.toContain(label);
  });

  test("free text is cut, well-formed and free of what could forge a log line", () => {
    const node = aNode()
      .taint("a", "NoSchedule", "v".repeat(500))
      .taint("b", "NoSchedule", `${"v".repeat(62)}\u{1f600}`)
      .taint("c", "NoSchedule", "x\u001b[31m\nlevel=error\u2028\u202ey")
      .snapshot();
    const values = node.taints.map(({ value }) => value);
    expect(values).toEqual(["v".repeat(63), `${"v".repeat(62)}\ufffd`, "x[31mlevel=errory"]);
  });

  test("a taint without timeAdded and one without value are kept", () => {
    const node = aNode()
      .taint("node.cloudprovider.kubernetes.io/shutdown")
      .taint("a", "NoExecute", "b")
      .snapshot();
    expect(node.taints).toEqual([
      { key: "node.cloudprovider.kubernetes.io/shutdown", effect: "NoSchedule" },
      { key: "a", effect: "NoExecute", value: "b" },
    ]);
  });
});

describe("conditions", () => {
  test.each(["", "true", "TRUE", "Maybe", null, undefined, true, 1])(
    "the status %j reads Unknown",
    (status) => {
      const node = snapshotOf(conditionsOf({ type: "Ready", status }));
      expect(node.conditions).toEqual([{ type: "Ready", status: "Unknown" }]);
    },
  );

  test("the conditions that rules read come first, whatever their place among 10,000", () => {
    const noise = Array.from({ length: 10_000 }, (_, n) => ({ type: `C${n}`, status: "True" }));
    const node = snapshotOf(conditionsOf(...noise, { type: "Ready", status: "True" }));
    expect(node.conditions[0]).toEqual({ type: "Ready", status: "True" });
    expect(node.conditions.length).toBe(32);
  });

  test.each<[string, string[], string]>([
    ["Ready", ["True", "False"], "True"],
    ["Ready", ["Unknown", "False"], "Unknown"],
    ["DiskPressure", ["True", "False"], "False"],
    ["DiskPressure", ["True", "Unknown"], "Unknown"],
    ["NetworkUnavailable", ["True", "False", "Unknown"], "False"],
  ])(
    "a forged duplicate of %s (%j) reads %s in any order: it must not cause a reboot",
    (type, statuses, expected) => {
      const entries = statuses.map((status) => ({ type, status }));
      expect(snapshotOf(conditionsOf(...entries)).conditions).toEqual([{ type, status: expected }]);
      expect(snapshotOf(conditionsOf(...entries.toReversed())).conditions).toEqual([
        { type, status: expected },
      ]);
    },
  );
});

describe("snapshotFingerprint", () => {
  const node = aNode().gpu(8).taint("a", "NoExecute", "b");
  const fingerprint = snapshotFingerprint(node.snapshot());

  test("resourceVersion and heartbeats do not change it", () => {
    const later = node.resourceVersion(2000).heartbeatAt(1_900_000_000_000);
    expect(snapshotFingerprint(later.snapshot())).toBe(fingerprint);
  });

  test.each([
    ["a status", node.notReady()],
    ["a reason that is shown", node.condition("Ready", "True", "Other")],
    ["a flip there and back between two looks", node.since(1_900_000_000_000).ready()],
    ["a taint", node.taint("c")],
    ["a cordon", node.cordoned()],
    ["a lost GPU", node.gpu(8, { allocatable: 7 })],
    ["a label", node.pool("pool-2")],
    ["a new boot", node.bootId("boot-2")],
    ["a new uid", node.uid("other")],
    ["a deletion", node.deletedAt(1_900_000_000_000)],
    ["another checker's condition", node.condition("KernelDeadlock", "True", "DockerHung")],
  ])("%s changes it", (_what, changed) => {
    expect(snapshotFingerprint(changed.snapshot())).not.toBe(fingerprint);
  });

  test("a foreign condition that touches its transition time at every heartbeat does not", () => {
    const noisy = node.condition("GPUFailed", "False", "GPUIsUp");
    const touched = node.since(1_900_000_000_000).condition("GPUFailed", "False", "GPUIsUpAgain");
    expect(snapshotFingerprint(touched.snapshot())).toBe(snapshotFingerprint(noisy.snapshot()));
  });

  test("the order of keys and lists does not matter", () => {
    const raw = node
      .taint("c")
      .condition("KernelDeadlock", "False", "A")
      .condition("Other", "False", "B")
      .raw();
    const turned = {
      ...raw,
      metadata: {
        ...raw.metadata,
        labels: Object.fromEntries(Object.entries(raw.metadata.labels).toReversed()),
      },
      spec: { ...raw.spec, taints: raw.spec.taints.toReversed() },
      status: { ...raw.status, conditions: raw.status.conditions.toReversed() },
    };
    expect(snapshotFingerprint(snapshotOf(turned))).toBe(snapshotFingerprint(snapshotOf(raw)));
  });

  test.each([
    ["", "cbf29ce484222325"],
    ["a", "af63dc4c8601ec8c"],
    ["foobar", "85944171f73967e8"],
  ])("FNV-1a of %j is the published value", (text, hash) => {
    expect(fnv1a64(text)).toBe(hash);
  });
});
