import { encodeLedger } from "@node-agent/shared/contract/ledger-codec.ts";
import { emptyLedger } from "@node-agent/shared/core/ledger/steps.ts";
import { DAY, type EpochMillis } from "@node-agent/shared/core/time.ts";
import type { ClusterStore } from "./cluster-store.ts";
import { kubeTime } from "./kube-object.ts";
import { keyOf } from "./object-store.ts";

/** Where the ledger of reboots is put. */
export interface SeededLedger {
  readonly namespace: string;
  readonly name: string;
}

/** As old as the nodes that the simulated cluster begins with. */
const AGE = 30 * DAY;

/**
 * Puts a ledger of reboots into the cluster as if an operator had made it long ago: a young one is not trusted before
 * the longest wait window has passed, and nobody wants to watch that.
 */
export function seedLedger(store: ClusterStore, { namespace, name }: SeededLedger, now: EpochMillis): void {
  const system = store.namespaces.get(keyOf(undefined, "kube-system"));
  const uid = system?.metadata.uid ?? "unknown";
  const creationTimestamp = kubeTime(now - AGE);
  store.namespaces.put(keyOf(undefined, namespace), {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: namespace, uid: `${uid}-ledger`, creationTimestamp },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  });
  store.configMaps.put(keyOf(namespace, name), {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace, uid: `${uid}-ledger-1`, creationTimestamp },
    data: encodeLedger(emptyLedger(uid, "simulator", now)),
  });
}
