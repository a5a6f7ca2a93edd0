import type { ClusterView } from "../ports/snapshot-store.ts";

/** Reads the four strings that every script answers with: now, observed, until, since. Anything unreadable counts as never seen. */
export function parseView(now: string, observed: string, until: string, since: string): ClusterView {
  const at = Number(now);
  const seenUntil = decimal(until);
  const seenSince = decimal(since);
  return {
    now: at,
    observed: decimal(observed) ?? 0,
    // A view of the future is none: the store's clock ran back, and nobody knows by how much until the next beat.
    age: seenUntil === undefined || seenUntil > at ? undefined : at - seenUntil,
    steady: seenSince === undefined ? 0 : Math.max(0, at - seenSince),
  };
}

function decimal(text: string): number | undefined {
  return /^\d{1,15}$/u.test(text) ? Number(text) : undefined;
}

/** A script's answer as a list of strings. Throws TypeError when it is anything else. */
export function stringsOf(answer: unknown): string[] {
  if (!Array.isArray(answer) || !answer.every((item) => typeof item === "string")) {
    throw new TypeError("Expected a list of strings from a Redis script");
  }
  return answer;
}
