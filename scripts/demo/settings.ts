import { stringify } from "yaml";
import { formatDuration, parseDuration } from "@node-agent/shared/runtime/config/durations.ts";
import { CONFIG_TABLE } from "@node-agent/shared/runtime/config/table.ts";

/** A minute becomes a second. */
export const SPEED = 60;

/** A timer and a round trip on this machine take that long: no span of the demo is shorter. Milliseconds. */
const SHORTEST = 50;

/**
 * Spans in which real sockets, processes and clocks do their work, with what the demo gives them: a busy laptop is as slow
 * in the demo as it is in production. Every other span of the schema is scaled, one that is added later too.
 */
export const REAL_SPANS: Readonly<Record<string, string>> = {
  // The API server tells its time in whole seconds.
  "ledger.clockSkew": "3s",
  // Workers take seconds to start; a ledger that fell silent meanwhile would be put in quarantine.
  "ledger.heartbeatMaxAge": "1m",
  // A process that stands still for a second must not make the fleet blind.
  "timings.viewMaxAge": "4s",
  "timings.watchIdleTimeout": "10s",
  "timings.watchHeadersTimeout": "5s",
  "timings.listPageTimeout": "10s",
  "timings.nodeReadDeadline": "2s",
  "timings.sendDeadline": "2s",
  "timings.cloudCallDeadline": "2s",
  "timings.cloudConnectDeadline": "2s",
  "timings.cloudReadDeadline": "2s",
  "timings.redisConnectTimeout": "10s",
  "timings.lockDuration": "3s",
  "timings.stalledInterval": "1s",
  "timings.shutdownGrace": "16s",
};

/** Limits per hour and per day. The hour is a real one, so as many more fit into it as the demo is faster. */
const PER_TIME = /^limits\.(?:rate\.count|nodePerDay)$/u;

/** The fleet of the demo has eight nodes; the limits of production would allow one reboot at a time. */
const SMALL_FLEET: Readonly<Record<string, number>> = {
  "limits.open.zone.count": 2,
  "limits.open.cluster.count": 2,
};

/** Where the processes of one run find each other: what every command needs to ask the same cluster. */
export interface Connections {
  readonly cluster: string;
  readonly kubeconfig: string;
  readonly context?: string;
  /** Absent when the URL holds a password: that goes into no file. */
  readonly redisUrl?: string;
}

/** Every setting of the demo that differs from production, by key. */
export function scaledValues(): Readonly<Record<string, string | number>> {
  const values = CONFIG_TABLE.flatMap(({ key, isDuration, default: fallback }) => {
    // A setting per pool is absent unless the operator writes it.
    if (key.includes("<")) return [];
    const value = isDuration ? (REAL_SPANS[key] ?? scaled(fallback)) : scaledLimit(key, fallback);
    return value === undefined ? [] : [[key, value] as const];
  });
  return { ...Object.fromEntries(values), ...SMALL_FLEET };
}

/** `30s` becomes `500ms`, and nothing at all stays nothing. */
function scaled(span: string): string {
  const value = parseDuration(span);
  if (value === undefined) throw new TypeError(`the default of a duration reads ${span}`);
  return formatDuration(value === 0 ? 0 : Math.max(SHORTEST, Math.round(value / SPEED)));
}

function scaledLimit(key: string, fallback: string): number | undefined {
  return PER_TIME.test(key) ? Number(fallback) * SPEED : undefined;
}

/** The scaled settings as YAML, without where anything is. */
export function scaledYaml(): string {
  return stringify(nested(scaledValues()));
}

/** The configuration of `npm start` on the simulated cluster: a minute becomes a second, the code is production's. */
export function scaledConfig(connections: Connections): string {
  const head = "# Written by npm start: the defaults with every minute turned into a second.\n";
  return head + stringify(demoValues(connections, false)) + scaledYaml();
}

/**
 * The configuration of `npm start -- --kubeconfig FILE`: the defaults of production, but never a call to a cloud nor a word
 * to the cluster. A kubeconfig of an administrator would let us write events.
 */
export function realConfig(connections: Connections): string {
  const head = "# Written by npm start: a real cluster is only watched.\n";
  const values = { ...demoValues(connections, true), events: false, timings: { shutdownGrace: "16s" } };
  return head + stringify(values);
}

function demoValues(
  { cluster, kubeconfig, context, redisUrl }: Connections,
  monitorOnly: boolean,
): Readonly<Record<string, unknown>> {
  return {
    cluster,
    monitorOnly,
    kubeconfig,
    ...(context === undefined ? {} : { context }),
    ...(redisUrl === undefined ? {} : { redis: { url: redisUrl } }),
    metricsPort: 0,
    metricsHost: "127.0.0.1",
    console: { port: 0 },
    ...(monitorOnly ? {} : { perNodeMetrics: true }),
  };
}

/** `{"a.b": 1}` as `{a: {b: 1}}`. */
function nested(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values)) {
    const path = key.split(".");
    const last = path.pop() ?? key;
    let section = root;
    for (const name of path) section = sectionOf(section, name);
    section[last] = value;
  }
  return root;
}

function sectionOf(parent: Record<string, unknown>, name: string): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  const found = parent[name] ?? made;
  parent[name] = found;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made here, from keys of the schema
  return found as Record<string, unknown>;
}
