import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../../packages/simulator/src/world/random.ts";
import type { SimulatorProcess } from "../support/topology-simulator.ts";
import { hasGpus } from "./fleet.ts";
import type { Witness } from "./witness.ts";

/** What breaks machines, and what it did. */
export interface Sickness {
  /** Machines that were broken, each so that one, two or three reboots cure it. */
  breaks: number;
  /** Machines that got well again by themselves. */
  heals: number;
  /** When: instants of the clock that the simulator shares with us. */
  readonly healedAt: Map<string, number[]>;
}

const FAULTS = ["kubelet-dead", "not-ready", "disk-pressure", "cilium-taint"] as const;
const TICK = 400;
/** This share of the broken machines gets well by itself, some before anything is due, some in the midst of a reboot. */
const FLAPPING = 0.1;
const LONGEST_FLAP = 4000;

interface SicknessParts {
  readonly simulator: SimulatorProcess;
  readonly witness: Witness;
  readonly random: Random;
}

/**
 * Breaks machines that are well, `perSecond` of them, as long as fewer than `most` are sick. A machine that was broken
 * breaks again as soon as it is well.
 */
export async function spreadSickness(
  { simulator, witness, random }: SicknessParts,
  { perSecond, most }: { readonly perSecond: number; readonly most: number },
  sickness: Sickness,
  signal: AbortSignal,
): Promise<void> {
  const flaps = new Set<Promise<void>>();
  let owed = 0;
  while (!signal.aborted) {
    await delay(TICK);
    // The witness hears of everything that is looked at, also when nothing is to be broken.
    const truth = await witness.look();
    owed = Math.min(2 * perSecond, owed + (perSecond * TICK) / 1000);
    if (owed < 1) continue;
    const well = truth.filter(({ healthy }) => healthy).map(({ name }) => name);
    const room = Math.min(Math.floor(owed), most - (truth.length - well.length), well.length);
    for (let i = 0; i < room && !signal.aborted; i += 1) {
      const [node = ""] = well.splice(random.integer(well.length), 1);
      await simulator.break(node, faultFor(node, random), { curedByReboot: rebootsNeeded(random) });
      sickness.breaks += 1;
      owed -= 1;
      if (random.next() >= FLAPPING) continue;
      const flap = healLater(node, random.integer(LONGEST_FLAP), simulator, sickness);
      flaps.add(flap);
      void flap.finally(() => flaps.delete(flap));
    }
  }
  await Promise.all(flaps);
}

function faultFor(node: string, random: Random): string {
  const faults = hasGpus(node) ? [...FAULTS, "lose-gpus", "device-plugin-dead"] : FAULTS;
  return faults[random.integer(faults.length)] ?? "not-ready";
}

/** Most are cured by one reboot; a machine that stays sick after it is the one that gets rebooted twice. */
function rebootsNeeded(random: Random): number {
  return random.next() < 0.7 ? 1 : 2 + random.integer(2);
}

async function healLater(
  node: string,
  span: number,
  simulator: SimulatorProcess,
  sickness: Sickness,
): Promise<void> {
  await delay(span);
  // Before the call: the heal is not earlier than this.
  sickness.healedAt.set(node, [...(sickness.healedAt.get(node) ?? []), Date.now()]);
  await simulator.heal(node);
  sickness.heals += 1;
}
