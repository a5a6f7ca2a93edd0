/** Pauses: whoever says stop, at whatever level, wins. */
import type { Ledger, LedgerPause } from "./ledger/ledger.ts";
import { ANNOTATION_PREFIX } from "./snapshot-fields.ts";
import type { NodeSnapshot } from "./node.ts";
import { instantText } from "./time-text.ts";
import type { EpochMillis } from "./time.ts";

/** What an operator's pause covers: everything, or one pool or node by its name. */
export type PauseScope =
  | { readonly level: "fleet" }
  | { readonly level: "pool" | "node"; readonly name: string };

/** Where the ledger keeps the pauses that have a name. */
export const PAUSED = { pool: "pausedPools", node: "pausedNodes" } as const;

/** One pause that holds a node. */
export interface Pause {
  readonly level: PauseScope["level"];
  readonly source: "configuration" | "ledger" | "annotation";
  readonly why: string;
  readonly since?: EpochMillis;
  /** When it ends by itself; absent: a person ends it. */
  readonly until?: EpochMillis;
}

/** Pauses from the configuration. */
export interface PausePolicy {
  readonly fleet: boolean;
  readonly pools: readonly string[];
  readonly nodes: readonly string[];
}

/** The annotation by which a node pauses its own repair. */
export const PAUSE_ANNOTATION = `${ANNOTATION_PREFIX}paused`;
/** The annotation by which a node opts out of repair for good. */
export const OPT_OUT_ANNOTATION = `${ANNOTATION_PREFIX}opt-out`;

/** A marker is set unless it says `false`: a value that nobody understands must hold back, not let pass. */
export function isMarked(node: Pick<NodeSnapshot, "annotations">, annotation: string): boolean {
  const value = node.annotations[annotation];
  return value !== undefined && value.toLowerCase() !== "false";
}

/** Every pause that holds this node. `ledger` absent: none is kept (monitor-only), or it was not read yet. */
export function pausesOf(
  node: {
    readonly name: string;
    readonly pool: string | undefined;
    readonly snapshot?: NodeSnapshot | undefined;
  },
  policy: PausePolicy,
  ledger: Ledger | undefined,
): Pause[] {
  const { name, pool, snapshot } = node;
  const pauses: Pause[] = [];
  if (policy.fleet) pauses.push({ level: "fleet", source: "configuration", why: "paused by configuration" });
  if (pool !== undefined && policy.pools.includes(pool)) {
    pauses.push({ level: "pool", source: "configuration", why: `pool ${pool} is paused by configuration` });
  }
  if (policy.nodes.includes(name)) {
    pauses.push({ level: "node", source: "configuration", why: "this node is paused by configuration" });
  }
  if (ledger !== undefined) pauses.push(...pausesInLedger(name, pool, ledger));
  if (snapshot !== undefined && isMarked(snapshot, PAUSE_ANNOTATION)) {
    pauses.push({ level: "node", source: "annotation", why: `annotation ${PAUSE_ANNOTATION}` });
  }
  return pauses;
}

function pausesInLedger(name: string, pool: string | undefined, ledger: Ledger): Pause[] {
  const scopes: PauseScope[] = [
    { level: "fleet" },
    ...(pool === undefined ? [] : [{ level: "pool", name: pool } as const]),
    { level: "node", name },
  ];
  return scopes.flatMap((scope): Pause[] => {
    const pause = pauseOf(ledger, scope);
    if (pause === undefined) return [];
    const { by, reason, ...span } = pause;
    const until = span.until === undefined ? "" : ` until ${instantText(span.until)}`;
    return [{ ...span, level: scope.level, source: "ledger", why: `paused by ${by}${until}: ${reason}` }];
  });
}

/** The pause that stands for exactly this scope; undefined when there is none. */
export function pauseOf({ meta }: Ledger, scope: PauseScope): LedgerPause | undefined {
  if (scope.level === "fleet") return meta.paused;
  const pauses = meta[PAUSED[scope.level]];
  // Names come from clusters: `constructor` is a valid node name and no pause.
  return Object.hasOwn(pauses, scope.name) ? pauses[scope.name] : undefined;
}

/** A pause with an end is none from its end on. */
export function stands({ until = Infinity }: Pick<LedgerPause, "until">, now: EpochMillis): boolean {
  return until > now;
}

/** When the last of these pauses has ended; undefined: a person must end one of them. */
export function endOf(pauses: readonly Pause[]): EpochMillis | undefined {
  const end = Math.max(0, ...pauses.map(({ until = Infinity }) => until));
  return end === Infinity ? undefined : end;
}
