/** Which mark of others holds a repair, since when, and whom to ask. */
import { isReady } from "./checkers/conditions.ts";
import { cordonedBy, type Cordon } from "./cordon-owner.ts";
import { CORDON_MARK, FOREIGN_MARKS, foreignValue, isSet, setAt, type ForeignMark } from "./foreign-marks.ts";
import type { NodeSnapshot } from "./node.ts";
import type { RepairPolicy } from "./policy.ts";
import type { SeenMarks } from "./seen-marks.ts";
import { instantText, spanText } from "./time-text.ts";
import type { EpochMillis, Millis } from "./time.ts";

/** How the marks of others are treated. */
export interface ForeignOwnerPolicy {
  /** A hold that is older is reported to operators; it stays a hold. */
  readonly staleAfter: Millis;
}

/** What of the policy a hold depends on. */
export type HoldPolicy = Pick<RepairPolicy, "respectCordon" | "foreignOwner">;

/** A mark that holds a repair. */
export interface ForeignHold {
  readonly mark: ForeignMark;
  /** By the mark's own value, or when it was first seen. */
  readonly since: EpochMillis;
  /** When the mark counts no more by itself; absent: when its owner takes it off. */
  readonly until?: EpochMillis;
  /** It is older than `staleAfter`: its owner may have forgotten it. */
  readonly stale: boolean;
  /** What holds, in words that stay the same while it does. */
  readonly why: string;
}

/** The first mark that holds a repair of this node; undefined: none does. */
export function foreignHold(
  node: NodeSnapshot,
  marks: SeenMarks | undefined,
  policy: HoldPolicy,
  now: EpochMillis,
): ForeignHold | undefined {
  for (const mark of FOREIGN_MARKS) {
    if (mark.key === CORDON_MARK && !policy.respectCordon) continue;
    if (mark.meaning === "protects" && !isReady(node)) continue;
    const value = foreignValue(mark, node);
    if (value === undefined || !isSet(mark, value)) continue;
    const since = setAt(mark, value, now) ?? Math.min(marks?.[mark.key]?.since ?? now, now);
    // A soft mark that counts for some time only, and that time is over.
    if (mark.staleAfter !== undefined && now - since >= mark.staleAfter) continue;
    const told = mark.key === CORDON_MARK ? cordonedBy(node) : { text: markText(mark, value) };
    return holdOf(mark, told, since, policy, now);
  }
  return undefined;
}

function holdOf(
  mark: ForeignMark,
  { owner = mark.owner, text }: Cordon,
  since: EpochMillis,
  { foreignOwner: { staleAfter } }: HoldPolicy,
  now: EpochMillis,
): ForeignHold {
  const stale = mark.permanent !== true && now - since >= staleAfter;
  return {
    mark,
    since,
    ...(mark.staleAfter === undefined ? {} : { until: since + mark.staleAfter }),
    stale,
    why: stale
      ? `${text}; since ${instantText(since)}, longer than ${spanText(staleAfter)}: ask ${owner}`
      : text,
  };
}

function markText(mark: ForeignMark, value: string): string {
  const { at, key, does, meaning, known } = mark;
  if (at.includes("field")) return `${does} (${key})`;
  const place = at[0] ?? "mark";
  const named = value === "" || mark.setAt === "UnixSeconds" ? "" : `=${value}`;
  const unknown =
    known === undefined || known.test(value) ? "" : ", a value that is not known and counts as set";
  const ready = meaning === "protects" ? ", and its kubelet works" : "";
  return `${place} ${key}${named}${unknown}: ${does}${ready}`;
}
