import { HOUR, MINUTE, SECOND, type Millis } from "../../core/time.ts";

/** The units of a written duration, largest first; a value names each at most once and in this order. */
const UNITS = [
  ["d", 24 * HOUR],
  ["h", HOUR],
  ["m", MINUTE],
  ["s", SECOND],
  ["ms", 1],
] as const;

/** The longest duration we take: a Node timer beyond 2^31-1 ms (24.8 days) fires at once instead of late. */
export const LONGEST_DURATION: Millis = 24 * 24 * HOUR;

const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|[dhms]))+$/u;
const PART = /(?<amount>\d+(?:\.\d+)?)(?<unit>ms|[dhms])/gu;

/**
 * Reads a duration such as `5m`, `1h30m`, `2.5s` or `500ms` into whole milliseconds (a bare `0` is zero); undefined
 * for anything else. A number without a unit is refused, because seconds and minutes are easily mistaken.
 */
export function parseDuration(text: string): Millis | undefined {
  const trimmed = text.trim();
  if (trimmed === "0") return 0;
  if (!WHOLE.test(trimmed)) return undefined;
  let total = 0;
  let next = 0;
  for (const { groups } of trimmed.matchAll(PART)) {
    const index = UNITS.findIndex(([unit]) => unit === groups?.["unit"]);
    const unit = UNITS[index];
    // "30m1h" and "5m5m" are typing errors more often than sums.
    if (unit === undefined || index < next) return undefined;
    next = index + 1;
    total += Number(groups?.["amount"]) * unit[1];
  }
  return Math.round(total);
}

/** Writes whole milliseconds as `parseDuration` reads them: `40m`, `1h30m`, `2s500ms`, `0s`. */
export function formatDuration(span: Millis): string {
  let rest = Math.round(Math.abs(span));
  let text = "";
  for (const [unit, size] of UNITS) {
    if (unit === "d") continue;
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    if (amount > 0) text += `${amount}${unit}`;
  }
  return `${span < 0 ? "-" : ""}${text === "" ? "0s" : text}`;
}
