import { SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import { CalmOracle, LOOK } from "./calm-oracle.ts";
import { Fleet } from "./fleet.ts";
import { endOutage, happen, sceneOf, type IncidentName, type Scene } from "./incidents.ts";
import { forgotten, isAllWell } from "./forgotten.ts";
import { grantIfHopeless, resume } from "./ledger-incidents.ts";
import { judgeLimits } from "./limits.ts";
import { calmWeather } from "./network.ts";
import { judgeExecutions, type Violation } from "./oracle.ts";
import { profileOf, type Profile } from "./profiles.ts";
import { checkpoint } from "./redis-incidents.ts";
import { sealed } from "./seeded-chance.ts";
import type { Twist } from "./twist.ts";
import { World } from "./world.ts";

/** What one run did and found. */
export interface SimulationResult {
  readonly seed: number;
  readonly profile: string;
  readonly violations: readonly Violation[];
  readonly faults: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly crashes: number;
  readonly reboots: number;
  readonly steps: number;
  /** Where the source of chance stood at the end: with the steps, the fingerprint of the run. */
  readonly chance: number;
  readonly story: readonly string[];
}

/** How a run differs from what its seed alone would choose. */
export interface SimulationOptions {
  readonly profile?: Profile;
  readonly twist?: Twist;
  /** Tell the story line by line. */
  readonly told?: boolean;
}

const CHAOS: Millis = 120 * SECOND;
/** Long enough for two quarantines, and for every node to be rebooted a few times, one after the other. */
const FAIR: Millis = 900 * SECOND;
/** So long, at least, somebody must hold what is left to people. */
const HELD: Millis = 180 * SECOND;
/** What was on its way when the faults stopped has arrived, and the clocks agree. */
const CALMING: Millis = 30 * SECOND;

/**
 * One run: the real code of two watchers and three workers on a world of six machines, under faults that the seed
 * chooses; then a time without faults, after which no node may be forgotten. The same seed gives the same run.
 */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationResult> {
  const profile = options.profile ?? profileOf(seed);
  const { twist = {}, told = false } = options;
  const world = new World({ seed, settings: profile.settings, twist, told });
  const unseal = sealed(world.random, told);
  const fleet = new Fleet(world);
  try {
    populate(world);
    world.apiSkew = profile.skew;
    const scene = sceneOf(world, fleet);
    fleet.start();
    await chaos(scene, profile);
    await calm(scene);
    const unfinished = await recover(world);
    return resultOf(world, profile, [...judgeExecutions(world), ...judgeLimits(world), ...unfinished]);
  } finally {
    fleet.stop();
    unseal();
  }
}

function resultOf(world: World, profile: Profile, violations: readonly Violation[]): SimulationResult {
  const { network, truth, time, random, story, outcomes, seed } = world;
  return {
    seed,
    profile: profile.name,
    violations,
    faults: Object.fromEntries(network.count.byKind),
    outcomes: Object.fromEntries(outcomes),
    crashes: network.count.crashes,
    reboots: truth.executions.length,
    steps: time.steps,
    chance: random.state,
    story: story.lines,
  };
}

/** Names of few shards: a resync asks for every shard in which a node may be. */
function populate({ truth }: World): void {
  for (const name of ["a1", "a8", "a13"]) truth.add(name, "a");
  for (const name of ["b1", "b8"]) truth.add(name, "b");
  truth.add("g2", "g", 8);
}

async function chaos(scene: Scene, profile: Profile): Promise<void> {
  const { world } = scene;
  const { random, time } = world;
  await time.runUntil(3 * SECOND);
  while (time.elapsed < CHAOS) {
    changeWeather(world, profile);
    if (random.chance(0.3)) scene.backups.take();
    if (random.chance(0.4)) scene.replica = checkpoint(world);
    await happen(random.weighted<IncidentName>(profile.incidents), scene);
    await time.runUntil(Math.min(CHAOS, time.elapsed + random.between(300, 3500)));
  }
}

function changeWeather({ weather, random, settings }: World, { edge, incurable }: Profile): void {
  for (const one of [weather.redis, weather.api]) {
    one.lostRequest = random.chance(0.5) ? random.between(0, 0.05) : 0;
    one.lostReply = random.chance(0.5) ? random.between(0, 0.05) : 0;
    one.crash = random.chance(0.3) ? 0.003 : 0;
    one.freeze = random.chance(0.3) ? 0.004 : 0;
    one.slowest = random.pick(edge ? [5, 100, 200] : [5, 20, 100, 800]);
  }
  weather.lostEvent = random.pick([0, 0.1, 0.5]);
  weather.doubledEvent = random.pick([0, 0, 0.3]);
  weather.reorderedEvent = random.pick([0, 0, 0.3]);
  weather.slowestEvent = random.pick([50, 250, settings.resync]);
  Object.assign(weather.cloud, {
    refused: random.pick([0, 0, 0.2]),
    unclear: random.pick([0, 0.2, 0.5]),
    late: random.pick(edge ? [0, 0.5, 0.9] : [0, 0, 0.2]),
    latest: edge,
    unreachable: random.pick([0, 0, 0.2]),
    uncured: random.pick(incurable ? [0.6, 1] : [0, 0.2, 0.6]),
  });
}

/** The faults stop: nothing is lost or late any more, every reboot cures, people put right what they had done. */
async function calm({ world, fleet, backups }: Scene): Promise<void> {
  const { weather, truth, time, random, story } = world;
  story.tell(() => "-- the faults stop");
  for (const what of ["redis", "api"] as const) {
    endOutage(world, what);
    Object.assign(weather[what], calmWeather());
  }
  Object.assign(weather.cloud, {
    refused: 0,
    unclear: 0,
    late: 0,
    latest: false,
    unreachable: 0,
    uncured: 0,
  });
  Object.assign(weather, { lostEvent: 0, doubledEvent: 0, reorderedEvent: 0, slowestEvent: 250 });
  world.apiSkew = 0;
  world.redisSkew = 0;
  world.drift = undefined;
  for (const process of fleet.processes) {
    process.usualSkew = Math.round(random.between(-500, 500));
    process.skew = process.usualSkew;
  }
  for (const { watch } of fleet.watchers) watch.staleUntil = 0;
  for (const machine of truth.machines.values()) {
    if (!machine.exists) continue;
    machine.claims = undefined;
    machine.optedOutSince = undefined;
    truth.register(machine);
    truth.changed(machine);
  }
  backups.recreate();
  await resume(world);
  await time.runUntil(time.elapsed);
}

/** Time without faults, until every incident is closed or its time is up; returns what is still open then. */
async function recover(world: World): Promise<Violation[]> {
  const { time } = world;
  const oracle = new CalmOracle(world);
  for (;;) {
    const next = time.elapsed + 10 * SECOND;
    while (time.elapsed < next) {
      await time.runUntil(Math.min(next, time.elapsed + LOOK));
      if (time.elapsed >= CHAOS + CALMING) await oracle.look();
    }
    await grantIfHopeless(world);
    if (isAllWell(world)) return oracle.violations;
    const open = forgotten(world);
    if (open.length === 0 && time.elapsed >= CHAOS + HELD) return oracle.violations;
    if (time.elapsed >= CHAOS + FAIR) return [...oracle.violations, ...open];
  }
}
