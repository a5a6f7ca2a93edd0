import type { GateName } from "../gates/gate.ts";
import type { EpochMillis } from "../time.ts";

/** What the transaction of a repair found that a plan cannot see: it holds that repair until then. */
export interface FoundHold {
  readonly gate: GateName;
  readonly why: string;
  readonly until: EpochMillis;
}

/** What a transaction finds by asking something that all repairs share. */
const SHARED: ReadonlySet<GateName> = new Set(["Cloud", "NodeUnreadable", "Deadline"]);
/** So many repairs that found the same: the next one alone finds out whether it is over. */
const MANY_FOUND = 3;

/** Repairs that found something out of reach which all of them need: one alone tries again, the others wait for it. */
export class Doubts {
  readonly #doubt: FoundHold | undefined;
  #isTried = false;

  constructor(nodes: readonly { readonly found?: FoundHold }[], now: EpochMillis) {
    const live = nodes.flatMap(({ found }) =>
      found !== undefined && SHARED.has(found.gate) && found.until > now ? [found] : [],
    );
    const many = [...Map.groupBy(live, ({ gate }) => gate).values()].find(
      ({ length }) => length >= MANY_FOUND,
    );
    this.#doubt = many?.[0];
  }

  /** What holds the next repair; undefined: nothing is doubted, or it is the one that tries. */
  ask(): { readonly gate: GateName; readonly why: string } | undefined {
    if (this.#doubt === undefined || !this.#isTried) return undefined;
    const { gate, why } = this.#doubt;
    return { gate, why: `other repairs found: ${why}` };
  }

  tried(): void {
    this.#isTried = true;
  }
}
