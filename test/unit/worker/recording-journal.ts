import type { Journal } from "../../../packages/worker/src/journal.ts";

/** Everything a journal was told, in order. */
export class RecordingJournal implements Journal {
  readonly lines: { kind: keyof Journal; args: readonly unknown[] }[] = [];
  judged = (...args: Parameters<Journal["judged"]>): void => this.#add("judged", args);
  held = (...args: Parameters<Journal["held"]>): void => this.#add("held", args);
  requested = (...args: Parameters<Journal["requested"]>): void => this.#add("requested", args);
  answered = (...args: Parameters<Journal["answered"]>): void => this.#add("answered", args);
  verified = (...args: Parameters<Journal["verified"]>): void => this.#add("verified", args);
  recalled = (...args: Parameters<Journal["recalled"]>): void => this.#add("recalled", args);
  fault = (...args: Parameters<Journal["fault"]>): void => this.#add("fault", args);

  #add(kind: keyof Journal, args: readonly unknown[]): void {
    this.lines.push({ kind, args });
  }

  count(kind: keyof Journal): number {
    return this.lines.filter((line) => line.kind === kind).length;
  }
}
