import { BEATS, type HazardCounts } from "./hazards.ts";
import type { ExplainedCounts } from "./explained.ts";

/** What a run was meant to be, as far as it can fall short of it. */
export interface Demand {
  readonly nodes: number;
  readonly span: number;
  /** Reboots that must happen while everything goes wrong; by default the part of 1,000 that is this run's. */
  readonly rebootsWanted?: number;
}

/** What a run came to. */
interface Achieved extends Pick<HazardCounts, "kills" | "stops" | "redisKills" | "redisFlushes"> {
  /** Reboots while everything went wrong; what happens in the peace after it proves less. */
  readonly underFire: number;
  readonly explained: ExplainedCounts;
}

/** Of 1,000 nodes or more, 1,000 reboots in ten minutes; of fewer and in less time, accordingly. */
const REBOOTS = { count: 1000, nodes: 1000, span: 600_000 } as const;
/** This part of what was meant must have happened: a machine that is busy makes everything late. */
const AT_LEAST = 0.9;

/** A run in which little happened proves little: each sentence is one respect in which it did. */
export function shortfallsOf({ nodes, span, rebootsWanted }: Demand, achieved: Achieved): string[] {
  const { underFire, kills, stops, redisKills, redisFlushes, explained } = achieved;
  const share = Math.min(1, nodes / REBOOTS.nodes) * (span / REBOOTS.span);
  const readable = explained.samples - explained.unreadable;
  return [
    below("reboots while everything went wrong", underFire, rebootsWanted ?? REBOOTS.count * share),
    below("processes killed or stopped", kills + stops, (AT_LEAST * span) / BEATS.process),
    below(
      "times that Redis was killed or emptied",
      redisKills + redisFlushes,
      (AT_LEAST * span) / BEATS.redis - 1,
    ),
    // A sample takes a second and what its answers take.
    below("samples of explanations", explained.samples, span / 4000),
    below("samples that could be read", readable, explained.unreadable + 1),
  ].filter((sentence) => sentence !== undefined);
}

function below(what: string, count: number, least: number): string | undefined {
  const wanted = Math.floor(least);
  return count >= wanted ? undefined : `${count} ${what}, at least ${wanted} were wanted`;
}
