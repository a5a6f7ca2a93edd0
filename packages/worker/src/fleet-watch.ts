import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import type { FleetHealth } from "@node-agent/shared/core/storm/fleet.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { lookAtFleet, type FleetSources } from "@node-agent/shared/runtime/fleet-look.ts";

/** What the look at the fleet is made of. */
export interface FleetWatchDeps extends FleetSources {
  readonly clock: Clock;
  /** How long one look serves the jobs of this worker after it ended; a part of the send deadline. */
  readonly shared: Millis;
  /** No look serves longer than this from its beginning: a process may stand still while it lists. */
  readonly oldest: Millis;
}

/** A list of the fleet may take so many times as long as the read of a node. */
export const FLEET_LIST_DEADLINES = 6;

interface Look {
  readonly health: Promise<FleetHealth>;
  readonly startedAt: Millis;
  endedAt: Millis | undefined;
}

/** Looks at the whole fleet before a reboot: storms are judged on the live list, not on what Redis says. */
export class FleetWatch {
  readonly #deps: FleetWatchDeps;
  #look: Look | undefined;

  constructor(deps: FleetWatchDeps) {
    this.#deps = deps;
  }

  /**
   * The health of the fleet, by a list that is under way or ended at most `shared` ago. `records` lend the start of known
   * failures; a failure nobody recorded begins now. Throws when the fleet cannot be listed.
   */
  async health(records: readonly NodeRecord[], now: EpochMillis, signal: AbortSignal): Promise<FleetHealth> {
    if (this.#look === undefined || this.#isOld(this.#look)) this.#look = this.#begin(records, now, signal);
    return this.#look.health;
  }

  #isOld({ startedAt, endedAt }: Look): boolean {
    const { clock, shared, oldest } = this.#deps;
    const now = clock.monotonic();
    return now - startedAt > oldest || (endedAt !== undefined && now - endedAt > shared);
  }

  #begin(records: readonly NodeRecord[], now: EpochMillis, signal: AbortSignal): Look {
    const startedAt = this.#deps.clock.monotonic();
    const look: Look = { health: this.#list(records, now, signal), startedAt, endedAt: undefined };
    void this.#note(look);
    return look;
  }

  async #note(look: Look): Promise<void> {
    try {
      await look.health;
      look.endedAt = this.#deps.clock.monotonic();
    } catch {
      // Whoever asked is told; the next one asks anew.
      if (this.#look === look) this.#look = undefined;
    }
  }

  async #list(records: readonly NodeRecord[], now: EpochMillis, signal: AbortSignal): Promise<FleetHealth> {
    return (await lookAtFleet(this.#deps, records, now, signal)).health;
  }
}
