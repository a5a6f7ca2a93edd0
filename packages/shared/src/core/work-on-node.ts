/** Planned work on a node with its age: what it holds, and what of it is stuck. */
import type { NodeSnapshot } from "./node.ts";
import {
  isWork,
  PLANNED_WORK_MARKS,
  workState,
  workValue,
  type PlannedWorkMark,
  type WorkState,
} from "./planned-work.ts";
import { rememberedWork, type SeenMarks } from "./seen-marks.ts";
import type { EpochMillis, Millis } from "./time.ts";

/** What planned work of others may do. */
export interface PlannedWorkPolicy {
  /** How long work in progress holds repairs, since it was first seen; after that it is stuck. */
  readonly maxAge: Millis;
}

/** One piece of planned work that a node's marks tell of. */
export interface WorkOnNode {
  readonly mark: PlannedWorkMark;
  readonly value: string;
  readonly state: WorkState;
  /** When it was first seen; now, if it was not judged yet. */
  readonly since: EpochMillis;
  /** When it holds no more. */
  readonly until: EpochMillis;
  /** It is older than `maxAge`: it holds nothing, and its owner has to be asked. */
  readonly stuck: boolean;
}

/** The work on a node, marks that only wait or failed included; without those that say that there is none. */
export function workOn(
  node: NodeSnapshot,
  marks: SeenMarks | undefined,
  { maxAge }: PlannedWorkPolicy,
  now: EpochMillis,
): WorkOnNode[] {
  return PLANNED_WORK_MARKS.flatMap((mark) => {
    const value = workValue(mark, node);
    const state = workState(mark, value);
    if (value === undefined || state === "Over") return [];
    const seen = marks?.[mark.key];
    const same = seen !== undefined && meaningOf(workState(mark, seen.value)) === meaningOf(state);
    const since = same ? Math.min(seen.since, now) : now;
    const until = since + maxAge;
    return [{ mark, value, state, since, until, stuck: isWork(state) && until <= now }];
  });
}

/** Work in progress that is not stuck, by what is remembered alone: repairs of the node are held. */
export function isHeldByWork(
  marks: SeenMarks | undefined,
  { maxAge }: PlannedWorkPolicy,
  now: EpochMillis,
): boolean {
  return PLANNED_WORK_MARKS.some((mark) => {
    const seen = rememberedWork(mark, marks);
    return seen !== undefined && now - seen.since < maxAge;
  });
}

/** Keys of marks whose time is over: work that is stuck, or that failed as long ago. Checkers judge in spite of them. */
export function overdueWork(
  marks: SeenMarks | undefined,
  { maxAge }: PlannedWorkPolicy,
  now: EpochMillis,
): string[] {
  return PLANNED_WORK_MARKS.flatMap(({ key }) => {
    const seen = marks?.[key];
    return seen !== undefined && seen.value !== "" && now - seen.since >= maxAge ? [key] : [];
  });
}

/** Work or its failure is remembered whose time will be over: then checkers judge otherwise, though nothing changes. */
export function willBeOverdue(
  marks: SeenMarks | undefined,
  { maxAge }: PlannedWorkPolicy,
  now: EpochMillis,
): boolean {
  return PLANNED_WORK_MARKS.some(({ key }) => {
    const seen = marks?.[key];
    return seen !== undefined && seen.value !== "" && now - seen.since < maxAge;
  });
}

/** States that are one work: only a change between others begins a new age. */
function meaningOf(state: WorkState): WorkState {
  return state === "Unknown" ? "InProgress" : state;
}

/** What a mark tells of, for people: the work, its state, where it is written. */
export function workText({ mark, value, state }: Pick<WorkOnNode, "mark" | "value" | "state">): string {
  const { key, at, what, owner } = mark;
  const said = {
    InProgress: "is in progress",
    Unknown: "is in a state that is not known, and counts as in progress",
    Waits: "waits for its turn, and holds nothing",
    Failed: "failed",
    Over: "is over",
  }[state];
  return `${what} by ${owner} ${said} (${at} ${key}=${value})`;
}
