import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { snapshotFingerprint, toSnapshot } from "@node-agent/shared/core/snapshot.ts";

/** What a test says of a node; the rest is made up. */
export interface RawNodeShape {
  readonly uid?: string;
  readonly version: string | number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ready?: "True" | "False" | "Unknown";
  /** Changes without meaning: last heartbeat, in seconds. */
  readonly heartbeat?: number;
}

/** A Node as the API server writes it. */
export function rawNode(name: string, shape: RawNodeShape): Record<string, unknown> {
  const heartbeat = new Date(Date.UTC(2026, 10, 1) + (shape.heartbeat ?? 0) * 1000).toISOString();
  return {
    kind: "Node",
    apiVersion: "v1",
    metadata: {
      name,
      uid: shape.uid ?? `uid-of-${name}`,
      resourceVersion: String(shape.version),
      creationTimestamp: "2026-10-01T00:00:00Z",
      labels: { "kubernetes.io/os": "linux", ...shape.labels },
    },
    spec: { providerID: `civo://${name}` },
    status: {
      conditions: [
        {
          type: "Ready",
          status: shape.ready ?? "True",
          reason: "KubeletReady",
          lastHeartbeatTime: heartbeat,
          lastTransitionTime: "2026-10-01T00:01:00Z",
        },
      ],
      nodeInfo: { bootID: "boot-1", kubeletVersion: "v1.35.0", operatingSystem: "linux" },
    },
  };
}

/** The status of a snapshot's Ready condition. */
export function readiness(snapshot: NodeSnapshot | undefined): string | undefined {
  return snapshot?.conditions.find(({ type }) => type === "Ready")?.status;
}

/** The projection of core, as the watcher injects it. */
export const projection = { project: toSnapshot, fingerprint: snapshotFingerprint };
