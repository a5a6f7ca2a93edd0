/**
 * Gauges that count records at scrape, by the labels of each record. Adding one is an entry here and its definition under
 * the same key in `METRICS`.
 */
import { CHECKER_NAMES } from "./check.ts";
import { FOREIGN_MARKS } from "./foreign-marks.ts";
import { PLANNED_WORK_MARKS } from "./planned-work.ts";
import { isRawObject, listOf } from "./raw-values.ts";
import type { NodeRecord } from "./record.ts";
import { rememberedWork } from "./seen-marks.ts";

type Labels = Readonly<Record<string, string | undefined>>;

export const RECORD_GAUGES = {
  nodes: ({ pool, phase }) => [{ pool, phase }],
  judgedNodes: ({ judgedBy = [], skipped = {} }) =>
    judgedBy.filter((name) => skipped[name] === undefined).map((checker) => ({ checker })),
  skippedNodes: ({ pool, skipped = {} }) =>
    CHECKER_NAMES.flatMap((checker) => {
      const skip = skipped[checker];
      return skip === undefined ? [] : [{ pool, checker, result: skip.reason }];
    }),
  flappingNodes: ({ pool, flaps = {} }) =>
    CHECKER_NAMES.flatMap((checker) =>
      flaps[checker]?.flappingSince === undefined ? [] : [{ pool, checker }],
    ),
  plannedWorkNodes: ({ pool, marks = {} }) =>
    PLANNED_WORK_MARKS.flatMap((mark) => {
      const seen = rememberedWork(mark, marks);
      if (seen === undefined) return [];
      return [{ pool, mark: mark.key, state: seen.told === true ? "stuck" : "held" }];
    }),
  foreignHoldNodes: ({ pool, marks = {} }) =>
    FOREIGN_MARKS.flatMap(({ key }) => {
      const seen = marks[key];
      if (seen?.holds !== true) return [];
      return [{ pool, mark: key, state: seen.told === true ? "stale" : "held" }];
    }),
} as const satisfies Record<string, (record: NodeRecord) => readonly Labels[]>;

/** The key of a gauge that counts records. */
export type RecordGauge = keyof typeof RECORD_GAUGES;

/** The names of all gauges that count records. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.keys forgets the keys of a closed object.
export const RECORD_GAUGE_NAMES = Object.keys(RECORD_GAUGES) as readonly RecordGauge[];

/** How many records carry these labels. */
export interface RecordCount {
  readonly gauge: RecordGauge;
  readonly labels: Labels;
  readonly count: number;
}

/** What the gauges count of a record, as text: equal for all records of a kind, of which a fleet has few. */
export function kindOf(record: NodeRecord): string {
  return JSON.stringify(
    RECORD_GAUGE_NAMES.flatMap((gauge) => RECORD_GAUGES[gauge](record).map((labels) => [gauge, labels])),
  );
}

/** Sums up how many records there are of each kind. What no version wrote, and gauges of others, count for nothing. */
export function sumKinds(kinds: Iterable<readonly [kind: string, records: number]>): RecordCount[] {
  const counts = new Map<string, { gauge: RecordGauge; labels: Labels; count: number }>();
  for (const [kind, records] of kinds) {
    for (const { gauge, labels } of partsOf(kind)) {
      const key = `${gauge} ${JSON.stringify(labels)}`;
      const entry = counts.get(key);
      if (entry === undefined) counts.set(key, { gauge, labels, count: records });
      else entry.count += records;
    }
  }
  return [...counts.values()];
}

function partsOf(kind: string): { readonly gauge: RecordGauge; readonly labels: Labels }[] {
  return listOf(JSON.parse(kind)).flatMap((part) => {
    const [name, labels] = listOf(part);
    const gauge = RECORD_GAUGE_NAMES.find((known) => known === name);
    return gauge === undefined || !isLabels(labels) ? [] : [{ gauge, labels }];
  });
}

function isLabels(value: unknown): value is Labels {
  return isRawObject(value) && Object.values(value).every((label) => typeof label === "string");
}

/** Counts records for every gauge. */
export function countRecords(records: Iterable<NodeRecord>): RecordCount[] {
  return sumKinds(Array.from(records, (record) => [kindOf(record), 1] as const));
}
