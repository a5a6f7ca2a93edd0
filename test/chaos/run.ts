import { setTimeout as delay } from "node:timers/promises";
import { Random } from "../../packages/simulator/src/world/random.ts";
import { eventually } from "../support/eventually.ts";
import { shortfallsOf } from "./demands.ts";
import { openSources } from "./explain-sources.ts";
import { Sampler, type ExplainedCounts } from "./explained.ts";
import { oracleRules, poolsOf } from "./fleet.ts";
import { runHazards, spoilApis, type HazardCounts } from "./hazards.ts";
import type { OpenLimits } from "./open-reboots.ts";
import { judgeReboots, violationsOf, type Verdict } from "./oracle.ts";
import { limitsOf, OPEN } from "./settings.ts";
import { spreadSickness, type Sickness } from "./sickness.ts";
import { startSystem, type System } from "./system.ts";
import { Witness } from "./witness.ts";

/** How a chaos run is meant. */
export interface ChaosPlan {
  readonly nodes: number;
  /** How long everything goes wrong, in milliseconds. */
  readonly span: number;
  /** Seeds what is broken, killed and stopped; processes and networks keep their own will. */
  readonly seed: number;
  readonly breaksPerSecond: number;
  /** Reboots that must happen while everything goes wrong; by default in proportion to 1,000. */
  readonly rebootsWanted?: number;
  readonly watchers?: number;
  readonly workers?: number;
  readonly workerScript?: string;
  /** What may be open at once, as the oracle knows it. */
  readonly open?: OpenLimits;
  /** What the workers are told instead, to see whether the oracle notices. */
  readonly openForWorkers?: OpenLimits;
  /** Machines break, and nothing else goes wrong. */
  readonly calm?: boolean;
  /** How long after the end of the faults every node must be well again. */
  readonly recovery?: number;
  readonly onProgress?: (line: string) => void;
  /** Keep the logs of the processes even of a run without a fault. */
  readonly keepLogs?: boolean;
}

/** What came of a chaos run. */
export interface ChaosReport extends Verdict, HazardCounts, Pick<Sickness, "breaks" | "heals"> {
  readonly violations: readonly string[];
  /** Reboots while everything went wrong. */
  readonly underFire: number;
  readonly explained: ExplainedCounts;
  /** In what respects the run was too little to prove anything, in sentences. */
  readonly shortfalls: readonly string[];
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
  const { nodes, watchers = 2, workers = 3, workerScript, open = OPEN, onProgress = () => {} } = plan;
  await using system = await startSystem({
    pools: poolsOf(nodes),
    watchers,
    workers,
    config: limitsOf(plan.openForWorkers ?? open),
    ...(workerScript === undefined ? {} : { workerScript }),
  });
  onProgress(`${nodes} nodes, ${watchers} watchers, ${workers} workers; seed ${plan.seed}`);
  const { simulator } = system;
  const run: Run = {
    system,
    witness: new Witness(simulator),
    counts: { kills: 0, stops: 0, redisKills: 0, redisFlushes: 0, outages: 0 },
    sickness: { breaks: 0, heals: 0, healedAt: new Map() },
  };
  const explained = await wreak(run, { ...plan, open });
  const endedAt = performance.now();
  const underFire = (await simulator.reboots()).length;
  await makePeace(system);
  const leftSick = await recover(run.witness, plan.recovery ?? 90_000);
  const recoveredIn = performance.now() - endedAt;
  const { counts, witness } = run;
  const { breaks, heals, healedAt } = run.sickness;
  const verdict = judgeReboots(await simulator.reboots(), oracleRules({ healedAt, witness, open }));
  const violations = [
    ...violationsOf(verdict),
    ...explained.unexplained.map((words) => `unexplained (I4): ${words}`),
  ];
  const suspicious = plan.keepLogs === true || violations.length > 0 || leftSick.length > 0;
  return {
    ...verdict,
    ...counts,
    breaks,
    heals,
    violations,
    underFire,
    explained,
    shortfalls: shortfallsOf(plan, { ...counts, underFire, explained }),
    leftSick,
    recoveredIn,
    took: performance.now() - startedAt,
    ...(suspicious ? { logs: system.keepLogs(`run-${plan.seed}`) } : {}),
  };
}

/** What a run works on, and what it counts. */
interface Run {
  readonly system: System;
  readonly witness: Witness;
  readonly counts: HazardCounts;
  readonly sickness: Sickness;
}

/** Each time that Redis is emptied everything is found out anew for every sick node: with more little else would happen. */
const SICK_AT_ONCE = 125;

async function wreak(
  { system, witness, counts, sickness }: Run,
  { span, seed, breaksPerSecond, nodes, open, calm = false, onProgress }: ChaosPlan & { open: OpenLimits },
): Promise<ExplainedCounts> {
  const { simulator } = system;
  const stopping = new AbortController();
  const { signal } = stopping;
  const progress = async (): Promise<void> => {
    const beganAt = performance.now();
    while (!signal.aborted) {
      await delay(5000, undefined, { signal }).catch(() => undefined);
      const sick = witness.sick().size;
      const { length } = await simulator.reboots();
      const { kills, stops, redisKills, redisFlushes, outages } = counts;
      onProgress?.(
        `${Math.round((performance.now() - beganAt) / 1000)} s: ${length} reboots, ${sick} sick, ` +
          `${sickness.breaks} broken, ${kills} kills, ${stops} stops, ` +
          `Redis ${redisKills} killed ${redisFlushes} flushed, ${outages} outages`,
      );
    }
  };
  if (!calm) await spoilApis(system);
  const random = (stream: number): Random => new Random(seed * 16 + stream);
  // More than the budgets let through in the time of recovery would be left sick by arithmetic.
  const most = Math.min(Math.ceil(nodes / 4), 3 * open.cluster, SICK_AT_ONCE);
  const rate = { perSecond: breaksPerSecond, most };
  await using sources = openSources(system.configFile, system.redis.url);
  const sampler = new Sampler(sources, witness, random(3));
  const all = Promise.all([
    calm ? undefined : runHazards({ system, random: random(1), signal, counts }),
    spreadSickness({ simulator, witness, random: random(2) }, rate, sickness, signal),
    sampler.run(signal),
    progress(),
  ]);
  try {
    await Promise.race([all, delay(span, undefined, { ref: false })]);
  } finally {
    stopping.abort();
    await all;
  }
  return sampler.counts;
}

/** Whatever was taken away is given back. */
async function makePeace({ simulator, slots, redis }: System): Promise<void> {
  await simulator.clearFaults();
  for (const api of ["kubernetes", "civo"]) await simulator.command({ do: "outage", api, kind: "off" });
  await redis.start();
  for (const slot of slots) slot.start();
}

/** Waits until all machines are well; the names of those that are not when time is up. */
async function recover(witness: Witness, within: number): Promise<string[]> {
  const sick = async (): Promise<string[]> =>
    (await witness.look()).filter(({ healthy }) => !healthy).map(({ name }) => name);
  try {
    await eventually(
      async () => {
        if ((await sick()).length > 0) throw new Error("some are sick");
      },
      { within, every: 250 },
    );
    return [];
  } catch {
    return sick();
  }
}
