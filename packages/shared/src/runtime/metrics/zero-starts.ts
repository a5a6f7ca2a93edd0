import type { LabelSet, MetricDefinition } from "../../contract/metric-definition.ts";
import { METRICS, type MetricKey } from "../../contract/metric-names.ts";

/** Where a series begins: which metric, with which labels. */
export type BeginSeries = (key: MetricKey, labels: Readonly<Record<string, string>>) => void;

const DECLARED = Object.entries<MetricDefinition>(METRICS).flatMap(([key, definition]) =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of METRICS, which Object.entries widens
  definition.startsAtZero === undefined ? [] : [{ key: key as MetricKey, definition }],
);

/**
 * Begins series at 0 before anything is counted in them: Prometheus takes a series that appears with the value 1 for one
 * that was always 1, and `increase()` answers 0. Pools are learnt at run time, so each begins its series when it is first
 * seen: by a judgement, by a count, or at a scrape, which reads the pools of all nodes. Every worker learns every pool,
 * whichever worker makes a repair later.
 */
export class ZeroStarts {
  readonly #begin: BeginSeries;
  readonly #perNodeMetrics: boolean;
  readonly #pools = new Set<string>();
  readonly #nodes = new Set<string>();

  constructor(perNodeMetrics: boolean, begin: BeginSeries) {
    this.#perNodeMetrics = perNodeMetrics;
    this.#begin = begin;
  }

  /** A pool, as its label is bounded: there are never more than the label may have values. */
  pool(pool: string): void {
    if (this.#pools.has(pool)) return;
    this.#pools.add(pool);
    for (const { key, definition } of DECLARED) {
      if (this.#isPerNode(definition)) continue;
      for (const labels of combinationsOf(definition)) this.#begin(key, { ...labels, pool });
    }
  }

  /** A node that is not well, or was counted: only with `perNodeMetrics` has it series of its own. */
  node(node: string, pool: string): void {
    if (!this.#perNodeMetrics) return;
    const place = `${node} ${pool}`;
    if (this.#nodes.has(place)) return;
    this.#nodes.add(place);
    for (const { key, definition } of DECLARED) {
      if (definition.perNode !== true || definition.startsAtZeroPerNode !== true) continue;
      for (const labels of combinationsOf(definition)) this.#begin(key, { ...labels, pool, node });
    }
  }

  #isPerNode({ perNode }: MetricDefinition): boolean {
    return this.#perNodeMetrics && perNode === true;
  }
}

/** Every combination of labels that a metric starts with at 0; without `pool`, `node` and `cluster`. */
export function combinationsOf({ startsAtZero = [] }: MetricDefinition): Record<string, string>[] {
  return startsAtZero.flatMap(product);
}

function product(set: LabelSet): Record<string, string>[] {
  return Object.entries(set).reduce<Record<string, string>[]>(
    (some, [label, values]) => some.flatMap((one) => values.map((value) => ({ ...one, [label]: value }))),
    [{}],
  );
}
