import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { Random } from "../world/random.ts";
import { checkedCoreEvent, fromEventsV1, toEventsV1 } from "./event-versions.ts";
import { kubeTime, type KubeObject } from "./kube-object.ts";
import { keyOf, ObjectStore, VersionCounter } from "./object-store.ts";
import type { Resource } from "./resource.ts";

const EVENT_FIELDS = ["kind", "namespace", "name", "uid", "apiVersion", "fieldPath"];

/** The state of all kinds at one version. */
export interface Backup {
  readonly version: number;
  readonly items: ReadonlyMap<ObjectStore, ReadonlyMap<string, KubeObject>>;
}

/** All kinds that the simulated API server keeps, under one counter of versions. */
export interface ClusterStore {
  readonly nodes: ObjectStore;
  readonly namespaces: ObjectStore;
  readonly leases: ObjectStore;
  readonly events: ObjectStore;
  readonly configMaps: ObjectStore;
  readonly pods: ObjectStore;
  readonly slices: ObjectStore;
  readonly resources: readonly Resource[];
  /** Forgets the history of every kind. */
  compact(): void;
  /** The state now, or at an earlier version; undefined when the history no longer reaches back to it. */
  backup(version?: number): Backup | undefined;
  /** Takes objects and versions back to a backup; no watch hears of it. */
  restore(backup: Backup): void;
}

/** An empty cluster with the namespaces that every cluster has. */
export function newClusterStore(parts: {
  readonly clock: Clock;
  readonly random: Random;
  readonly history: number;
  readonly refreshLeases: (namespace: string | undefined, name: string | undefined) => void;
  readonly refreshPods: () => void;
  readonly refreshSlices: () => void;
}): ClusterStore {
  const versions = new VersionCounter();
  const nodes = new ObjectStore(versions, parts.history);
  const namespaces = new ObjectStore(versions, parts.history);
  const leases = new ObjectStore(versions, parts.history);
  const events = new ObjectStore(versions, parts.history);
  const configMaps = new ObjectStore(versions, parts.history);
  const pods = new ObjectStore(versions, parts.history);
  const slices = new ObjectStore(versions, parts.history);
  for (const name of ["default", "kube-system", "kube-public", "kube-node-lease"]) {
    namespaces.put(keyOf(undefined, name), {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name,
        uid: parts.random.uuid(),
        creationTimestamp: kubeTime(parts.clock.now()),
        labels: { "kubernetes.io/metadata.name": name },
      },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    });
  }
  const core = { group: "", version: "v1", shortNames: [], hasStatus: false, fields: [] };
  const eventFields = ["reason", "type", "reportingComponent", "source"];
  const event = {
    singular: "event",
    kind: "Event",
    namespaced: true,
    hasStatus: false,
    shortNames: ["ev"],
    store: events,
  };
  const resources: Resource[] = [
    {
      ...core,
      plural: "nodes",
      singular: "node",
      kind: "Node",
      namespaced: false,
      shortNames: ["no"],
      hasStatus: true,
      fields: ["spec.unschedulable"],
      store: nodes,
    },
    {
      ...core,
      plural: "namespaces",
      singular: "namespace",
      kind: "Namespace",
      namespaced: false,
      shortNames: ["ns"],
      hasStatus: true,
      store: namespaces,
    },
    {
      ...core,
      plural: "configmaps",
      singular: "configmap",
      kind: "ConfigMap",
      namespaced: true,
      shortNames: ["cm"],
      store: configMaps,
    },
    {
      ...core,
      plural: "pods",
      singular: "pod",
      kind: "Pod",
      namespaced: true,
      shortNames: ["po"],
      hasStatus: true,
      fields: ["spec.nodeName", "status.phase"],
      store: pods,
      beforeRead: parts.refreshPods,
    },
    {
      ...core,
      group: "resource.k8s.io",
      plural: "resourceslices",
      singular: "resourceslice",
      kind: "ResourceSlice",
      namespaced: false,
      fields: ["spec.nodeName", "spec.driver"],
      store: slices,
      beforeRead: parts.refreshSlices,
    },
    {
      ...core,
      ...event,
      plural: "events",
      fields: [...eventFields, ...EVENT_FIELDS.map((field) => `involvedObject.${field}`)],
      fromWire: checkedCoreEvent,
    },
    {
      ...event,
      group: "events.k8s.io",
      version: "v1",
      plural: "events",
      fields: ["reason", "type", "reportingController", ...EVENT_FIELDS.map((field) => `regarding.${field}`)],
      toWire: toEventsV1,
      fromWire: fromEventsV1,
    },
    {
      ...core,
      group: "coordination.k8s.io",
      plural: "leases",
      singular: "lease",
      kind: "Lease",
      namespaced: true,
      store: leases,
      beforeRead: parts.refreshLeases,
    },
  ];
  const stores = [nodes, namespaces, leases, events, configMaps, pods, slices];
  return {
    nodes,
    namespaces,
    leases,
    events,
    configMaps,
    pods,
    slices,
    resources,
    compact: () => {
      for (const store of stores) store.compact();
    },
    backup: (version = versions.current) => {
      const known = version <= versions.current && stores.every((store) => store.compactedAt <= version);
      if (version !== versions.current && !known) return undefined;
      return { version, items: new Map(stores.map((store) => [store, store.copyAt(version)])) };
    },
    restore: ({ version, items }) => {
      versions.backTo(version);
      for (const [store, objects] of items) store.restore(objects, version);
    },
  };
}
