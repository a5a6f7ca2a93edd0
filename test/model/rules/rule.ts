import type { State } from "../layout.ts";
import type { Model } from "../model.ts";
import type { Successors } from "../successors.ts";

/** One kind of thing that can happen. It adds a successor for every way in which it can happen in `state`. */
export interface Rule {
  readonly name: string;
  /** Whether it can happen at all in this world; absent: in every world. */
  readonly appliesTo?: (model: Model) => boolean;
  readonly step: (model: Model, state: State, out: Successors) => void;
}
