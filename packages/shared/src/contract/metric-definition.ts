/** Where a metric is reported; one that is not named here is reported by every process. */
export type MetricRole = "watcher" | "worker";

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
}
