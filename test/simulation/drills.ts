import { MINUTE, type Millis } from "@node-agent/shared/core/time.ts";
import { createSnapshotFilter } from "@node-agent/kubernetes";
import { Fleet } from "./fleet.ts";
import { judgeLimits } from "./limits.ts";
import { judgeExecutions, type Violation } from "./oracle.ts";
import { sealed } from "./seeded-chance.ts";
import { DEFAULTS, type Settings } from "./settings.ts";
import type { Machine } from "./truth.ts";
import { World } from "./world.ts";

/** A fleet of this size, on the settings that the agent has out of the box. */
export interface DrillOptions {
  readonly nodes: number;
  /** Nodes of one pool; pools are spread over three zones. */
  readonly poolSize?: number;
  readonly settings?: Settings;
  /** Node pools that the agent was told to look at; absent: all. */
  readonly pools?: readonly string[];
  readonly told?: boolean;
}

const ZONES = ["zone-a", "zone-b", "zone-c"] as const;

/** A storm to be played: a large fleet in good weather, to which a test does what happened somewhere once. */
export class Drill {
  readonly world: World;
  readonly fleet: Fleet;
  readonly machines: readonly Machine[];
  readonly #unseal: () => void;

  constructor({ nodes, poolSize = 10, settings = DEFAULTS, pools, told = false }: DrillOptions) {
    this.world = new World({ seed: 1, settings, told });
    this.#unseal = sealed(this.world.random, told);
    const { truth } = this.world;
    this.machines = Array.from({ length: nodes }, (_, i) => {
      const pool = Math.floor(i / poolSize);
      return truth.add(`node-${i}`, `pool-${pool}`, 0, ZONES[pool % ZONES.length]);
    });
    if (pools !== undefined) {
      this.world.selects = createSnapshotFilter({ pools });
    }
    this.fleet = new Fleet(this.world);
  }

  /** Starts the processes, and lets them see the healthy fleet for a while. */
  async start(): Promise<void> {
    this.fleet.start();
    await this.run(2 * MINUTE);
  }

  async run(span: Millis): Promise<void> {
    const { time } = this.world;
    await time.runUntil(time.elapsed + span);
  }

  /** Lets time pass, and does something again and again meanwhile. */
  async runWith(span: Millis, every: Millis, act: (round: number) => void): Promise<void> {
    for (let round = 0; round * every < span; round += 1) {
      act(round);
      await this.run(every);
    }
  }

  sicken(machines: readonly Machine[], sickness: Parameters<World["truth"]["sicken"]>[1]): void {
    for (const machine of machines) this.world.truth.sicken(machine, sickness);
  }

  heal(machines: readonly Machine[]): void {
    for (const machine of machines) this.world.truth.heal(machine);
  }

  /** The API server goes away, or comes back. */
  apiServer(up: boolean): void {
    const { world } = this;
    world.weather.api.down = !up;
    world.apiDownSince = up ? undefined : world.time.elapsed;
    world.truth.darkness.dark = !up;
  }

  get calls(): number {
    return this.world.truth.executions.length;
  }

  /** When each reboot happened, since the start. */
  get callTimes(): readonly Millis[] {
    return this.world.truth.executions.map(({ at }) => at - this.world.time.start);
  }

  get violations(): readonly Violation[] {
    return [...judgeExecutions(this.world), ...judgeLimits(this.world)];
  }

  end(): void {
    this.fleet.stop();
    this.#unseal();
  }
}

/** Longer than every threshold and the longest grace. */
export const LONG_ENOUGH: Millis = 45 * MINUTE;
