import type { Phase } from "@node-agent/shared/core/phase.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { ClusterView } from "@node-agent/shared/ports/snapshot-store.ts";

/** The fleet as the workers know it at one moment. */
export interface FleetReading {
  readonly nodes: number;
  readonly phases: Readonly<Record<Phase, number>>;
  /** Repairs that are pending: not yet made or simulated. */
  readonly pending: number;
  readonly viewAge: Millis | undefined;
  /** An older view is blind. */
  readonly viewMaxAge: Millis;
}

/** Counts what the workers keep. */
export function readingOf(
  records: readonly NodeRecord[],
  view: ClusterView,
  viewMaxAge: Millis,
): FleetReading {
  const phases = { Unknown: 0, Healthy: 0, Unhealthy: 0, WaitingReboot: 0, Failed: 0 };
  for (const { phase } of records) phases[phase] += 1;
  return {
    nodes: records.length,
    phases,
    pending: phases.Unhealthy,
    viewAge: view.age,
    viewMaxAge,
  };
}

/** A line about the fleet, also when nothing happens: silence of a watcher and a quiet fleet look different. */
export function fleetSentence({ nodes, phases, pending, viewAge, viewMaxAge }: FleetReading): string {
  const { Healthy, Unhealthy, WaitingReboot, Failed, Unknown } = phases;
  const failing = Unhealthy + WaitingReboot + Failed;
  const parts = [
    `nodes ${nodes}`,
    `healthy ${Healthy}`,
    `failing ${failing}`,
    `pending would-be reboots ${pending}`,
    ...(WaitingReboot === 0 ? [] : [`in the wait of a would-be reboot ${WaitingReboot}`]),
    ...(Failed === 0 ? [] : [`would be given up ${Failed}`]),
    ...(Unknown === 0 ? [] : [`not judged yet ${Unknown}`]),
  ];
  return `fleet: ${parts.join(", ")}; ${sightText(viewAge, viewMaxAge)}`;
}

function sightText(age: Millis | undefined, viewMaxAge: Millis): string {
  if (age === undefined) return "NOT SEEN YET: no watcher has listed the cluster; see the logs";
  const seconds = Math.round(age / 1000);
  return age <= viewMaxAge
    ? `seen ${seconds} s ago`
    : `NOT SEEN for ${seconds} s: clocks stand still; see the logs`;
}
