import fc from "fast-check";
import { expect, test } from "vitest";

import { CHECKER_REASONS, createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { evaluate } from "@node-agent/shared/core/evaluation.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import { KEPT_LABELS } from "@node-agent/shared/core/snapshot-fields.ts";
import { snapshotFingerprint, toSnapshot } from "@node-agent/shared/core/snapshot.ts";

import { listShape } from "./list-shape.ts";

const LIMIT = 4096;

const hostileText = fc.oneof(
  fc.constantFrom("", "__proto__", "constructor", "toString", "\u0000", "\u001b[31m", "\ud800", "0", "True"),
  fc.string({ unit: "binary", maxLength: 400 }),
  // Everything that grows in UTF-8 or when escaped.
  fc.constantFrom("\u20ac", "\ud800", "\\", '"', "\u0007", "\u{1f600}").map((unit) => unit.repeat(5000)),
);

const keptKey = fc.constantFrom(
  "kubernetes.civo.com/civo-node-pool",
  "nvidia.com/gpu",
  "nvidia.com/gpu.shared",
  "nvidia.com/gpu.count",
  "nvidia.com/gpu.product",
  "nvidia.com/mig.config.state",
  "node-role.kubernetes.io/master",
  "cluster.x-k8s.io/machine",
  "topology.kubernetes.io/zone",
);

const key = fc.oneof(
  keptKey,
  hostileText,
  fc.nat(5000).map((n) => `node-agent.civo.com/a${n}`),
  fc.nat(5000).map((n) => `nvidia.com/mig-${n % 90}g.${n}gb`),
  fc.nat(5000).map((n) => `nvidia.com/mig-${n % 90}g.${n}gb.count`),
  fc.nat(5000).map((n) => `nvidia.com/${"x".repeat(40)}${n}`),
);

const dictionary = fc
  .array(fc.tuple(key, fc.oneof(hostileText, fc.anything())), { maxLength: 60 })
  .map((entries) => {
    const made: Record<string, unknown> = {};
    for (const [name, value] of entries) {
      // As JSON.parse does it: `__proto__` becomes an own key.
      Object.defineProperty(made, name, { value, enumerable: true, configurable: true, writable: true });
    }
    return made;
  });

const condition = fc.record(
  {
    type: fc.oneof(
      fc.constantFrom("Ready", "DiskPressure", "NetworkUnavailable", "MemoryPressure", "PIDPressure"),
      hostileText,
    ),
    status: hostileText,
    reason: fc.oneof(fc.constant("R".repeat(64)), hostileText),
    lastTransitionTime: fc.oneof(fc.constantFrom("2026-01-01T00:00:00Z", null), hostileText, fc.date()),
  },
  { requiredKeys: [] },
);

const taint = fc.record(
  {
    key: fc.oneof(
      fc.constantFrom("ToBeDeletedByClusterAutoscaler", "node.cilium.io/agent-not-ready"),
      hostileText,
    ),
    value: hostileText,
    effect: hostileText,
  },
  { requiredKeys: ["key"] },
);

const many = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc
    .tuple(fc.array(one, { maxLength: 20 }), fc.constantFrom(1, 1, 500))
    .map(([list, times]) => Array.from({ length: times }, () => list).flat());

const hostileNode = fc.record({
  metadata: fc.record({
    name: fc.constantFrom("constructor", "a".repeat(253)),
    uid: fc.constant("u".repeat(64)),
    resourceVersion: fc.constant("9".repeat(64)),
    creationTimestamp: fc.anything(),
    labels: fc.oneof(dictionary, fc.anything()),
    annotations: fc.oneof(dictionary, fc.anything()),
  }),
  spec: fc.oneof(
    fc.record({ providerID: fc.oneof(fc.constant("p".repeat(253)), hostileText), taints: many(taint) }),
    fc.anything(),
  ),
  status: fc.oneof(
    fc.record({
      conditions: many(condition),
      capacity: fc.oneof(dictionary, fc.anything()),
      allocatable: fc.oneof(dictionary, fc.anything()),
      nodeInfo: fc.record({
        bootID: hostileText,
        kubeletVersion: fc.constant("v".repeat(64)),
        operatingSystem: hostileText,
      }),
    }),
    fc.anything(),
  ),
});

const checkers = createCheckers({ ...DEFAULT_POLICY, expectedGpus: { pool: 8 } });
const history = { at: 1e12, firstSeenAt: 0, everReady: true, gpuNode: true, gpuHighWater: 8 };

test("a hostile Node never throws, never exceeds 4 KB, and every judgement has a reason of the closed set", () => {
  fc.assert(
    fc.property(hostileNode, (raw) => {
      const result = toSnapshot(raw);
      if (!result.ok) throw new Error(result.error);
      const json = JSON.stringify(result.snapshot);
      expect(Buffer.byteLength(json)).toBeLessThanOrEqual(LIMIT);
      expect(JSON.parse(json)).toEqual(result.snapshot);
      snapshotFingerprint(result.snapshot);
      const evaluation = evaluate(result.snapshot, checkers, history);
      for (const { checker, reason } of evaluation.judgements) {
        expect(CHECKER_REASONS[checker]).toContain(reason);
      }
    }),
    { numRuns: 300 },
  );
});

test("anything at all is answered, through the list shape as well", () => {
  fc.assert(
    fc.property(fc.anything({ withDate: true, withNullPrototype: true, withMap: true }), (raw) => {
      expect(typeof toSnapshot(raw).ok).toBe("boolean");
      expect(typeof toSnapshot(listShape(raw)).ok).toBe("boolean");
    }),
  );
});

test("__proto__ and constructor as keys of forged JSON pollute nothing", () => {
  const entries = `{"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}},"toString":"x"}`;
  const raw: unknown = JSON.parse(
    `{"__proto__":{"polluted":"yes"},"metadata":{"name":"constructor","uid":"u","resourceVersion":"1",
      "labels":${entries},"annotations":${entries}},
      "spec":{"taints":[{"key":"__proto__","effect":"NoSchedule"}]},
      "status":{"conditions":[{"type":"__proto__","status":"True"}],"capacity":${entries},"allocatable":${entries}}}`,
  );
  const result = toSnapshot(raw);
  if (!result.ok) throw new Error(result.error);
  expect(result.snapshot.labels).toEqual({});
  expect(result.snapshot.annotations).toEqual({});
  expect(result.snapshot.capacity).toEqual({});
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  expect(Object.getPrototypeOf(result.snapshot.labels)).toBe(Object.prototype);
});

test("10,000 of our own annotations crowd out neither the pool nor the GPUs nor a foreign owner's marker", () => {
  const annotations = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, n) => [`node-agent.civo.com/a${n}`, "\u20ac".repeat(500)]),
  );
  const result = toSnapshot({
    metadata: {
      name: "a".repeat(253),
      uid: "u".repeat(64),
      resourceVersion: "9".repeat(64),
      labels: { "kubernetes.civo.com/civo-node-pool": "p".repeat(63), "nvidia.com/gpu.count": "8" },
      annotations: { ...annotations, "weave.works/kured-reboot-in-progress": "now" },
    },
    spec: { providerID: "p".repeat(253), taints: [{ key: "karpenter.sh/disrupted", effect: "NoSchedule" }] },
    status: { capacity: { "nvidia.com/gpu": "8" }, allocatable: { "nvidia.com/gpu": "8" } },
  });
  expect(result).toMatchObject({
    ok: true,
    snapshot: {
      labels: { "kubernetes.civo.com/civo-node-pool": "p".repeat(63), "nvidia.com/gpu.count": "8" },
      annotations: { "weave.works/kured-reboot-in-progress": "now" },
      taints: [{ key: "karpenter.sh/disrupted", effect: "NoSchedule" }],
      capacity: { "nvidia.com/gpu": "8" },
      allocatable: { "nvidia.com/gpu": "8" },
    },
  });
});

