import { setTimeout as delay } from "node:timers/promises";
import { Random } from "../../packages/simulator/src/world/random.ts";
import { eventually } from "../support/eventually.ts";
import { oracleRules, poolsOf } from "./fleet.ts";
import { runHazards, spoilApis, type HazardCounts } from "./hazards.ts";
import { judgeReboots, violationsOf, type Verdict } from "./oracle.ts";
import { spreadSickness, type Sickness } from "./sickness.ts";
import { startSystem, type System } from "./system.ts";

/** How a chaos run is meant. */
export interface ChaosPlan {
  readonly nodes: number;
  /** How long everything goes wrong, in milliseconds. */
  readonly span: number;
  /** Seeds what is broken, killed and stopped; processes and networks keep their own will. */
  readonly seed: number;
  readonly breaksPerSecond: number;
  readonly watchers?: number;
  readonly workers?: number;
  readonly workerScript?: string;
  /** How long after the end of the faults every node must be well again. */
  readonly recovery?: number;
  readonly onProgress?: (line: string) => void;
  /** Keep the logs of the processes even of a run without a fault. */
  readonly keepLogs?: boolean;
}

/** What came of a chaos run. */
export interface ChaosReport extends Verdict, HazardCounts, Pick<Sickness, "breaks" | "heals"> {
  readonly violations: readonly string[];
  readonly leftSick: readonly string[];
  /** From the end of the faults until the last node was well, in milliseconds. */
  readonly recoveredIn: number;
  /** The whole of it, in milliseconds. */
  readonly took: number;
  /** Where the logs are, when there is something to look for. */
  readonly logs?: string;
}

/** Runs a system of real processes through chaos, lets it recover, and asks the oracle. */
export async function runChaos(plan: ChaosPlan): Promise<ChaosReport> {
  const startedAt = performance.now();
  const { nodes, watchers = 2, workers = 3, workerScript, onProgress = () => {} } = plan;
  await using system = await startSystem({
    pools: poolsOf(nodes),
    watchers,
    workers,
    ...(workerScript === undefined ? {} : { workerScript }),
  });
  onProgress(`${nodes} nodes, ${watchers} watchers, ${workers} workers; seed ${plan.seed}`);
  const counts: HazardCounts = { kills: 0, stops: 0, redisKills: 0, redisFlushes: 0, outages: 0 };
  const sickness: Sickness = { breaks: 0, heals: 0, healedAt: new Map() };
  await wreak(system, plan, counts, sickness);
  const endedAt = performance.now();
  await makePeace(system);
  const leftSick = await recover(system, plan.recovery ?? 90_000);
  const recoveredIn = performance.now() - endedAt;
  const verdict = judgeReboots(await system.simulator.reboots(), oracleRules(sickness.healedAt));
  const violations = violationsOf(verdict);
  const suspicious = plan.keepLogs === true || violations.length > 0 || leftSick.length > 0;
  return {
    ...verdict,
    ...counts,
    breaks: sickness.breaks,
    heals: sickness.heals,
    violations,
    leftSick,
    recoveredIn,
    took: performance.now() - startedAt,
    ...(suspicious ? { logs: system.keepLogs(`run-${plan.seed}`) } : {}),
  };
}

async function wreak(
  system: System,
  { span, seed, breaksPerSecond, nodes, onProgress }: ChaosPlan,
  counts: HazardCounts,
  sickness: Sickness,
): Promise<void> {
  const { simulator } = system;
  const stopping = new AbortController();
  const { signal } = stopping;
  const progress = async (): Promise<void> => {
    const beganAt = performance.now();
    while (!signal.aborted) {
      await delay(5000, undefined, { signal }).catch(() => undefined);
      const sick = (await simulator.truth()).filter(({ healthy }) => !healthy).length;
      const { length } = await simulator.reboots();
      const { kills, stops, redisKills, redisFlushes, outages } = counts;
      onProgress?.(
        `${Math.round((performance.now() - beganAt) / 1000)} s: ${length} reboots, ${sick} sick, ` +
          `${sickness.breaks} broken, ${kills} kills, ${stops} stops, ` +
          `Redis ${redisKills} killed ${redisFlushes} flushed, ${outages} outages`,
      );
    }
  };
  await spoilApis(system);
  const random = (stream: number): Random => new Random(seed * 16 + stream);
  const rate = { perSecond: breaksPerSecond, most: Math.ceil(nodes / 4) };
  const all = Promise.all([
    runHazards({ system, random: random(1), signal, counts }),
    spreadSickness({ simulator, random: random(2) }, rate, sickness, signal),
    progress(),
  ]);
  try {
    await Promise.race([all, delay(span, undefined, { ref: false })]);
  } finally {
    stopping.abort();
    await all;
  }
}

/** Whatever was taken away is given back. */
async function makePeace({ simulator, slots, redis }: System): Promise<void> {
  await simulator.clearFaults();
  for (const api of ["kubernetes", "civo"]) await simulator.command({ do: "outage", api, kind: "off" });
  await redis.start();
  for (const slot of slots) slot.start();
}

/** Waits until all machines are well; the names of those that are not when time is up. */
async function recover({ simulator }: System, within: number): Promise<string[]> {
  const sick = async (): Promise<string[]> =>
    (await simulator.truth()).filter(({ healthy }) => !healthy).map(({ name }) => name);
  try {
    await eventually(
      async () => {
        if ((await sick()).length > 0) throw new Error("some are sick");
      },
      { within, every: 500 },
    );
    return [];
  } catch {
    return sick();
  }
}
