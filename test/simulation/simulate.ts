import { SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import { forgotten, judgeExecutions, type Ending, type Violation } from "./oracle.ts";
import { startWatcher, startWorker } from "./sim-processes.ts";
import type { Machine } from "./truth.ts";
import { Incarnation } from "./virtual-time.ts";
import { World } from "./world.ts";

/** What one run did and found. */
export interface SimulationResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly faults: number;
  readonly crashes: number;
  readonly reboots: number;
  readonly steps: number;
}

const CHAOS: Millis = 120 * SECOND;
/** Long enough for every node to be rebooted a few times, one after the other. */
const FAIR: Millis = 420 * SECOND;

type Role = "watcher" | "worker";

/**
 * One run: the real code of two watchers and three workers on a world of six machines, under faults that the seed
 * chooses; then a time without faults, after which no node may be forgotten. The same seed gives the same run.
 */
export async function simulate(seed: number): Promise<SimulationResult> {
  const world = new World(seed);
  const restore = seededMathRandom(world);
  try {
    populate(world);
    const fleet = new Fleet(world);
    fleet.start();
    await chaos(world, fleet);
    calm(world, fleet);
    const unfinished = await recover(world);
    const violations = [...judgeExecutions(world.truth), ...unfinished];
    if (process.env["SIM_DEBUG"] !== undefined) {
      for (const job of world.queues.jobs.values()) process.stdout.write(`${JSON.stringify(job)}\n`);
      process.stdout.write(`${JSON.stringify(world.ledger.data, null, 1)}\n`);
      for (const [name, { json }] of world.store.records) process.stdout.write(`${name} ${json}\n`);
    }
    fleet.stop();
    return {
      seed,
      violations,
      faults: world.count.faults,
      crashes: world.count.crashes,
      reboots: world.truth.executions.length,
      steps: world.time.steps,
    };
  } finally {
    restore();
  }
}

/** Time without faults, until every incident is closed or its time is up; returns what is still open then. */
async function recover(world: World): Promise<Violation[]> {
  for (;;) {
    await world.time.runUntil(world.time.elapsed + 10 * SECOND);
    const open = forgotten(world.truth, endings(world));
    if (open.length === 0 || world.time.elapsed >= CHAOS + FAIR) return open;
  }
}

function endings(world: World): Map<string, Ending> {
  return new Map([...world.truth.machines.keys()].map((name) => [name, endingOf(world, name)]));
}

function endingOf(world: World, name: string): Ending {
  const progress = world.queues.jobs.get(name)?.progress;
  const told = typeof progress === "object" && progress !== null && "waitsFor" in progress;
  return { phase: phaseOf(world, name), waitsFor: told ? String(progress.waitsFor) : undefined };
}

/** The code under test draws jitter from Math.random: within a run that, too, comes from the seed. */
function seededMathRandom(world: World): () => void {
  const original = Math.random;
  Math.random = () => world.random.next();
  return () => {
    Math.random = original;
  };
}

function populate(world: World): void {
  for (const name of ["a1", "a2", "a3"]) world.truth.add(name, "a", 0);
  for (const name of ["b1", "b2"]) world.truth.add(name, "b", 0);
  world.truth.add("g1", "g", 8);
}

function phaseOf(world: World, name: string): string {
  const cell = world.store.records.get(name);
  if (cell === undefined) return "none";
  return /"phase":"(?<phase>\w+)"/u.exec(cell.json)?.groups?.["phase"] ?? "damaged";
}

/** The processes of the fleet: who dies is started anew after a while, as an orchestrator would. */
class Fleet {
  readonly #world: World;
  readonly #living = new Map<string, { process: Incarnation; role: Role }>();
  #incarnations = 0;

  constructor(world: World) {
    this.#world = world;
    world.onCrash = (process) => this.crash(process);
  }

  start(): void {
    for (const name of ["watcher-1", "watcher-2"]) this.#launch(name, "watcher");
    for (const name of ["worker-1", "worker-2", "worker-3"]) this.#launch(name, "worker");
  }

