/** The whole grammar of a comparable resourceVersion: digits without a leading zero, of any length. */
const COMPARABLE = /^[1-9]\d*$/;

/**
 * Compares two resourceVersions of one resource of one cluster by KEP-5504: the longer is the newer, equal lengths
 * compare as text. Never a Number: they may have 128 bits. Undefined when either is not comparable.
 */
export function compareResourceVersions(one: string, other: string): -1 | 0 | 1 | undefined {
  if (!COMPARABLE.test(one) || !COMPARABLE.test(other)) return undefined;
  if (one.length !== other.length) return one.length < other.length ? -1 : 1;
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** The newer of two; the second when they cannot be compared (what came last is the best guess). */
export function newerResourceVersion(one: string, other: string): string {
  return compareResourceVersions(one, other) === 1 ? one : other;
}
