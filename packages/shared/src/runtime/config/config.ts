import { createHash } from "node:crypto";
import { CHECKER_NAMES } from "../../core/check.ts";
import type { LedgerTimings } from "../../core/ledger/timings.ts";
import type { RepairPolicy } from "../../core/policy.ts";
import type { Secret } from "../secret.ts";
import { formatDuration } from "./durations.ts";
import { describeRedis, type RedisSettings } from "./redis-url.ts";
import type { Settings } from "./schema.ts";

/** The processes that read this configuration. */
export const ROLES = ["watcher", "worker", "console"] as const;
export type Role = (typeof ROLES)[number];

/** Access to Civo. Key, region and cluster id are all present for a worker in active mode. */
export interface CivoSettings {
  /** An origin, without a slash at its end. */
  readonly url: string;
  /** For the URL check of the Civo client; true only for a simulator. */
  readonly allowInsecure: boolean;
  readonly apiKey?: Secret;
  readonly region?: string;
  readonly clusterId?: string;
}

/** Everything a process was told, checked and frozen. Durations are milliseconds. */
export interface Config extends Readonly<Omit<Settings, "cluster" | "redis" | "civo">> {
  readonly role: Role;
  /** 1 to 63 characters of `[A-Za-z0-9._-]`. */
  readonly cluster: string;
  readonly redis: RedisSettings;
  readonly civo: CivoSettings;
}

/** What the pure core needs of the configuration. */
export function policyOf(config: Config): RepairPolicy {
  const { respectCordon, foreignOwner, plannedWork, paused, breaker, cureRate, storm, flapping } = config;
  // That large limits are meant was settled when the configuration was checked.
  const { override: _override, ...limits } = config.limits;
  const { monitorOnly, checkers, rebootWait, maxAttempts, startupGrace, expectedGpus, timings, ciliumTaint } =
    config;
  return {
    monitorOnly,
    checkers,
    rebootWait,
    maxAttempts,
    startupGrace,
    expectedGpus,
    ciliumTaint,
    viewMaxAge: timings.viewMaxAge,
    blindGrace: timings.blindGrace,
    respectCordon,
    foreignOwner,
    plannedWork,
    paused,
    limits,
    breaker,
    cureRate,
    storm,
    flapping,
  };
}

/** Equal for workers that judge and repair alike, whatever their mode; what differs from machine to machine is left out. */
export function policyDigest(config: Config): string {
  const { monitorOnly: _mode, ...policy } = policyOf(config);
  const { nodePools, includeControlPlane, includeVirtual, podEvidence } = config;
  const judged = { policy, nodePools, includeControlPlane, includeVirtual, podEvidence };
  const sorted = JSON.stringify(judged, (_key, value: unknown) =>
    isPlain(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash("sha256").update(sorted).digest("hex").slice(0, 12);
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The spans that windows and trust of the ledger are counted with; the same in every process of a cluster. */
export function ledgerTimingsOf({ ledger, timings }: Config): LedgerTimings {
  const { clockSkew, margin, heartbeatMaxAge, keep } = ledger;
  return {
    sendDeadline: timings.sendDeadline,
    callDeadline: timings.cloudCallDeadline,
    clockSkew,
    margin,
    heartbeatMaxAge,
    cooldown: timings.retryPause,
    keep,
  };
}

/** A plain object for the start-up log line: durations in words, no secret, no value that may hold one. */
export function describeConfig(config: Config): Record<string, unknown> {
  const { rebootWait, civo } = config;
  return {
    ...config,
    checkers: Object.fromEntries(
      CHECKER_NAMES.map((name) => {
        const { enabled, threshold, action } = config.checkers[name];
        return [name, { enabled, threshold: formatDuration(threshold), action }];
      }),
    ),
    rebootWait: { standard: formatDuration(rebootWait.standard), gpu: formatDuration(rebootWait.gpu) },
    resyncInterval: formatDuration(config.resyncInterval),
    startupGrace: formatDuration(config.startupGrace),
    redis: describeRedis(config.redis),
    civo: { ...civo, apiKey: civo.apiKey === undefined ? "not set" : "[redacted]" },
    timings: Object.fromEntries(
      Object.entries(config.timings).map(([name, span]) => [name, formatDuration(span)]),
    ),
  };
}
