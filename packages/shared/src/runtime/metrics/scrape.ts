import { BLIND_CAUSES, type BlindCause, type ScrapeSource } from "../../contract/metric-labels.ts";
import type { GateName } from "../../core/gates/gate.ts";
import { GRANT_SCOPES, type GrantScopeKind } from "../../core/ledger/standing-orders.ts";
import { CHECKER_NAMES } from "../../core/check.ts";
import type { Phase } from "../../core/phase.ts";
import { RECORD_GAUGE_NAMES, type RecordCount } from "../../core/record-gauges.ts";
import { SECOND, type EpochMillis, type Millis } from "../../core/time.ts";
import type { MetricSet } from "./registry.ts";

/** One node as the per-node gauges show it. Healthy nodes may be given, and are left out. */
export interface NodeGaugeSample {
  readonly node: string;
  readonly pool: string | undefined;
  readonly phase: Phase;
  /** Age of its incident; absent without one. */
  readonly unhealthyFor?: Millis;
  /** Reboots of its incident; absent without one. */
  readonly attempts?: number;
}

/** How many jobs a queue holds in a state. */
export interface QueueCount {
  readonly queue: string;
  readonly state: string;
  readonly count: number;
}

/** A pending reboot that a gate holds. */
export interface HeldSample {
  readonly gate: GateName;
  readonly heldFor: Millis;
}

/** What a worker may do beside its peers. */
export interface StandingSample {
  readonly hold: Readonly<Partial<Record<"mode" | "clock", string>>>;
  readonly unlike: number;
}

/** A grant in force. */
export interface GrantSample {
  readonly scope: GrantScopeKind;
  readonly endsIn: Millis;
}

/** What a watcher sees now. */
export interface WatchSample {
  readonly nodes: number;
  readonly lastByteAt?: EpochMillis;
}

/** Where gauges come from at scrape; a process gives those that it can answer. Each may reject. */
export interface GaugeSources {
  readonly nodes?: () => Promise<readonly NodeGaugeSample[]>;
  /** Counts of records for the gauges of `RECORD_GAUGES`. */
  readonly records?: () => Promise<readonly RecordCount[]>;
  readonly queues?: () => Promise<readonly QueueCount[]>;
  /** What holds each pending reboot, and since when. */
  readonly held?: () => Promise<readonly HeldSample[]>;
  /** Why nothing can be rebooted now. */
  readonly blind?: () => Promise<ReadonlySet<BlindCause>>;
  /** Why this worker takes no jobs, and how many live workers have another policy or mode. */
  readonly standing?: () => Promise<StandingSample>;
  /** The grants in force; undefined while that is not known. */
  readonly grants?: () => Promise<readonly GrantSample[] | undefined>;
  /** Age of the freshest view; undefined when no watcher ever vouched for one. */
  readonly view?: () => Promise<Millis | undefined>;
  readonly watch?: () => Promise<WatchSample>;
}

/** A source that has not answered by then is left out: Prometheus gives up after 10 s by default. */
const SOURCE_DEADLINE: Millis = 3 * SECOND;
/** In an outage of a huge fleet the sickest thousands are enough; the counts per phase stay exact. */
const MOST_NODE_SERIES = 5000;

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("the source did not answer in time")), SOURCE_DEADLINE);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function showNodes(metrics: MetricSet, samples: readonly NodeGaugeSample[]): void {
  const sick = samples.filter(({ phase }) => phase !== "Healthy").slice(0, MOST_NODE_SERIES);
  for (const { node, pool, phase, unhealthyFor, attempts } of sick) {
    metrics.learn(pool, node);
    metrics.set("recoveryPhase", { node, pool, phase }, 1);
    if (unhealthyFor !== undefined) metrics.set("unhealthyDuration", { node, pool }, unhealthyFor / SECOND);
    if (attempts !== undefined) metrics.set("nodeAttempts", { node, pool }, attempts);
  }
}

function showHeld(metrics: MetricSet, samples: readonly HeldSample[]): void {
  const longest = new Map<GateName, Millis>();
  for (const { gate, heldFor } of samples) {
    metrics.add("rebootsHeld", { gate }, 1);
    longest.set(gate, Math.max(longest.get(gate) ?? 0, heldFor));
  }
  for (const [gate, heldFor] of longest) metrics.set("rebootsHeldSeconds", { gate }, heldFor / SECOND);
}

