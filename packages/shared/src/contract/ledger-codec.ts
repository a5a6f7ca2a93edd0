/** The ledger as the data of a ConfigMap: `meta`, and an entry per instance id. Read with suspicion, written plainly. */
import { z } from "zod";
import { EARLIER_MAX } from "../core/ledger/history.ts";
import { GRANT_MAX_WIDTH, GRANTS_MAX } from "../core/ledger/grant.ts";
import { LEDGER_OUTCOMES, type Ledger, type LedgerEntry, type LedgerMeta } from "../core/ledger/ledger.ts";
import { EntryMemory } from "./entry-memory.ts";

const instant = z.number().min(0).max(8.64e15);
const text = z.string().max(512);
const pause = z.object({ since: instant, until: instant.exactOptional(), by: text, reason: text });
const pauses = z.record(z.string().max(253), pause);

const width = z.int().min(1).max(GRANT_MAX_WIDTH);
const count = z.int().min(0);
const grant = z.object({
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

const metaSchema: z.ZodType<LedgerMeta> = z.object({
  schema: z.literal(1),
  cluster: z.string().min(1).max(128),
  seq: z.int().min(0),
  heartbeatAt: instant,
  heartbeatBy: text,
  quarantineUntil: instant,
  trusted: z.object({ since: instant, by: text, reason: text }).exactOptional(),
  paused: pause.exactOptional(),
  pausedPools: pauses,
  pausedNodes: pauses,
  grants: z.array(grant).max(GRANTS_MAX).exactOptional(),
  grant: z.object({ since: instant, by: text, width }).exactOptional(),
});

const entrySchema: z.ZodType<LedgerEntry> = z.object({
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
  outcome: z.enum(LEDGER_OUTCOMES),
  recoveredAt: instant.exactOptional(),
  grant: z.string().max(64).exactOptional(),
  gpu: z.boolean(),
});

const META_KEY = "meta";
/** A ConfigMap key: what an instance id must look like to be one. */
const ENTRY_KEY = /^[-._a-zA-Z0-9]{1,253}$/u;
/** Beyond this the API server's own limit of 1 MiB comes near; reboots stop before it, loudly. */
export const LEDGER_MAX_BYTES = 800 * 1024;

/**
 * The data of a ConfigMap from a ledger. Throws RangeError when it would be too large, an instance id is no key, or it
 * could not be read back: what nobody can read stops every reboot, and no command could undo it. With the memory of its
 * reader only what changed is made anew.
 */
export function encodeLedger({ meta, entries }: Ledger, memory = new EntryMemory()): Record<string, string> {
  const data: Record<string, string> = { [META_KEY]: JSON.stringify(meta) };
  let bytes = Buffer.byteLength(data[META_KEY] ?? "");
  for (const [instanceId, entry] of entries) {
    if (!ENTRY_KEY.test(instanceId) || instanceId === META_KEY) {
      throw new RangeError(
        `Expected an instance id that can be a ConfigMap key, got ${JSON.stringify(instanceId)}`,
      );
    }
    const json = memory.textOf(entry) ?? JSON.stringify(entry);
    bytes += Buffer.byteLength(json) + instanceId.length;
    data[instanceId] = json;
  }
  if (bytes > LEDGER_MAX_BYTES)
    throw new RangeError(`The ledger has ${bytes} bytes, ${LEDGER_MAX_BYTES} are allowed`);
  const back = decodeLedger(data, memory);
  if (!back.ok) throw new RangeError(`The ledger could not be read back: ${back.why}`);
  // A reader of JSON drops `__proto__`: a pause of that name would be lost without a word.
  if (pausesIn(back.ledger.meta) < pausesIn(meta))
    throw new RangeError("The ledger could not be read back: a pause has a name that cannot be one");
  return data;
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
    if (key === META_KEY) continue;
    const known = memory.entryOf(key, value);
    const parsed = known === undefined ? parseJson(value, entrySchema) : { ok: true as const, value: known };
    if (!parsed.ok) return { ok: false, why: `${key.slice(0, 64)}: ${parsed.why}` };
    if (parsed.value.instanceId !== key)
      return { ok: false, why: `${key.slice(0, 64)}: it is the entry of another instance` };
    read.set(key, { text: String(value), entry: parsed.value });
  }
  memory.keep(read);
  const entries = new Map([...read].map(([key, { entry }]) => [key, entry]));
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
