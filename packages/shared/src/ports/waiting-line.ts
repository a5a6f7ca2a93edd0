import type { Waiting } from "../core/storm/turns.ts";

/** The nodes that wait for room in a budget, shared by all workers. A hint that may be lost. */
export interface WaitingLine {
  /** Takes a place, or changes what was said before. */
  join(one: Waiting): Promise<void>;
  /** Gives the place up; true when there was one. */
  leave(node: string): Promise<boolean>;
  /** Everybody in line, in no order; some may be gone. */
  places(): Promise<readonly Waiting[]>;
}