function showGrants(metrics: MetricSet, samples: readonly GrantSample[] | undefined): void {
  if (samples === undefined) return;
  for (const scope of GRANT_SCOPES) {
    const own = samples.filter((sample) => sample.scope === scope);
    metrics.set("grants", { scope }, own.length);
    if (own.length === 0) continue;
    metrics.set("grantRemaining", { scope }, Math.max(...own.map(({ endsIn }) => endsIn)) / SECOND);
  }
}

function showWatch(metrics: MetricSet, { nodes, lastByteAt }: WatchSample): void {
  metrics.set("watchedNodes", {}, nodes);
  if (lastByteAt !== undefined) metrics.set("watchLastByte", {}, lastByteAt / SECOND);
}

/**
 * Derives every gauge of state anew: a node that recovered or is gone leaves no series behind, since nothing is kept
 * from one scrape to the next. A source that fails or hangs costs its own gauges only, and is counted.
 */
export async function refreshGauges(
  metrics: MetricSet,
  sources: GaugeSources,
  onError: (source: ScrapeSource, error: unknown) => void,
): Promise<void> {
  async function refresh<T>(
    source: ScrapeSource,
    read: (() => Promise<T>) | undefined,
    clear: () => void,
    show: (value: T) => void,
  ): Promise<void> {
    if (read === undefined) return;
    try {
      const value = await inTime(read());
      clear();
      show(value);
    } catch (error) {
      clear();
      metrics.count("scrapeErrors", { source });
      onError(source, error);
    }
  }

  await Promise.all([
    refresh(
      "nodes",
      sources.nodes,
      () => {
        metrics.clear("recoveryPhase");
        metrics.clear("unhealthyDuration");
        metrics.clear("nodeAttempts");
      },
      (samples) => showNodes(metrics, samples),
    ),
    refresh(
      "records",
      sources.records,
      () => {
        for (const gauge of RECORD_GAUGE_NAMES) metrics.clear(gauge);
      },
      (counts) => {
        // A checker that judges no node shows 0, so that it can be alerted on.
        for (const checker of CHECKER_NAMES) metrics.set("judgedNodes", { checker }, 0);
        for (const { gauge, labels, count } of counts) {
          if (gauge === "nodes") metrics.learn(labels["pool"]);
          metrics.add(gauge, labels, count);
        }
      },
    ),
    refresh(
      "queues",
      sources.queues,
      () => metrics.clear("queueJobs"),
      (counts) => {
        for (const { queue, state, count } of counts) metrics.set("queueJobs", { queue, state }, count);
      },
    ),
    refresh(
      "held",
      sources.held,
      () => {
        metrics.clear("rebootsHeld");
        metrics.clear("rebootsHeldSeconds");
      },
      (samples) => showHeld(metrics, samples),
    ),
    refresh(
      "blind",
      sources.blind,
      () => metrics.clear("blind"),
      (causes) => {
        for (const cause of BLIND_CAUSES) metrics.set("blind", { cause }, causes.has(cause) ? 1 : 0);
      },
    ),
    refresh(
      "standing",
      sources.standing,
      () => {
        metrics.clear("jobsPaused");
        metrics.clear("unlikePeers");
      },
      ({ hold, unlike }) => {
        metrics.set("jobsPaused", { cause: "Mode" }, hold.mode === undefined ? 0 : 1);
        metrics.set("jobsPaused", { cause: "Clock" }, hold.clock === undefined ? 0 : 1);
        metrics.set("unlikePeers", {}, unlike);
      },
    ),
    refresh(
      "grants",
      sources.grants,
      () => {
        metrics.clear("grants");
        metrics.clear("grantRemaining");
      },
      (samples) => showGrants(metrics, samples),
    ),
    refresh(
      "view",
      sources.view,
      () => metrics.clear("viewAge"),
      (age) => {
        if (age !== undefined) metrics.set("viewAge", {}, age / SECOND);
      },
    ),
    refresh(
      "watch",
      sources.watch,
      () => {
        metrics.clear("watchedNodes");
        metrics.clear("watchLastByte");
      },
      (sample) => showWatch(metrics, sample),
    ),
  ]);
}