  get processes(): Incarnation[] {
    return [...this.#living.values()].map(({ process }) => process);
  }

  crash(process: Incarnation): void {
    if (!process.alive) return;
    process.crash();
    const name = process.name.split("#")[0] ?? process.name;
    const role = name.startsWith("watcher") ? "watcher" : "worker";
    this.#world.time.at(this.#world.random.between(200, 5000), () => this.#launch(name, role));
  }

  stop(): void {
    for (const { process } of this.#living.values()) process.crash();
  }

  #launch(name: string, role: Role): void {
    const { random, time } = this.#world;
    this.#incarnations += 1;
    const skew = Math.round(random.between(-1000, 1000));
    const process = new Incarnation(`${name}#${this.#incarnations}`, skew, time);
    this.#living.set(name, { process, role });
    if (role === "watcher") startWatcher(this.#world, process);
    else startWorker(this.#world, process);
  }
}

async function chaos(world: World, fleet: Fleet): Promise<void> {
  const { random, time, weather } = world;
  await time.runUntil(3 * SECOND);
  while (time.elapsed < CHAOS) {
    for (const one of [weather.redis, weather.api]) {
      one.lostRequest = random.chance(0.5) ? random.between(0, 0.05) : 0;
      one.lostReply = random.chance(0.5) ? random.between(0, 0.05) : 0;
      one.crash = random.chance(0.3) ? 0.003 : 0;
      one.slowest = random.pick([5, 20, 100, 800]);
    }
    weather.lostEvent = random.pick([0, 0.1, 0.5]);
    Object.assign(weather.cloud, {
      refused: random.pick([0, 0, 0.2]),
      unclear: random.pick([0, 0.2, 0.5]),
      late: random.pick([0, 0, 0.2]),
      unreachable: random.pick([0, 0, 0.2]),
      uncured: random.pick([0, 0.2, 0.6]),
    });
    incident(world, fleet);
    await time.runUntil(Math.min(CHAOS, time.elapsed + random.between(300, 3500)));
  }
}

/** One thing that goes wrong, or right, in the world. */
function incident(world: World, fleet: Fleet): void {
  const { random, time, truth, weather } = world;
  const machines = [...truth.machines.values()].filter(({ exists }) => exists);
  const some = (): Machine => random.pick(machines);
  const kind = random.integer(0, 15);
  if (kind <= 5) {
    const machine = some();
    if (!machine.booting)
      truth.sicken(
        machine,
        machine.gpus > 0 && random.chance(0.6) ? "gpuLost" : random.pick(["notReady", "silent"]),
      );
  } else if (kind === 6) truth.heal(some());
  else if (kind === 7) fleet.crash(random.pick(fleet.processes));
  else if (kind === 8) random.pick(fleet.processes).freeze(random.between(500, 9000));
  else if (kind === 9) world.flushRedis();
  else if (kind === 10) outage(world, "api", random.between(500, 12_000));
  else if (kind === 11) outage(world, "redis", random.between(300, 6000));
  else if (kind === 12) truth.replace(some());
  else if (kind === 13) {
    // What a person can do at a queue dashboard: run everything now, or delete it.
    for (const job of world.queues.jobs.values()) if (job.state === "delayed") job.dueAt = time.now;
    if (random.chance(0.5)) world.queues.jobs.clear();
  } else if (kind === 14) {
    const machine = some();
    truth.sicken(machine, "notReady");
    time.at(random.between(4000, 7000), () => truth.heal(machine));
  } else {
    for (const name of world.store.records.keys()) {
      if (random.chance(0.2)) world.store.records.delete(name);
    }
    world.count.faults += 1;
  }
  void weather;
}

function outage(world: World, what: "api" | "redis", span: Millis): void {
  const { weather, time, count } = world;
  count.faults += 1;
  weather[what].down = true;
  if (what === "api") weather.apiDown = true;
  time.at(span, () => {
    weather[what].down = false;
    if (what === "api") weather.apiDown = false;
  });
}

/** The faults stop: nothing is lost or late any more, every reboot cures. */
function calm(world: World, fleet: Fleet): void {
  const { weather, truth } = world;
  for (const one of [weather.redis, weather.api]) {
    Object.assign(one, { lostRequest: 0, lostReply: 0, crash: 0, slowest: 20, down: false });
  }
  Object.assign(weather.cloud, { refused: 0, unclear: 0, late: 0, unreachable: 0, uncured: 0 });
  weather.apiDown = false;
  weather.lostEvent = 0;
  for (const machine of truth.machines.values()) machine.curable = true;
  void fleet;
}
