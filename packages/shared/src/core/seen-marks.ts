/**
 * What is remembered of the marks of others on a node: since when each has its present meaning. A record keeps this, so
 * that every worker gives work and holds the same age. Only keys of our own tables are kept.
 */
import { cordonedBy } from "./cordon-owner.ts";
import { CORDON_MARK, FOREIGN_MARKS, foreignValue, isSet } from "./foreign-marks.ts";
import type { NodeSnapshot } from "./node.ts";
import { isWork, PLANNED_WORK_MARKS, workState, workValue, type PlannedWorkMark } from "./planned-work.ts";
import { MINUTE, type EpochMillis, type Millis } from "./time.ts";

/** One mark of another controller or person, as it was judged last. */
export interface SeenMark {
  /** Its value, at most 63 characters; empty for work that ended and is remembered for a while. */
  readonly value: string;
  /** When it was first seen with its present meaning; a change from one state of work to the next is none. */
  readonly since: EpochMillis;
  /** The latest work that this mark told of, once it ended: work that begins again soon is the same work. */
  readonly worked?: { readonly since: EpochMillis; readonly until: EpochMillis };
  /** Of a foreign mark: it holds the repair of the node, which fails. */
  readonly holds?: true;
  /** Operators were told: the work is stuck, or the hold is old. */
  readonly told?: true;
}

/** By key; the keys are those of `PLANNED_WORK_MARKS` and `FOREIGN_MARKS`. */
export type SeenMarks = Readonly<Record<string, SeenMark>>;

/** Longest value kept: that of a label. */
const MAX_VALUE = 63;
/**
 * Work that begins again within this, or within a sixth of `maxAge` if that is less, goes on with the time that it had.
 * Without it a controller that pauses and resumes for ever would hold a node for ever.
 */
const LONGEST_BREAK = 10 * MINUTE;

/** What is remembered after a look at the node; undefined: nothing. The same look again gives the same bytes. */
export function marksAfter(
  before: SeenMarks | undefined,
  node: NodeSnapshot,
  maxAge: Millis,
  now: EpochMillis,
): SeenMarks | undefined {
  const marks: Record<string, SeenMark> = {};
  for (const mark of PLANNED_WORK_MARKS) {
    const known = possible(before?.[mark.key], now);
    const seen = workAfter(mark, known, workValue(mark, node), { maxAge, now });
    if (seen !== undefined) marks[mark.key] = seen;
  }
  for (const mark of FOREIGN_MARKS) {
    const value = foreignValue(mark, node);
    if (value === undefined || !isSet(mark, value)) continue;
    const { since = now, holds, told } = possible(before?.[mark.key], now) ?? {};
    marks[mark.key] = {
      // Of a cordon its owner is kept: the Event about an old hold names it.
      value: (mark.key === CORDON_MARK ? (cordonedBy(node).owner ?? "") : value).slice(0, MAX_VALUE),
      since,
      ...(holds === true ? { holds } : {}),
      ...(told === true ? { told } : {}),
    };
  }
  return Object.keys(marks).length === 0 ? undefined : marks;
}

/** The work that a mark told of when it was remembered; undefined: none. */
export function rememberedWork(mark: PlannedWorkMark, marks: SeenMarks | undefined): SeenMark | undefined {
  const seen = marks?.[mark.key];
  return seen !== undefined && isWork(workState(mark, seen.value)) ? seen : undefined;
}

function workAfter(
  mark: PlannedWorkMark,
  known: SeenMark | undefined,
  present: string | undefined,
  { maxAge, now }: { readonly maxAge: Millis; readonly now: EpochMillis },
): SeenMark | undefined {
  const state = workState(mark, present);
  const value = (present ?? "").slice(0, MAX_VALUE);
  const worked = recentWork(mark, known, maxAge, now);
  if (isWork(state)) {
    const since = worked?.since ?? now;
    return { value, since, ...(now - since >= maxAge ? { told: true } : {}) };
  }
  // Work that waits needs no memory: it holds nothing.
  const failed = state === "Failed";
  if (!failed && worked === undefined) return undefined;
  const same = known !== undefined && workState(mark, known.value) === state;
  const told = worked !== undefined && known?.told === true;
  return {
    value: failed ? value : "",
    since: same ? known.since : now,
    ...(worked === undefined ? {} : { worked }),
    ...(told ? { told } : {}),
  };
}

/** The work that a mark told of until now, or a break ago; undefined: none, or none that goes on. */
function recentWork(
  mark: PlannedWorkMark,
  known: SeenMark | undefined,
  maxAge: Millis,
  now: EpochMillis,
): SeenMark["worked"] | undefined {
  if (known === undefined) return undefined;
  const { since, worked } = known;
  if (isWork(workState(mark, known.value))) return { since, until: now };
  const recent = worked !== undefined && now - worked.until <= Math.min(LONGEST_BREAK, maxAge / 6);
  return recent ? worked : undefined;
}

/** Times of the future are forged or of a clock that ran back; they must not make a mark younger than it is. */
function possible(seen: SeenMark | undefined, now: EpochMillis): SeenMark | undefined {
  if (seen === undefined) return undefined;
  const { since, worked } = seen;
  if (Math.max(since, worked?.since ?? 0, worked?.until ?? 0) <= now) return seen;
  return {
    ...seen,
    since: Math.min(since, now),
    ...(worked === undefined
      ? {}
      : { worked: { since: Math.min(worked.since, now), until: Math.min(worked.until, now) } }),
  };
}
