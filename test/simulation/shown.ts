/** What the world sees of a machine: its Node object, and what an onlooker says of it. */
import type { CheckerName } from "@node-agent/shared/core/check.ts";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { OPT_OUT_ANNOTATION } from "@node-agent/shared/core/pause.ts";
import { toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import type { Machine } from "./truth.ts";

/** Everybody can see it, unless it opted out; missing GPUs show only where they are remembered, so they do not count. */
export function showsSick({ sickness, booting, optedOutSince }: Machine): boolean {
  if (optedOutSince !== undefined) return false;
  return booting || (sickness !== "none" && sickness !== "gpuLost");
}

/** Whether its Ready condition is Unknown. */
export function showsSilent({ sickness }: Machine): boolean {
  return sickness === "silent";
}

/** The checkers that fail on this machine, as its snapshot shows it. */
export function failingOf({ sickness, booting, gpus }: Machine): Set<CheckerName> {
  const failing = new Set<CheckerName>();
  if (booting || sickness === "notReady" || sickness === "silent") failing.add("NodeReady");
  if (sickness === "cilium") failing.add("Cilium");
  if (gpus > 0 && (booting || sickness === "gpuLost")) failing.add("GPU");
  return failing;
}

/** Its Node object, as a watcher reads it. */
export function snapshotOf(machine: Machine, createdAt: EpochMillis): NodeSnapshot {
  const { sickness, booting, claims = machine.instanceId } = machine;
  let node = aNode(machine.name)
    .uid(machine.uid)
    .pool(machine.pool)
    .providerId(`civo://${claims}`)
    .bootId(`${machine.instanceId}-boot-${machine.bootNumber}`)
    .createdAt(createdAt - 86_400_000)
    .resourceVersion(String(machine.resourceVersion));
  if (machine.zone !== undefined) node = node.label("topology.kubernetes.io/zone", machine.zone);
  if (machine.optedOutSince !== undefined) node = node.annotation(OPT_OUT_ANNOTATION, "true");
  if (sickness === "silent") node = node.unknown();
  else if (sickness === "notReady" || booting) node = node.notReady();
  else node = node.ready();
  if (sickness === "cilium") node = node.cilium("down");
  if (machine.gpus > 0) {
    const lost = sickness === "gpuLost" || booting;
    node = node.gpu(machine.gpus, lost ? { allocatable: machine.gpus - 1 } : {});
  }
  const result = toSnapshot(node.raw());
  if (!result.ok) throw new TypeError(result.error);
  return result.snapshot;
}
