/** Everything there is to explore, each with what must come of it. */
import { ABLATIONS } from "./ablations.ts";
import { LARGE_WORLDS, SMALL_WORLDS } from "./configurations.ts";
import { HOLES } from "./holes.ts";
import type { InvariantId } from "./invariants.ts";
import { redisSystemOf } from "./redis-only/redis-system.ts";
import { REDIS_WORLDS } from "./redis-only/redis-world.ts";
import { systemOf } from "./system.ts";
import type { System } from "./successors.ts";

export interface Job {
  readonly kind: "world" | "large world" | "ablation" | "hole" | "redis only";
  readonly name: string;
  /** The promise that must break; absent: all must hold, to the last state. */
  readonly breaks?: InvariantId | undefined;
  readonly system: () => System;
}

export const JOBS: readonly Job[] = [
  ...LARGE_WORLDS.map((world): Job => ({
    kind: "large world",
    name: world.name,
    system: () => systemOf(world),
  })),
  ...Object.values(SMALL_WORLDS).map((world): Job => ({
    kind: "world",
    name: world.name,
    system: () => systemOf(world),
  })),
  ...ABLATIONS.map(({ protection, breaks, world }): Job => ({
    kind: "ablation",
    name: `${protection} (${world.name})`,
    breaks,
    system: () => systemOf(world),
  })),
  ...HOLES.map(({ world, breaks }): Job => ({
    kind: "hole",
    name: world.name,
    breaks,
    system: () => systemOf(world),
  })),
  ...REDIS_WORLDS.map(({ world, breaks }): Job => ({
    kind: "redis only",
    name: world.name,
    breaks,
    system: () => redisSystemOf(world),
  })),
];
