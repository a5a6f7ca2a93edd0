/** The ledger as the data of a ConfigMap: `meta`, and an entry per instance id. Read with suspicion, written plainly. */
import { z } from "zod";
import { EARLIER_MAX } from "../core/ledger/history.ts";
import { GRANT_MAX_WIDTH, GRANTS_MAX } from "../core/ledger/grant.ts";
import { LEDGER_OUTCOMES, type Ledger, type LedgerEntry, type LedgerMeta } from "../core/ledger/ledger.ts";
import { EntryMemory } from "./entry-memory.ts";
import { decodeSettled, encodeSettled, isSettled } from "./settled-codec.ts";

const instant = z.number().min(0).max(8.64e15);
const text = z.string().max(512);
const pause = z.looseObject({ since: instant, until: instant.exactOptional(), by: text, reason: text });
const pauses = z.record(z.string().max(253), pause);

const width = z.int().min(1).max(GRANT_MAX_WIDTH);
const count = z.int().min(0);
const grant = z.looseObject({
  id: z.string().min(1).max(64),
  since: instant,
  until: instant,
  by: text,
  reason: text,
  zone: text.exactOptional(),
  pool: text.exactOptional(),
  checker: text.exactOptional(),
  count: count.exactOptional(),
  used: count,
  width,
  cured: z.int().min(0).max(GRANT_MAX_WIDTH),
  endedBy: text.exactOptional(),
});

/** The version of the stored form that this code reads; a ledger may ask for a later one. */
const READER = 1;

const metaSchema: z.ZodType<LedgerMeta> = z.looseObject({
  minReader: z
    .int()
    .max(READER, "it was written for a newer version of node-agent; update this one")
    .exactOptional(),
  schema: z.literal(1),
  cluster: z.string().min(1).max(128),
  seq: z.int().min(0),
  heartbeatAt: instant,
  heartbeatBy: text,
  quarantineUntil: instant,
  trusted: z.looseObject({ since: instant, by: text, reason: text }).exactOptional(),
  paused: pause.exactOptional(),
  pausedPools: pauses,
  pausedNodes: pauses,
  grants: z.array(grant).max(GRANTS_MAX).exactOptional(),
  grant: z.looseObject({ since: instant, by: text, width }).exactOptional(),
});

const rawEntrySchema = z.looseObject({
  instanceId: z.string().min(1).max(253),
  seq: z.int().min(0),
  node: z.string().min(1).max(253),
  pool: text.exactOptional(),
  zone: text.exactOptional(),
  checker: text.exactOptional(),
  bootIdBefore: text.exactOptional(),
  at: instant,
  earlier: z.array(instant).max(EARLIER_MAX).exactOptional(),
  notBefore: instant,
  attempt: z.int().min(0),
  token: text,
  by: text,
  outcome: z.string().regex(/^[A-Z][A-Za-z]{0,63}$/u),
  recoveredAt: instant.exactOptional(),
  grant: z.string().max(64).exactOptional(),
  gpu: z.boolean(),
});

/** An outcome that this version does not know is not damage: whatever it means, its VM is left alone. */
const entrySchema: z.ZodType<LedgerEntry> = rawEntrySchema.transform(({ outcome, ...entry }): LedgerEntry => {
  const known = LEDGER_OUTCOMES.find((word) => word === outcome);
  return known === undefined ? { ...entry, outcome: "Newer", newer: outcome } : { ...entry, outcome: known };
});

const META_KEY = "meta";
/** Settled entries, when there are so many that their own texts would not fit. */
const SETTLED_KEY = "settled";
/** A ConfigMap key: what an instance id must look like to be one. */
const ENTRY_KEY = /^[-._a-zA-Z0-9]{1,253}$/u;
/** What workers may write; the API server takes 1 MiB of values. Repairs stop before it, loudly. */
export const LEDGER_MAX_BYTES = 900 * 1024;
/** What an operator may write: an order fits, whatever the fleet did. */
export const LEDGER_ORDER_MAX_BYTES = 1000 * 1024;
/** From this size on settled entries are rows of one text, which versions before this cannot read: they hold. */
export const PACK_FROM_BYTES = 256 * 1024;

/**
 * The data of a ConfigMap from a ledger. Throws RangeError when it would be larger than `most`, an instance id is no key,
 * or it could not be read back: what nobody can read stops every reboot, and no command could undo it. With the memory of
 * its reader only what changed is made again.
 */
