import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../../packages/simulator/src/world/random.ts";
import { merge, type ConfigPart } from "../support/agent-config.ts";
import type { Slot, System } from "./system.ts";

/** What was done to a system. */
export interface HazardCounts {
  kills: number;
  stops: number;
  redisKills: number;
  redisFlushes: number;
  outages: number;
}

interface HazardParts {
  readonly system: System;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly counts: HazardCounts;
}

/** Each fault takes its share of the reboot calls: of those that come through one, the next takes its part. */
function shares(faults: readonly { readonly share: number; readonly fault: ConfigPart }[]): ConfigPart[] {
  let left = 1;
  return faults.map(({ share, fault }) => {
    const probability = share / left;
    left -= share;
    return merge(fault, { probability, api: "civo", match: { method: "POST", path: "/v2/instances" } });
  });
}

/** The reboot calls of the cloud: carried out but not answered, late, lost, refused without a reason. */
const CLOUD_FAULTS = shares([
  { share: 0.15, fault: { effect: "execute-then-reset" } },
  // Later than the caller waits, and still within the margin.
  { share: 0.1, fault: { effect: "delay", by: "2500ms" } },
  { share: 0.05, fault: { effect: "hang" } },
  { share: 0.05, fault: { effect: "reset" } },
  { share: 0.05, fault: { effect: "status", status: 500 } },
]);

/** Writes of the ledger that are done and not answered. */
const LEDGER_FAULT: ConfigPart = {
  api: "kubernetes",
  match: { method: "PUT", path: "/api/v1/namespaces/default/configmaps" },
  effect: "execute-then-reset",
  probability: 0.03,
};

/** Makes the cloud and the ledger's store unreliable, until the faults are cleared. */
export async function spoilApis({ simulator }: System): Promise<void> {
  for (const fault of [...CLOUD_FAULTS, LEDGER_FAULT]) await simulator.command({ do: "fault", fault });
}

/** Kills or stops a process every second, takes Redis away or empties it every six, an API now and then; until told to stop. */
export async function runHazards(parts: HazardParts): Promise<void> {
  await Promise.all([hurtProcesses(parts), hurtRedis(parts), hurtApis(parts)]);
}

/** A process is hurt once in so many milliseconds, and Redis. */
export const BEATS = { process: 1000, redis: 6000 } as const;

/** True once in `every` milliseconds, however long what is done then takes; false when the hazards end. */
function beats(every: number, signal: AbortSignal): () => Promise<boolean> {
  let next = performance.now();
  return async () => {
    next = Math.max(next + every, performance.now());
    return pause(Math.max(0, next - performance.now()), signal);
  };
}

/** Ends a pause early when the hazards end. False: they ended. */
async function pause(span: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(span, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}

async function hurtProcesses({ system, random, signal, counts }: HazardParts): Promise<void> {
  const { slots } = system;
  const frozen = new Set<Promise<void>>();
  const beat = beats(BEATS.process, signal);
  while (await beat()) {
    const slot = slots[random.integer(slots.length)] as Slot;
    if (random.next() < 0.35) {
      counts.stops += 1;
      // Longer than the lock of a job, more often than not.
      const thaw = slot.freeze(500 + random.integer(9000));
      frozen.add(thaw);
      void thaw.finally(() => frozen.delete(thaw));
    } else {
      counts.kills += 1;
      await slot.kill();
      slot.start();
    }
  }
  await Promise.all(frozen);
}

async function hurtRedis({ system: { redis }, random, signal, counts }: HazardParts): Promise<void> {
  const beat = beats(BEATS.redis, signal);
  while (await beat()) {
    if (random.next() < 0.5) {
      counts.redisFlushes += 1;
      await redis.client.flushall();
    } else {
      counts.redisKills += 1;
      await redis.stop("SIGKILL");
      await delay(random.integer(1000));
      await redis.start();
    }
  }
}

async function hurtApis({ system: { simulator }, random, signal, counts }: HazardParts): Promise<void> {
  while (await pause(8000 + random.integer(8000), signal)) {
    const api = random.next() < 0.7 ? "kubernetes" : "civo";
    const kind = random.next() < 0.5 ? "refuse" : "hang";
    counts.outages += 1;
    await simulator.command({ do: "outage", api, kind });
    await pause(1000 + random.integer(4000), signal);
    await simulator.command({ do: "outage", api, kind: "off" });
  }
}
