import type { VirtualTime } from "./virtual-time.ts";

/** What happened in a run, line by line; kept or hashed only when somebody asked for it. */
export class Story {
  readonly lines: string[] = [];
  readonly #time: VirtualTime;
  readonly #told: boolean;

  constructor(time: VirtualTime, told: boolean) {
    this.#time = time;
    this.#told = told;
  }

  tell(line: () => string): void {
    if (!this.#told) return;
    const seconds = (this.#time.elapsed / 1000).toFixed(3).padStart(8);
    this.lines.push(`${seconds} #${this.#time.steps} ${line()}`);
  }
}
