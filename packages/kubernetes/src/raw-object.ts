/**
 * Reading JSON that others wrote. Every step checks that the property is the object's own, so that a name like
 * `__proto__` or `constructor` is data and nothing else.
 */
export type RawRecord = Readonly<Record<string, unknown>>;

/** The value as an object that is neither null nor an array, or undefined. */
export function asRecord(value: unknown): RawRecord | undefined {
  return isRecord(value) ? value : undefined;
}

function isRecord(value: unknown): value is RawRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The `code` of a failed system call, e.g. `ENOENT`. */
export function systemCode(fault: unknown): string {
  return text(fault, "code") ?? "unreadable";
}

/** An own property of an object, or undefined. */
export function property(value: unknown, key: string): unknown {
  const record = asRecord(value);
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

/** An own property that is a non-empty string, or undefined. */
export function text(value: unknown, key: string): string | undefined {
  const found = property(value, key);
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** An own property that is an array; anything else (Go writes `null` for an empty slice) is an empty one. */
export function list(value: unknown, key: string): readonly unknown[] {
  const found = property(value, key);
  return Array.isArray(found) ? found : [];
}
