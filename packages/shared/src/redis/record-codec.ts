import { parseStored, recordSchema } from "../contract/stored.ts";
import type { NodeRecord } from "../core/record.ts";

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
