/**
 * Settled repairs as rows of one text: what windows, rates and the cure rate need of them, and no more. A zone of
 * thousands of nodes leaves thousands of them behind, and a ConfigMap holds 1 MiB.
 */
import { z } from "zod";
import { EARLIER_MAX } from "../core/ledger/history.ts";
import { LEDGER_OUTCOMES, SHORT_TOKEN, type LedgerEntry } from "../core/ledger/ledger.ts";
import { SECOND } from "../core/time.ts";

const instant = z.number().min(0).max(8.64e15);
/** The place of a name in `names`; -1: it has none. */
const place = z.int().min(-1);
const row = z.tuple([
  z.string().min(1).max(253),
  z.int().min(0),
  z.string().min(1).max(253),
  place,
  place,
  place,
  instant,
  // Seconds from then to the end of the window.
  z.int(),
  z.int().min(0),
  z.string().max(SHORT_TOKEN),
  z
    .int()
    .min(0)
    .max(LEDGER_OUTCOMES.length - 1),
  z.union([z.literal(0), z.literal(1)]),
  z.array(instant).max(EARLIER_MAX),
]);
type Row = z.infer<typeof row>;

const settledSchema = z.object({ names: z.array(z.string().max(512)), rows: z.array(row) });

const SETTLED: ReadonlySet<string> = new Set([
  "NotSent",
  "Rejected",
  "Cured",
  "StillBad",
  "NotExecuted",
  "Gone",
]);

/** Nothing more is written about this repair: it can be a row. */
export function isSettled({ outcome }: Pick<LedgerEntry, "outcome">): boolean {
  return SETTLED.has(outcome);
}

/** Settled entries as one text. */
export function encodeSettled(entries: readonly LedgerEntry[]): string {
  const names = new Map<string, number>();
  const placeOf = (name: string | undefined): number => {
    if (name === undefined) return -1;
    const known = names.get(name) ?? names.size;
    names.set(name, known);
    return known;
  };
  const rows = entries.map((entry): Row => [
    entry.instanceId,
    entry.seq,
    entry.node,
    placeOf(entry.pool),
    placeOf(entry.zone),
    placeOf(entry.checker),
    entry.at,
    Math.ceil((entry.notBefore - entry.at) / SECOND),
    entry.attempt,
    entry.token.slice(0, SHORT_TOKEN),
    LEDGER_OUTCOMES.findIndex((outcome) => outcome === entry.outcome),
    entry.gpu ? 1 : 0,
    [...(entry.earlier ?? [])],
  ]);
  return JSON.stringify({ names: [...names.keys()], rows });
}

/** The entries of such a text; undefined: it is not one. */
export function decodeSettled(text: unknown): LedgerEntry[] | undefined {
  const parsed = settledSchema.safeParse(parse(text));
  if (!parsed.success) return undefined;
  const { names, rows } = parsed.data;
  const entries = rows.map((one) => entryOf(one, names));
  return entries.every((entry) => entry !== undefined) ? entries : undefined;
}

function entryOf(
  [instanceId, seq, node, pool, zone, checker, at, wait, attempt, token, outcome, gpu, earlier]: Row,
  names: readonly string[],
): LedgerEntry | undefined {
  const isWhole = Math.max(pool, zone, checker) < names.length;
  const known = LEDGER_OUTCOMES[outcome];
  if (!isWhole || known === undefined || !isSettled({ outcome: known })) return undefined;
  const [inPool, inZone, by] = [names[pool], names[zone], names[checker]];
  return {
    instanceId,
    seq,
    node,
    ...(inPool === undefined ? {} : { pool: inPool }),
    ...(inZone === undefined ? {} : { zone: inZone }),
    ...(by === undefined ? {} : { checker: by }),
    at,
    ...(earlier.length === 0 ? {} : { earlier }),
    notBefore: at + wait * SECOND,
    attempt,
    token,
    by: "",
    outcome: known,
    gpu: gpu === 1,
  };
}

function parse(text: unknown): unknown {
  if (typeof text !== "string") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
