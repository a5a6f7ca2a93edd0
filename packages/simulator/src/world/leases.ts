import { kubeTime } from "../kubernetes-api/kube-object.ts";
import { keyOf, type ObjectStore } from "../kubernetes-api/object-store.ts";
import type { Machine } from "./machine.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

const NAMESPACE = "kube-node-lease";

/** Writes the node leases that a read is about to show: renewals cost nothing while nobody looks. */
export function refreshLeases(
  parts: {
    readonly world: World;
    readonly leases: ObjectStore;
    readonly nodes: ObjectStore;
    readonly random: Random;
  },
  namespace: string | undefined,
  name: string | undefined,
): void {
  if (namespace !== undefined && namespace !== NAMESPACE) return;
  const names =
    name === undefined ? parts.world.names() : parts.world.names().filter((known) => known === name);
  for (const node of names) refresh(parts, parts.world.machine(node));
}

function refresh(
  { world, leases, nodes, random }: { world: World; leases: ObjectStore; nodes: ObjectStore; random: Random },
  machine: Machine,
): void {
  const owner = nodes.get(machine.name);
  if (owner === undefined) return;
  const key = keyOf(NAMESPACE, machine.name);
  const renewTime = new Date(world.leaseRenewedAt(machine)).toISOString().replace("Z", "000Z");
  const before = leases.get(key);
  const spec = { holderIdentity: machine.name, leaseDurationSeconds: 40, renewTime };
  if (JSON.stringify(before?.["spec"]) === JSON.stringify(spec)) return;
  leases.put(key, {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      name: machine.name,
      namespace: NAMESPACE,
      uid: before?.metadata.uid ?? random.uuid(),
      creationTimestamp: before?.metadata.creationTimestamp ?? kubeTime(machine.bootedAt),
      ownerReferences: [{ apiVersion: "v1", kind: "Node", name: machine.name, uid: owner.metadata.uid }],
    },
    spec,
  });
}
