import type { EpochMillis } from "./time.ts";

/** An object of unknown origin, e.g. parsed JSON. Its keys are read with `field`, never with a bare index. */
export type RawObject = Readonly<Record<string, unknown>>;

const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

// C0, DEL, C1, the two line separators and the marks that reorder text: none of them has a place in a log line.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The value as an object, or an empty one: an array, a string and null have no fields for us. */
export function objectOf(value: unknown): RawObject {
  return isRawObject(value) ? value : {};
}

/** True for a plain record; arrays and Dates are not. */
export function isRawObject(value: unknown): value is RawObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** An own field. Inherited ones (`constructor`, `toString`) read undefined whatever the object is. */
export function field(object: RawObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The value as a list, or an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Free text, made printable and well-formed and cut to `max` UTF-16 units; undefined when not a string or empty. */
export function textOf(value: unknown, max: number): string | undefined {
  if (typeof value !== "string") return undefined;
  // Cut first, so that a string of a megabyte costs no more than a short one.
  const text = value.slice(0, max).replace(UNPRINTABLE, "").toWellFormed();
  return text === "" ? undefined : text;
}

/**
 * A token that identifies something: printable ASCII of at most `max` characters, else undefined. Never cut or
 * cleaned, since that could turn the identity of one machine into that of another.
 */
export function tokenOf(value: unknown, max: number): string | undefined {
  if (typeof value !== "string" || value.length === 0 || value.length > max) return undefined;
  return /^[!-~]+$/.test(value) ? value : undefined;
}

/**
 * An instant from either shape: the list path gives Dates, the watch path RFC 3339 strings. Missing, null,
 * unreadable, and anything before 1970 (Go's zero time is 0001-01-01T00:00:00Z) read undefined.
 */
export function instantOf(value: unknown): EpochMillis | undefined {
  const millis = value instanceof Date ? value.getTime() : parseRfc3339(value);
  return Number.isFinite(millis) && millis >= 0 ? millis : undefined;
}

function parseRfc3339(value: unknown): number {
  return typeof value === "string" && value.length <= 40 && RFC3339.test(value)
    ? Date.parse(value)
    : Number.NaN;
}
