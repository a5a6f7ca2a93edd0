import { HOUR, MINUTE, SECOND, type EpochMillis, type Millis } from "./time.ts";

/** The last instant that a date can name. */
const LAST_INSTANT = 8.64e15;

/** A span in its largest whole unit: `12 h`, `90 s`. */
export function spanText(span: Millis): string {
  const units = [
    [HOUR, "h"],
    [MINUTE, "min"],
    [SECOND, "s"],
  ] as const;
  const [unit, name] = units.find(([size]) => span >= size && span % size === 0) ?? [1, "ms"];
  return `${span / unit} ${name}`;
}

/** A date can name this instant; only damaged bytes name another. */
export function isInstant(at: EpochMillis): boolean {
  return Math.abs(at) <= LAST_INSTANT;
}

/** An instant to the second, in UTC; one that no date can name is "an unknown time". */
export function instantText(at: EpochMillis): string {
  if (!isInstant(at)) return "an unknown time";
  return new Date(at).toISOString().replace(/\.\d{3}Z$/u, "Z");
}
