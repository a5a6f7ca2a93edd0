import fc from "fast-check";

import type { NodeBuilder } from "@node-agent/shared/testing/builders.ts";

/** A healthy division of a machine's GPUs as device plugin and GFD show it (shared facts, Kubernetes 2.5). */
export interface GpuLayout {
  readonly gpus: number;
  readonly resources: readonly { readonly name: string; readonly units: number }[];
  readonly labels: Readonly<Record<string, string>>;
}

const PROFILES = ["1g.5gb", "1g.10gb", "1g.10gb.me", "2g.10gb", "3g.20gb", "7g.40gb"] as const;
const PRODUCT = "NVIDIA-A100-SXM4-40GB";

const gpus = fc.integer({ min: 1, max: 8 });
const replicas = fc.integer({ min: 2, max: 12 });
const whole = "nvidia.com/gpu";
const shared = "nvidia.com/gpu.shared";

const gfd = (count: number, more: Record<string, string> = {}): Record<string, string> => ({
  "nvidia.com/gpu.present": "true",
  "nvidia.com/gpu.count": String(count),
  "nvidia.com/gpu.replicas": "1",
  "nvidia.com/gpu.product": PRODUCT,
  ...more,
});

const none = { "nvidia.com/gpu.sharing-strategy": "none" };

const plain = fc
  .tuple(gpus, fc.constantFrom("none", "single", "mixed"), fc.boolean())
  .map(([count, strategy, modern]): GpuLayout => ({
    gpus: count,
    resources: [{ name: whole, units: count }],
    // Old versions of GFD have no sharing-strategy.
    labels: gfd(count, { "nvidia.com/mig.strategy": strategy, ...(modern ? none : {}) }),
  }));

const migSingle = fc
  .tuple(gpus, fc.constantFrom(...PROFILES), fc.integer({ min: 1, max: 7 }))
  .map(([count, profile, each]): GpuLayout => ({
    gpus: count,
    resources: [{ name: whole, units: count * each }],
    labels: gfd(count * each, {
      ...none,
      "nvidia.com/mig.strategy": "single",
      "nvidia.com/gpu.product": `${PRODUCT}-MIG-${profile}`,
    }),
  }));

const profileCounts = fc.dictionary(fc.constantFrom(...PROFILES), fc.integer({ min: 1, max: 14 }), {
  minKeys: 1,
});

/** Some GPUs divided; profiles of the layout before this one are still counted as capacity, or as "0". */
const migMixed = fc
  .tuple(gpus, fc.nat(8), profileCounts, fc.boolean())
  .map(([count, left, profiles, stale]): GpuLayout => {
    const undivided = Math.min(left, count - 1);
    const made = Object.entries(profiles);
    const old = PROFILES.filter((profile) => !made.some(([name]) => name === profile));
    return {
      gpus: count,
      resources: [
        { name: whole, units: undivided },
        ...made.map(([profile, units]) => ({ name: `nvidia.com/mig-${profile}`, units })),
        ...(stale ? old.map((profile) => ({ name: `nvidia.com/mig-${profile}`, units: 0 })) : []),
      ],
      labels: gfd(count, {
        ...none,
        "nvidia.com/mig.strategy": "mixed",
        "nvidia.com/mig.config.state": "success",
        "nvidia.com/gpu.replicas": undivided === 0 ? "0" : "1",
        ...Object.fromEntries(
          made.map(([profile, units]) => [`nvidia.com/mig-${profile}.count`, String(units)]),
        ),
      }),
    };
  });

/** `replicas` is the plugin's; the label may say 1 instead (k8s-device-plugin#732). */
const sharing = fc
  .tuple(gpus, replicas, fc.constantFrom("time-slicing", "mps"), fc.boolean(), fc.boolean())
  .map(([count, each, strategy, renamed, wrongLabel]): GpuLayout => ({
    gpus: count,
    resources: renamed
      ? [
          { name: whole, units: 0 },
          { name: shared, units: count * each },
        ]
      : [{ name: whole, units: count * each }],
    labels: gfd(count, {
      "nvidia.com/gpu.sharing-strategy": strategy,
      "nvidia.com/gpu.replicas": wrongLabel ? "1" : String(each),
      "nvidia.com/gpu.product": renamed ? PRODUCT : `${PRODUCT}-SHARED`,
    }),
  }));

const partlyShared = fc.tuple(fc.integer({ min: 2, max: 8 }), replicas).map(([count, each]): GpuLayout => ({
  gpus: count,
  resources: [
    { name: whole, units: count - 1 },
    { name: shared, units: each },
  ],
  labels: gfd(count, { "nvidia.com/gpu.sharing-strategy": "mps", "nvidia.com/gpu.replicas": String(each) }),
}));

/** Any healthy layout. */
export const healthyLayout = fc.oneof(plain, migSingle, migMixed, sharing, partlyShared);

/** The node with this layout and no other GPU labels. */
export function gpuLayout(node: NodeBuilder, layout: GpuLayout): NodeBuilder {
  return layout.resources.reduce(
    (built, { name, units }) => built.resource(name, units),
    node.withoutLabels("nvidia.com/").labels(layout.labels),
  );
}