const numbered = (count: number, make: (n: number) => [string, unknown]): Record<string, unknown> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => make(n)));

test("a node that fills every field never exceeds 4 KB, at any alignment", () => {
  const labels = {
    ...numbered(30, (n) => [`nvidia.com/mig-${n}g.${n}gb.count`, "1"]),
    ...Object.fromEntries(KEPT_LABELS.map((label) => [label, "v"])),
  };
  const resources = numbered(30, (n) => [`nvidia.com/mig-${n}g.${n}gb`, "1"]);
  const small = Array.from({ length: 40 }, (_, n) => n);
  let fullest = 0;
  for (let length = 1; length <= 253; length += 1) {
    const result = toSnapshot({
      metadata: {
        name: "a".repeat(253),
        uid: "u".repeat(64),
        resourceVersion: "9".repeat(64),
        labels,
        annotations: numbered(20, (n) => [`node-agent.civo.com/a${n}`, "\u20ac"]),
      },
      spec: { providerID: "p".repeat(length), taints: small.map((n) => ({ key: `t${n}`, effect: "E" })) },
      status: {
        capacity: resources,
        allocatable: resources,
        conditions: small.map((n) => ({ type: `C${n}`, status: "True" })),
      },
    });
    if (!result.ok) throw new Error(result.error);
    const bytes = Buffer.byteLength(JSON.stringify(result.snapshot));
    expect(bytes).toBeLessThanOrEqual(LIMIT);
    fullest = Math.max(fullest, bytes);
  }
  // The budget was really spent: otherwise the limit above proves nothing.
  expect(fullest).toBeGreaterThan(LIMIT - 40);
});

test("many small elements are charged with their separators", () => {
  const elements = Array.from({ length: 40 }, (_, n) => n);
  let fullest = 0;
  for (let length = 1; length <= 253; length += 1) {
    const result = toSnapshot({
      metadata: { name: "n", uid: "u", resourceVersion: "1" },
      spec: {
        providerID: "p".repeat(length),
        taints: elements.map((n) => ({ key: `t${n}`, effect: "E" })),
      },
      status: { conditions: elements.map((n) => ({ type: `C${"c".repeat(60)}${n}`, status: "True" })) },
    });
    if (!result.ok) throw new Error(result.error);
    const bytes = Buffer.byteLength(JSON.stringify(result.snapshot));
    expect(bytes).toBeLessThanOrEqual(LIMIT);
    fullest = Math.max(fullest, bytes);
  }
  expect(fullest).toBeGreaterThan(LIMIT - 5);
});
