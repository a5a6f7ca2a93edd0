import type { Waiting } from "../core/storm/turns.ts";
import type { WaitingLine } from "../ports/waiting-line.ts";

/** The line in memory. */
export class MemoryWaitingLine implements WaitingLine {
  readonly held = new Map<string, Waiting>();

  async join(one: Waiting): Promise<void> {
    this.held.set(one.node, one);
  }

  async leave(node: string): Promise<boolean> {
    return this.held.delete(node);
  }

  async places(): Promise<readonly Waiting[]> {
    return [...this.held.values()];
  }
}
