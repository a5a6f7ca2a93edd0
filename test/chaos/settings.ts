import { agentConfig, merge, type ConfigPart } from "../support/agent-config.ts";
import type { OpenLimits } from "./open-reboots.ts";

/**
 * The spans of the chaos runs, in milliseconds. A wait of ten minutes becomes five seconds; everything else is about as
 * long, against it, as it is on two busy cores.
 */
export const SPANS = {
  wait: { standard: 5000, gpu: 7000 },
  sendDeadline: 5000,
  callDeadline: 2000,
  clockSkew: 3000,
  margin: 1000,
  lock: 3000,
  resync: 1000,
  /** From the execution of a reboot until the machine can be Ready again. */
  boot: 1500,
  kubeletReady: 200,
} as const;

/** How late a cloud may carry out a call and still be within what the windows allow for. */
export const LATEST_EXECUTION = SPANS.callDeadline + SPANS.margin;

/**
 * What may be open at once: the one storm guard that is on. Ten minutes of chaos on 1,000 nodes rarely come near it; that
 * budgets hold is shown by `NARROW`, in the minute of every `npm test`.
 */
export const OPEN: OpenLimits = { pool: 30, cluster: 100 };
/** So narrow that most of what is due waits for room. */
export const NARROW: OpenLimits = { pool: 4, cluster: 10 };

/** Name of the cluster in Redis. */
export const CLUSTER = "chaos";

/** After this every checker has asked for the reboot of a node that fails it. */
export const LONGEST_THRESHOLD = 1500;
/** A node that fails for so long after its boot may be known to be still bad. */
export const SHORTEST_THRESHOLD = 1000;

/** Checkers that all ask for a reboot after the same time. */
export function thresholds(span: string): ConfigPart {
  const names = ["NodeReady", "GPU", "DiskPressure", "Cilium"];
  return { checkers: Object.fromEntries(names.map((name) => [name, { threshold: span }])) };
}

/** Where the ledger stands; the namespace is there in every cluster. */
export const LEDGER = { namespace: "default", name: "node-agent-ledger" } as const;

const ms = (span: number): string => `${span}ms`;

/**
 * The configuration of the agents under chaos. Machines break here thousands of times as often as machines do, so every
 * guard against correlated failure would rightly hold: those are widened until they are silent. What is open at once is
 * limited still, and the oracle counts it.
 */
const CHAOS_CONFIG: ConfigPart = {
  checkers: Object.fromEntries(
    Object.entries({
      NodeReady: SHORTEST_THRESHOLD,
      GPU: LONGEST_THRESHOLD,
      DiskPressure: 1200,
      Cilium: SHORTEST_THRESHOLD,
    }).map(([name, span]) => [name, { threshold: ms(span) }]),
  ),
  rebootWait: { standard: ms(SPANS.wait.standard), gpu: ms(SPANS.wait.gpu) },
  // A cloud that loses a call in seven would use up three attempts now and then.
  maxAttempts: 100,
  resyncInterval: ms(SPANS.resync),
  ...limitsOf(OPEN),
  storm: {
    recoveredAfter: "0s",
    curedAfter: "10s",
    settle: "0s",
  },
  ledger: {
    ...LEDGER,
    clockSkew: ms(SPANS.clockSkew),
    margin: ms(SPANS.margin),
    heartbeatMaxAge: "60s",
  },
  // With ten jobs at once in each worker most intents would come second at the ledger, and cost two cores for nothing.
  concurrency: { reboots: 5 },
  timings: {
    viewMaxAge: "5s",
    blindGrace: "500ms",
    sendDeadline: ms(SPANS.sendDeadline),
    cloudCallDeadline: ms(SPANS.callDeadline),
    nodeReadDeadline: "4s",
    lockDuration: ms(SPANS.lock),
    shortestPause: "200ms",
  },
};

/** How the simulated world moves under chaos. Its history is short: a watcher that slept must list again. */
export const CHAOS_WORLD: ConfigPart = {
  history: 300,
  // Encryption is tested elsewhere; here it would cost a fifth of the machine.
  tls: false,
  timings: {
    boot: ms(SPANS.boot),
    kubeletReady: ms(SPANS.kubeletReady),
    statusPeriod: "60s",
    bookmarkPeriod: "500ms",
  },
};

/** The window of the ledger after which it is old enough to be believed (the one of a GPU node). */
export const LONGEST_WINDOW =
  SPANS.wait.gpu + SPANS.sendDeadline + SPANS.callDeadline + SPANS.clockSkew + SPANS.margin;

/** Limits as a part of an agent's configuration. */
export function limitsOf({ pool, cluster }: OpenLimits): ConfigPart {
  const open = { pool: { count: pool, percent: 0 }, cluster: { count: cluster, percent: 0 } };
  return { limits: { open } };
}

/** The configuration file of one agent. */
export function chaosConfig(access: ConfigPart, overrides: ConfigPart): ConfigPart {
  return merge(merge(agentConfig(access), CHAOS_CONFIG), overrides);
}
