import { compareResourceVersions } from "@node-agent/kubernetes";
import type { Drift } from "@node-agent/shared/contract/drift.ts";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import type { FleetHealth } from "@node-agent/shared/core/storm/fleet.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { lookAtFleet, type FleetLooked, type FleetSources } from "@node-agent/shared/runtime/fleet-look.ts";

/** What the look at the fleet is made of. */
export interface FleetWatchDeps extends FleetSources {
  readonly clock: Clock;
  /** How long one look serves the jobs of this worker after it ended; a part of the send deadline. */
  readonly shared: Millis;
  /** Told of a node of which a look and a fresh read cannot both be right. */
  readonly onDrift?: (drift: Drift) => void;
  /** No look serves longer than this from its beginning: a process may stand still while it lists. */
  readonly oldest: Millis;
}

/** A node as it was read, by quorum, and when the read had not begun yet (monotonic). */
export interface FreshRead {
  readonly node: NodeSnapshot;
  readonly since: Millis;
}

/** A list of the fleet may take so many times as long as the read of a node. */
export const FLEET_LIST_DEADLINES = 6;

interface Look {
  readonly seen: Promise<FleetLooked>;
  readonly startedAt: Millis;
  endedAt: Millis | undefined;
}

/** Looks at the whole fleet before a reboot: breakers are judged on the live list, not on what Redis says. */
export class FleetWatch {
  readonly #deps: FleetWatchDeps;
  #look: Look | undefined;

  constructor(deps: FleetWatchDeps) {
    this.#deps = deps;
  }

  /**
   * The health of the fleet, by a list that is under way or ended at most `shared` ago. `records`, read for a new
   * list only, lend the start of known failures; a failure without a record begins now. Throws when the fleet cannot be listed, or when the list and `fresh`
   * cannot both be right.
   */
  async health(
    records: () => Promise<readonly NodeRecord[]>,
    now: EpochMillis,
    signal: AbortSignal,
    fresh?: FreshRead,
  ): Promise<FleetHealth> {
    const askedAt = this.#deps.clock.monotonic();
    if (this.#look === undefined || this.#isOld(this.#look)) this.#look = this.#begin(records, now, signal);
    const look = this.#look;
    const { health, versions } = await look.seen;
    if (fresh !== undefined) this.#compare(fresh, versions.get(fresh.node.name), look, askedAt);
    return health;
  }

  /**
   * The node was read by quorum, and so was the list: whichever was read later cannot be older. If it is, one of the two
   * was answered by an API server that is behind the others, and neither is built on.
   */
  #compare({ node, since }: FreshRead, listed: string | undefined, look: Look, askedAt: Millis): void {
    if (listed === undefined) return;
    const order = compareResourceVersions(listed, node.resourceVersion);
    const isListLater = look.startedAt >= askedAt;
    const isReadLater = look.endedAt !== undefined && look.endedAt < since;
    if (!(isListLater && order === -1) && !(isReadLater && order === 1)) return;
    if (this.#look === look) this.#look = undefined;
    this.#deps.onDrift?.({ counts: { Stale: 1, Missing: 0, Extra: 0 }, nodes: [node.name] });
    throw new Error(
      `the list of the nodes has version ${listed} of this node and its read has ${node.resourceVersion}: an API server is behind the others`,
    );
  }

  #isOld({ startedAt, endedAt }: Look): boolean {
    const { clock, shared, oldest } = this.#deps;
    const now = clock.monotonic();
    return now - startedAt > oldest || (endedAt !== undefined && now - endedAt > shared);
  }

  #begin(records: () => Promise<readonly NodeRecord[]>, now: EpochMillis, signal: AbortSignal): Look {
    const startedAt = this.#deps.clock.monotonic();
    const list = async (): Promise<FleetLooked> => lookAtFleet(this.#deps, await records(), now, signal);
    const look: Look = { seen: list(), startedAt, endedAt: undefined };
    void this.#note(look);
    return look;
  }

  async #note(look: Look): Promise<void> {
    try {
      await look.seen;
      look.endedAt = this.#deps.clock.monotonic();
    } catch {
      // Whoever asked is told; the next one asks anew.
      if (this.#look === look) this.#look = undefined;
    }
  }
}
