import { writeFileSync } from "node:fs";

/** Milliseconds as a duration of the configuration file. */
const ms = (span: number): string => `${span}ms`;

/**
 * The times of the end-to-end tests, in milliseconds: a minute becomes 150 to 600 of them, and the real code runs with
 * them. Waits are long against a boot (`WORLD_TIMINGS`), thresholds differ from checker to checker.
 */
export const TIMES = {
  threshold: { NodeReady: 600, GPU: 1500, DiskPressure: 3000, Cilium: 1000 },
  wait: { standard: 4000, gpu: 7000 },
  resync: 500,
  viewMaxAge: 1500,
  sendDeadline: 2000,
  callDeadline: 2000,
  retryPause: 1000,
  lock: 3000,
} as const;

/** A part of the configuration file that a test sets otherwise. */
export type ConfigPart = Readonly<Record<string, unknown>>;

/** The configuration file of an agent, every span shrunk; `overrides` are merged into it, section by section. */
export function agentConfig(overrides: ConfigPart = {}): ConfigPart {
  const { threshold } = TIMES;
  const base: ConfigPart = {
    monitorOnly: false,
    metricsPort: 0,
    metricsHost: "127.0.0.1",
    checkers: Object.fromEntries(
      Object.entries(threshold).map(([name, span]) => [name, { threshold: ms(span) }]),
    ),
    rebootWait: { standard: ms(TIMES.wait.standard), gpu: ms(TIMES.wait.gpu) },
    maxAttempts: 3,
    resyncInterval: ms(TIMES.resync),
    startupGrace: ms(500),
    // Many nodes of a small world are broken at once here: limits and breakers have tests of their own.
    limits: {
      open: { pool: { count: 1000 }, zone: { count: 1000 }, cluster: { count: 1000 } },
      rate: { count: 100_000 },
      nodePerDay: 1000,
    },
    breaker: { floor: 100_000 },
    cureRate: { slowBelow: 0, stopBelow: 0 },
    storm: { curedAfter: ms(0), settle: ms(0) },
    // The API server tells its time in whole seconds: clocks seem up to a second apart.
    ledger: { clockSkew: ms(2000), margin: ms(200) },
    timings: {
      beatInterval: ms(200),
      viewMaxAge: ms(TIMES.viewMaxAge),
      blindGrace: ms(300),
      watchIdleTimeout: ms(2000),
      viewProbeInterval: ms(500),
      relistInterval: ms(15_000),
      watchHeadersTimeout: ms(2000),
      listPageTimeout: ms(5000),
      watchBackoffMin: ms(100),
      watchBackoffMax: ms(500),
      watchBackoffReset: ms(2000),
      nodeReadDeadline: ms(2000),
      sendDeadline: ms(TIMES.sendDeadline),
      cloudCallDeadline: ms(TIMES.callDeadline),
      cloudConnectDeadline: ms(1000),
      cloudReadDeadline: ms(2000),
      planInterval: ms(200),
      gateRecheck: ms(500),
      retryPause: ms(TIMES.retryPause),
      shortestPause: ms(100),
      lockDuration: ms(TIMES.lock),
      stalledInterval: ms(500),
      redisConnectTimeout: ms(2000),
      shutdownGrace: ms(5000),
    },
  };
  return merge(base, overrides);
}

/** Writes a configuration file; JSON is YAML. */
export function writeConfig(path: string, config: ConfigPart): void {
  writeFileSync(path, JSON.stringify(config, undefined, 2));
}

/** Lays one configuration over another, section by section; lists and values replace. */
export function merge(base: ConfigPart, overrides: ConfigPart): ConfigPart {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(overrides)) {
    const before = merged[key];
    merged[key] = isSection(before) && isSection(value) ? merge(before, value) : value;
  }
  return merged;
}

function isSection(value: unknown): value is ConfigPart {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
