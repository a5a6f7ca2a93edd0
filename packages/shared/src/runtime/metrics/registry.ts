import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { MetricDefinition } from "../../contract/metric-definition.ts";
import { METRICS, type MetricKey } from "../../contract/metric-names.ts";
import { LabelCap, OTHER } from "./label-cap.ts";
import { ZeroStarts } from "./zero-starts.ts";

/** Labels of one observation; `node` is dropped unless the metric has it. */
export type Labels = Readonly<Record<string, string | undefined>>;

/** The metrics of one process, by their key in `METRICS`. */
export interface MetricSet {
  readonly registry: Registry;
  /** A pool, or a sick node of it, is there: its series begin at 0, those that are declared to (`startsAtZero`). */
  learn(pool: string | undefined, node?: string): void;
  /** Counts one or `by`. */
  count(key: MetricKey, labels: Labels, by?: number): void;
  /** Adds to a gauge; values of labels beyond their cap add up in `other`. */
  add(key: MetricKey, labels: Labels, value: number): void;
  set(key: MetricKey, labels: Labels, value: number): void;
  /** Notes one duration in seconds. */
  time(key: MetricKey, labels: Labels, seconds: number): void;
  /** Takes every series of a gauge away. */
  clear(key: MetricKey): void;
}

/** Gauges of prom-client whose names end like counters, which `promtool check metrics` refuses. */
const MISNAMED = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

interface Options {
  readonly cluster: string;
  readonly role: string;
  readonly perNodeMetrics: boolean;
}

/** Milliseconds between two samples of the lag of the event loop. The 10 ms of the library wake an idle process 100 times a second. */
const LAG_PRECISION = 100;

/** Creates the registry of a process, never the library's global one, with the metrics of its role. */
export function createMetricSet({ cluster, role, perNodeMetrics }: Options): MetricSet {
  const registry = new Registry();
  registry.setDefaultLabels({ cluster });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_PRECISION });
  for (const name of MISNAMED) registry.removeSingleMetric(name);

  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  const caps = new Map<string, LabelCap>();
  const definitions: Readonly<Record<MetricKey, MetricDefinition>> = METRICS;

  for (const [key, definition] of Object.entries(definitions)) {
    const reported = definition.roles === undefined || definition.roles.some((one) => one === role);
    const options = {
      name: definition.name,
      help: definition.help,
      labelNames: labelNames(definition, perNodeMetrics),
      registers: reported ? [registry] : [],
    };
    if (definition.type === "counter") counters.set(key, begin(new Counter(options), definition));
    else if (definition.type === "gauge") gauges.set(key, absent(new Gauge(options), definition));
    else histograms.set(key, new Histogram({ ...options, buckets: [...(definition.buckets ?? [])] }));
  }

  function bound(key: MetricKey, given: Labels): Record<string, string> {
    const definition = definitions[key];
    const bounded: Record<string, string> = {};
    for (const name of labelNames(definition, perNodeMetrics)) {
      const value = given[name];
      const closed = definition.values?.[name];
      if (closed !== undefined) bounded[name] = value !== undefined && closed.includes(value) ? value : OTHER;
      // A node label exists only for sick nodes, or by the operator's wish: it is not capped.
      else if (name === "node") bounded[name] = value ?? "none";
      else bounded[name] = capOf(name).bound(value);
    }
    return bounded;
  }

  function capOf(label: string): LabelCap {
    const cap = caps.get(label) ?? new LabelCap();
    caps.set(label, cap);
    return cap;
  }

  const zeros = new ZeroStarts(perNodeMetrics, (key, labels) => {
    counters.get(key)?.inc(bound(key, labels), 0);
    histograms.get(key)?.zero(bound(key, labels));
  });

  function learn(pool: string | undefined, node?: string): void {
    const bounded = capOf("pool").bound(pool);
    zeros.pool(bounded);
    if (node !== undefined) zeros.node(node, bounded);
  }

  /** Whatever is about to be counted, its pool is known from now on; a node only by what is counted of its repair. */
  function learnFrom(key: MetricKey, { pool, node }: Labels): void {
    const { labels, startsAtZeroPerNode } = definitions[key];
    if (labels.includes("pool")) learn(pool, startsAtZeroPerNode === true ? node : undefined);
  }

  return {
    registry,
    learn,
    count: (key, labels, by = 1) => {
      learnFrom(key, labels);
      counters.get(key)?.inc(bound(key, labels), by);
    },
    add: (key, labels, value) => gauges.get(key)?.inc(bound(key, labels), value),
    set: (key, labels, value) => gauges.get(key)?.set(bound(key, labels), value),
    time: (key, labels, seconds) => {
      learnFrom(key, labels);
      histograms.get(key)?.observe(bound(key, labels), seconds);
    },
    clear: (key) => {
      const gauge = gauges.get(key);
      if (gauge !== undefined) absent(gauge, definitions[key]);
    },
  };
}

/** prom-client makes a gauge without labels 0, at first and at reset; for an age that would mean "fresh". */
function absent(gauge: Gauge, { labels }: MetricDefinition): Gauge {
  if (labels.length === 0) gauge.remove();
  else gauge.reset();
  return gauge;
}

/** Series of a small closed set begin at 0, so that the first event is seen as an increase. */
function begin(counter: Counter, { labels, values }: MetricDefinition): Counter {
  const [only, ...others] = labels;
  if (only === undefined || others.length > 0) return counter;
  for (const value of values?.[only] ?? []) counter.inc({ [only]: value }, 0);
  return counter;
}

function labelNames({ labels, perNode }: MetricDefinition, perNodeMetrics: boolean): string[] {
  return perNode === true && perNodeMetrics ? ["node", ...labels] : [...labels];
}