export function encodeLedger(
  { meta, entries }: Ledger,
  memory = new EntryMemory(),
  most = LEDGER_MAX_BYTES,
): Record<string, string> {
  for (const instanceId of entries.keys()) {
    if (ENTRY_KEY.test(instanceId) && instanceId !== META_KEY && instanceId !== SETTLED_KEY) continue;
    throw new RangeError(
      `Expected an instance id that can be a ConfigMap key, got ${JSON.stringify(instanceId)}`,
    );
  }
  const plain = dataOf(meta, [...entries.values()], memory);
  const data = bytesOf(plain) < PACK_FROM_BYTES ? plain : packed(meta, [...entries.values()], memory);
  const bytes = bytesOf(data);
  if (bytes > most) throw new RangeError(`The ledger has ${bytes} bytes, ${most} are allowed`);
  const back = decodeLedger(data, memory);
  if (!back.ok) throw new RangeError(`The ledger could not be read back: ${back.why}`);
  // A reader of JSON drops `__proto__`: a pause of that name would be lost without a word.
  if (pausesIn(back.ledger.meta) < pausesIn(meta))
    throw new RangeError("The ledger could not be read back: a pause has a name that cannot be one");
  return data;
}

function dataOf(
  meta: LedgerMeta,
  entries: readonly LedgerEntry[],
  memory: EntryMemory,
): Record<string, string> {
  const data: Record<string, string> = { [META_KEY]: JSON.stringify(meta) };
  for (const entry of entries) data[entry.instanceId] = memory.textOf(entry) ?? textOf(entry);
  return data;
}

function packed(
  meta: LedgerMeta,
  entries: readonly LedgerEntry[],
  memory: EntryMemory,
): Record<string, string> {
  const settled = entries.filter(isSettled);
  const open = entries.filter((entry) => !isSettled(entry));
  return { ...dataOf(meta, open, memory), [SETTLED_KEY]: encodeSettled(settled) };
}

function bytesOf(data: Readonly<Record<string, string>>): number {
  return Object.entries(data).reduce((sum, [key, value]) => sum + key.length + Buffer.byteLength(value), 0);
}

/** A newer word is written as it was read. */
function textOf({ newer, ...entry }: LedgerEntry): string {
  return JSON.stringify(newer === undefined ? entry : { ...entry, outcome: newer });
}

function pausesIn({ pausedPools, pausedNodes }: LedgerMeta): number {
  return Object.keys(pausedPools).length + Object.keys(pausedNodes).length;
}

/**
 * A ledger from the data of a ConfigMap. One unreadable entry makes the whole unreadable: it may be the one that forbids
 * a reboot. With the memory of an earlier reading only what changed is parsed.
 */
export function decodeLedger(
  data: Readonly<Record<string, unknown>>,
  memory = new EntryMemory(),
): { readonly ok: true; readonly ledger: Ledger } | { readonly ok: false; readonly why: string } {
  const meta = parseJson(data[META_KEY], metaSchema);
  if (!meta.ok) return { ok: false, why: `${META_KEY}: ${meta.why}` };
  const read = new Map<string, { readonly text: string; readonly entry: LedgerEntry }>();
  for (const [key, value] of Object.entries(data)) {
    if (key === META_KEY || key === SETTLED_KEY) continue;
    const known = memory.entryOf(key, value);
    const parsed = known === undefined ? parseJson(value, entrySchema) : { ok: true as const, value: known };
    if (!parsed.ok) return { ok: false, why: `${key.slice(0, 64)}: ${parsed.why}` };
    if (parsed.value.instanceId !== key)
      return { ok: false, why: `${key.slice(0, 64)}: it is the entry of another instance` };
    read.set(key, { text: String(value), entry: parsed.value });
  }
  const settled = data[SETTLED_KEY] === undefined ? [] : decodeSettled(data[SETTLED_KEY]);
  if (settled === undefined) return { ok: false, why: `${SETTLED_KEY}: not valid` };
  memory.keep(read);
  const entries = new Map([...read].map(([key, { entry }]) => [key, entry]));
  for (const entry of settled) {
    const { instanceId } = entry;
    if (entries.has(instanceId))
      return { ok: false, why: `${SETTLED_KEY}: two entries of ${instanceId.slice(0, 64)}` };
    entries.set(instanceId, entry);
  }
  return { ok: true, ledger: { meta: meta.value, entries } };
}

function parseJson<T>(
  value: unknown,
  schema: z.ZodType<T>,
): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string } {
  if (typeof value !== "string") return { ok: false, why: "expected JSON text, found none" };
  let raw: unknown;
  try {
    raw = JSON.parse(value);
  } catch {
    return { ok: false, why: "expected JSON" };
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return { ok: true, value: parsed.data };
  const issue = parsed.error.issues[0];
  return { ok: false, why: `${issue?.path.map(String).join(".") ?? ""}: ${issue?.message ?? "not valid"}` };
}
