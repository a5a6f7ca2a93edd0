import { parseStored, recordSchema } from "../contract/stored.ts";
import { fnv1a64 } from "../core/fnv1a.ts";
import type { NodeRecord } from "../core/record.ts";
import { kindOf } from "../core/record-gauges.ts";
import { objectOf } from "../core/raw-values.ts";

/**
 * A record as it stands in Redis: `<version> <JSON>`; the version of bytes that have none, or one too large to count
 * on, is `damaged`.
 */
export interface StoredRecord {
  readonly version: string;
  readonly record: NodeRecord | undefined;
  readonly fault: string | undefined;
}

/** Reads a stored record; empty text means that there is none (version `0`). Never throws. */
export function decodeRecord(name: string, raw: string): StoredRecord {
  if (raw === "") return { version: "0", record: undefined, fault: undefined };
  const space = raw.indexOf(" ");
  const version = raw.slice(0, Math.max(0, space));
  if (!/^\d+$/u.test(version) || Number(version) >= Number.MAX_SAFE_INTEGER) {
    return { version: "damaged", record: undefined, fault: `record of ${name}: expected "<version> <JSON>"` };
  }
  const parsed = parseStored(`record of ${name}`, raw.slice(space + 1), recordSchema);
  if (!parsed.ok) return { version, record: undefined, fault: parsed.fault };
  if (parsed.value.name !== name) {
    return { version, record: undefined, fault: `record of ${name}: it is the record of another node` };
  }
  return { version, record: parsed.value, fault: undefined };
}

/** The kind of a record as the tally of a shard keeps it: a short name for what the gauges count of it. */
export function recordKind(record: NodeRecord): { readonly kind: string; readonly text: string } {
  const text = kindOf(record);
  return { kind: fnv1a64(text), text };
}

/** How many records of each kind a tally tells of; a kind whose text cannot be read is left out. */
export function parseTally(tally: unknown): [text: string, records: number][] {
  const fields = objectOf(tally);
  return Object.entries(fields).flatMap(([field, count]) => {
    const text = fields[`t:${field.slice(2)}`];
    if (!field.startsWith("n:") || typeof text !== "string" || !isJson(text)) return [];
    return [[text, Number(count)]];
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
