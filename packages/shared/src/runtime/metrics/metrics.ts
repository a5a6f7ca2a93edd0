import type {
  DeadlineStep,
  EventResult,
  PublishResult,
  ReconcileError,
  ScrapeSource,
} from "../../contract/metric-labels.ts";
import {
  DRIFT_CACHES,
  DRIFT_KINDS,
  type DriftCache,
  type DriftKind,
  type ViewProbeResult,
} from "../../contract/drift.ts";
import type { CheckerName, RepairAction } from "../../core/check.ts";
import type { Evaluation } from "../../core/evaluation.ts";
import type { GateName } from "../../core/gates/gate.ts";
import type { Phase } from "../../core/phase.ts";
import type { RebootOutcome, RebootVerification } from "../../core/record.ts";
import { SECOND, type Millis } from "../../core/time.ts";
import { VERSION } from "../version.ts";
import { createMetricSet } from "./registry.ts";
import { refreshGauges, type GaugeSources } from "./scrape.ts";

/** Which node an event is about; the name becomes a label only with `perNodeMetrics`. */
export interface NodeRef {
  readonly node: string;
  readonly pool: string | undefined;
}

/** The metrics of one process. Every method is named after what happened. */
export interface Metrics {
  observeCheck(of: NodeRef, checker: CheckerName, reason: string): void;
  /** A checker changed from Fail to Pass. */
  observeFlap(of: NodeRef, checker: CheckerName): void;
  observeEvaluation(of: NodeRef, verdict: Evaluation["verdict"]): void;
  observePhaseChange(of: NodeRef, from: Phase, to: Phase): void;
  /** A node is Healthy again, `after` its first failing check. */
  observeRecovery(of: NodeRef, after: Millis): void;
  /** A repair was begun, or in monitor-only mode would have been. */
  observeRecoveryAction(of: NodeRef, action: RepairAction): void;
  observeRecoveryFailure(of: NodeRef, action: RepairAction): void;
  observeReboot(of: NodeRef, outcome: RebootOutcome): void;
  observeRebootVerified(of: NodeRef, verification: RebootVerification): void;
  observeRebootBlocked(of: NodeRef, gate: GateName): void;
  /** A due reboot was not called, because its send deadline was over. */
  observeDeadlineMissed(step: DeadlineStep): void;
  /** Operators were made aware of something besides a repair. */
  observeNotice(of: NodeRef, reason: string): void;
  observeReconcileError(reason: ReconcileError): void;
  /** A Kubernetes Event was told, or was not. */
  observeEvent(result: EventResult, count?: number): void;
  /** `result` is `Success` or a class of fault, from a closed set. */
  observeCloudRequest(call: { provider: string; operation: string; result: string; took: Millis }): void;
  observeSnapshotsPublished(result: PublishResult, count: number): void;
  observeWatchEvent(kind: string): void;
  observeHeartbeatIgnored(): void;
  /** `reason` is from a closed set. */
  observeWatchEnded(reason: string): void;
  /** So many nodes of a cache differed from its source. */
  observeDrift(cache: DriftCache, kind: DriftKind, nodes: number): void;
  observeViewProbe(result: ViewProbeResult): void;
  observeNodeList(result: "Success" | "Failure"): void;
  observeRedisError(purpose: string): void;
  /** Takes gauges from these from now on; called once, when the stores stand. */
  readGaugesFrom(sources: GaugeSources): void;
  /** The text of `/metrics`. Answers with the rest when a source of gauges fails. */
  scrape(): Promise<string>;
  /** Content type of `scrape`. */
  readonly contentType: string;
}

/** What the metrics of a process are made of. */
export interface MetricsOptions {
  readonly cluster: string;
  readonly role: string;
  readonly monitorOnly: boolean;
  readonly perNodeMetrics: boolean;
  /** Told of a source that could not be read at scrape; it is counted anyway. */
  readonly onScrapeError?: (source: ScrapeSource, error: unknown) => void;
}

/** Creates the metrics of one process with a registry of its own. */
export function createMetrics(options: MetricsOptions): Metrics {
  const { cluster, role, monitorOnly, onScrapeError = () => undefined } = options;
  const set = createMetricSet(options);
  let sources: GaugeSources = {};
  let running: Promise<string> | undefined;

  set.set("info", { version: VERSION, cluster_id: cluster }, 1);
  set.set("buildInfo", { version: VERSION, node_version: process.version, role }, 1);
  set.set("monitorOnly", {}, monitorOnly ? 1 : 0);
  for (const cache of DRIFT_CACHES)
    for (const kind of DRIFT_KINDS) set.count("cacheDrift", { cache, kind }, 0);

  async function scrape(): Promise<string> {
    await refreshGauges(set, sources, onScrapeError);
    return `${(await set.registry.metrics()).trimEnd()}\n`;
  }

  return {
    observeCheck: (of, checker, reason) => set.count("healthChecks", { ...of, checker, result: reason }),
    observeFlap: (of, checker) => set.count("checkerFlaps", { ...of, checker }),
    observeEvaluation: (of, verdict) => set.count("evaluations", { ...of, verdict }),
    observePhaseChange: (of, from, to) => set.count("phaseChanges", { ...of, from, to }),
    observeRecovery: ({ pool }, after) => set.time("recoveryDuration", { pool }, after / SECOND),
    observeRecoveryAction: (of, action) =>
      set.count("recoveryActions", { ...of, action, mode: monitorOnly ? "monitor" : "active" }),
    observeRecoveryFailure: (of, action) => set.count("recoveryFailures", { ...of, action }),
    observeReboot: (of, outcome) => set.count("reboots", { ...of, outcome }),
    observeRebootVerified: (of, verification) => set.count("rebootsVerified", { ...of, verification }),
    observeRebootBlocked: (of, gate) => set.count("rebootsBlocked", { ...of, gate }),
    observeDeadlineMissed: (step) => set.count("deadlineMissed", { step }),
    observeNotice: (of, reason) => set.count("notices", { ...of, reason }),
    observeReconcileError: (reason) => set.count("reconcileErrors", { reason }),
    observeEvent: (result, count) => set.count("events", { result }, count),
    observeCloudRequest: ({ provider, operation, result, took }) => {
      set.count("cloudRequests", { provider, operation, result });
      set.time("cloudDuration", { provider, operation }, took / SECOND);
    },
    observeSnapshotsPublished: (result, count) => set.count("snapshotsPublished", { result }, count),
    observeWatchEvent: (kind) => set.count("watchEvents", { kind }),
    observeHeartbeatIgnored: () => set.count("heartbeatsIgnored", {}),
    observeWatchEnded: (reason) => set.count("watchRestarts", { reason }),
    observeDrift: (cache, kind, nodes) => set.count("cacheDrift", { cache, kind }, nodes),
    observeViewProbe: (result) => set.count("viewProbes", { result }),
    observeNodeList: (result) => set.count("lists", { result }),
    observeRedisError: (purpose) => set.count("redisErrors", { purpose }),
    readGaugesFrom: (next) => {
      sources = next;
    },
    scrape: () => {
      // Two scrapes at once would clear each other's gauges; the second takes the first one's answer.
      running ??= scrape().finally(() => {
        running = undefined;
      });
      return running;
    },
    contentType: set.registry.contentType,
  };
}
