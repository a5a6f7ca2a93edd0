import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { fleetNode } from "@node-agent/shared/core/storm/fleet-node.ts";
import { fleetHealth, type FleetHealth, type FleetNode } from "@node-agent/shared/core/storm/fleet.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { NodeLister } from "@node-agent/shared/ports/node-lister.ts";
import type { Rules } from "./judge.ts";

/** What the look at the fleet is made of. */
export interface FleetWatchDeps {
  readonly lister: NodeLister;
  readonly rules: Rules;
  readonly clock: Clock;
  /** How long one look serves the jobs of this worker; a part of the send deadline. */
  readonly shared: Millis;
}

/** Looks at the whole fleet before a reboot: storms are judged on the live list, not on what Redis says. */
export class FleetWatch {
  readonly #deps: FleetWatchDeps;
  #look: { readonly health: Promise<FleetHealth>; readonly startedAt: Millis } | undefined;

  constructor(deps: FleetWatchDeps) {
    this.#deps = deps;
  }

  /**
   * The health of the fleet, by a list that began at most `shared` ago. `records` lend the start of known failures; a
   * failure nobody recorded begins now. Throws when the fleet cannot be listed.
   */
  async health(records: readonly NodeRecord[], now: EpochMillis, signal: AbortSignal): Promise<FleetHealth> {
    const { clock, shared } = this.#deps;
    const startedAt = clock.monotonic();
    if (this.#look === undefined || startedAt - this.#look.startedAt > shared) {
      const health = this.#list(records, now, signal);
      this.#look = { health, startedAt };
      health.catch(() => {
        this.#look = undefined;
      });
    }
    return this.#look.health;
  }

  async #list(records: readonly NodeRecord[], now: EpochMillis, signal: AbortSignal): Promise<FleetHealth> {
    const known = new Map(records.map((record) => [record.name, record]));
    const nodes: FleetNode[] = [];
    for await (const snapshot of this.#deps.lister.list(signal)) {
      nodes.push(fleetNode(snapshot, known.get(snapshot.name), this.#deps.rules.checkers, now));
    }
    return fleetHealth(nodes);
  }
}
