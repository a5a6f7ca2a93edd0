import type { LiveWorker } from "./hosting.ts";
import type { EpochMillis, Millis } from "./time.ts";

/** When another clock was read: the instant that it told lies between two readings of our own. */
export interface ClockReading {
  readonly before: EpochMillis;
  readonly after: EpochMillis;
  readonly told: EpochMillis;
  /** How coarsely it tells: the true instant is less than this later. */
  readonly grain: Millis;
}

/** How far our own clock is surely from another one; a slow answer makes it less, never more. */
export function clockDistance({ before, after, told, grain }: ClockReading): Millis {
  return Math.max(0, told - after, before - told - grain);
}

/** Why a worker takes no job at all; undefined: it may. */
export function modeHold(self: LiveWorker, workers: readonly LiveWorker[]): string | undefined {
  if (!self.monitorOnly) return undefined;
  const active = workers.filter((worker) => !worker.monitorOnly).map(({ id }) => id);
  if (active.length === 0) return undefined;
  return `${named(active)} is in active mode: a monitor-only worker leaves all nodes of the cluster to it`;
}

/** Why a worker takes no job of a repair: its clock differs from another one. Undefined: it may. */
export function clockHold(
  readings: Readonly<Record<string, ClockReading>>,
  allowed: Millis,
): string | undefined {
  const wrong = Object.entries(readings).flatMap(([name, reading]) => {
    const distance = clockDistance(reading);
    if (distance <= allowed) return [];
    const [own, other] = [reading.after, reading.told].map((at) => new Date(at).toISOString());
    return [`${name} says ${other} when this machine says ${own} (${Math.round(distance / 1000)} s apart)`];
  });
  if (wrong.length === 0) return undefined;
  return `${wrong.join(", ")}; ${allowed / 1000} s are allowed (ledger.clockSkew)`;
}

/** The live workers that judge by another policy or in another mode than this one; those that do not tell count as alike. */
export function unlikePeers(self: LiveWorker, workers: readonly LiveWorker[]): readonly string[] {
  return workers
    .filter(({ id, left }) => id !== self.id && left !== true)
    .filter(
      ({ policy = self.policy, monitorOnly }) => policy !== self.policy || monitorOnly !== self.monitorOnly,
    )
    .map(({ id }) => id)
    .toSorted();
}

/** A few of many names. */
export function named(ids: readonly string[]): string {
  return ids.length > 3 ? `${ids.slice(0, 3).join(", ")} and ${ids.length - 3} more` : ids.join(", ");
}
