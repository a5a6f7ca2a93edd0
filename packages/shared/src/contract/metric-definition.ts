/** Where a metric is reported; one that is not named here is reported by every process. */
export type MetricRole = "watcher" | "worker";

/** Values of some labels; it stands for each combination of them. */
export type LabelSet = Readonly<Record<string, readonly string[]>>;

/** A metric as the documents and the registry know it. Every metric also carries the label `cluster`. */
export interface MetricDefinition {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  /** The closed sets among the labels; another value is reported as `other`. */
  readonly values?: Readonly<Record<string, readonly string[]>>;
  /** Carries a `node` label too when `perNodeMetrics` is on. */
  readonly perNode?: true;
  readonly roles?: readonly MetricRole[];
  /** Upper bounds in seconds, of a histogram. */
  readonly buckets?: readonly number[];
  /**
   * Combinations of labels that begin at 0 for each pool when it is first seen, so that `increase()` counts their first
   * event too. A combination names every label but `pool`. What documents and alerts ask for belongs here. A counter with
   * no label, or with one closed set, begins at 0 anyway.
   */
  readonly startsAtZero?: readonly LabelSet[];
  /** With `perNodeMetrics` the combinations begin at 0 for each sick node too; without this they do not begin at all. */
  readonly startsAtZeroPerNode?: true;
}
