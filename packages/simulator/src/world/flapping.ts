import type { Millis } from "@node-agent/shared/core/time.ts";
import { breakMachine, healMachine, type Breakage, type Parts } from "./breakage.ts";
import type { Machine, NodeFault } from "./machine.ts";
import type { Appointment } from "./scheduler.ts";

/** How a fault comes and goes, in real milliseconds (not scaled): down first, then up, and again. */
export interface Flapping {
  readonly down: Millis;
  readonly up: Millis;
}

interface Flapper {
  readonly machine: Machine;
  readonly breakage: Breakage;
  readonly flapping: Flapping;
  /** Reboots that still have to happen before the fault comes back no more; Infinity never. */
  reboots: number;
  bootId: string;
  next: Appointment;
}

/** Faults that come and go until they are healed, or cured by reboots. */
export class Flappers {
  readonly #parts: Parts;
  readonly #flappers = new Map<string, Flapper>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Lets a fault flap on a machine, beginning with the failure. @throws {NoGpusError} */
  start(machine: Machine, breakage: Breakage, flapping: Flapping): void {
    this.stop(machine, breakage.fault);
    const { curedByReboot: cured = true } = breakage;
    const reboots = typeof cured === "number" ? cured : cured ? 1 : Infinity;
    breakMachine(machine, { ...breakage, curedByReboot: finite(reboots) }, this.#parts);
    const flapper: Flapper = {
      machine,
      breakage,
      flapping,
      reboots,
      bootId: machine.bootId,
      next: this.#parts.scheduler.after(flapping.down, () => this.#recover(flapper)),
    };
    this.#flappers.set(keyOf(machine, breakage.fault), flapper);
  }

  /** Ends the flapping of one fault, or of all. What is broken at this moment stays so. */
  stop(machine: Machine, fault?: NodeFault): void {
    for (const [key, flapper] of this.#flappers) {
      if (flapper.machine !== machine || (fault !== undefined && flapper.breakage.fault !== fault)) continue;
      flapper.next.cancel();
      this.#flappers.delete(key);
    }
  }

  /** Some fault comes and goes on this machine, whether it is there now or not. */
  has(machine: Machine): boolean {
    return [...this.#flappers.values()].some((flapper) => flapper.machine === machine);
  }

  #recover(flapper: Flapper): void {
    const { machine, breakage, flapping } = flapper;
    if (this.#isOver(flapper)) return;
    healMachine(machine, breakage.fault, this.#parts);
    flapper.next = this.#parts.scheduler.after(flapping.up, () => this.#fail(flapper));
  }

  #fail(flapper: Flapper): void {
    const { machine, breakage, flapping } = flapper;
    if (this.#isOver(flapper)) return;
    breakMachine(machine, { ...breakage, curedByReboot: finite(flapper.reboots) }, this.#parts);
    flapper.next = this.#parts.scheduler.after(flapping.down, () => this.#recover(flapper));
  }

  /** Counts the reboots since the turn before; a machine that is gone, or was rebooted often enough, flaps no more. */
  #isOver(flapper: Flapper): boolean {
    const { machine, breakage } = flapper;
    if (machine.bootId !== flapper.bootId) {
      flapper.bootId = machine.bootId;
      flapper.reboots -= 1;
    }
    const over = flapper.reboots <= 0 || machine.power === "gone";
    if (over) this.stop(machine, breakage.fault);
    return over;
  }
}

function keyOf(machine: Machine, fault: NodeFault): string {
  return `${machine.instance.id} ${fault}`;
}

function finite(reboots: number): number | false {
  return Number.isFinite(reboots) ? reboots : false;
}
