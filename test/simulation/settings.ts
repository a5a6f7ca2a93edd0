import { limitsOfCounts } from "../support/limits.ts";
import { DEFAULT_POLICY, type RepairPolicy } from "@node-agent/shared/core/policy.ts";
import { LEDGER_TIMINGS, type LedgerTimings } from "@node-agent/shared/core/ledger/timings.ts";
import { DAY, MINUTE, SECOND, type Millis } from "@node-agent/shared/core/time.ts";

/** Every span that the processes of a run are given. */
export interface Settings {
  readonly policy: RepairPolicy;
  readonly ledger: LedgerTimings;
  /** S as the transaction keeps it; the window is counted with that of `ledger`. */
  readonly sendDeadline: Millis;
  readonly callDeadline: Millis;
  readonly readDeadline: Millis;
  readonly blockedRetry: Millis;
  readonly gateRecheck: Millis;
  /** How often the fleet is planned. */
  readonly plan: Millis;
  readonly minPause: Millis;
  /** How long one look at the fleet serves a worker. */
  readonly fleetShared: Millis;
  readonly beat: Millis;
  readonly resync: Millis;
  readonly lock: Millis;
  readonly bootTime: Millis;
  readonly chunk: number;
}

const SMALL_POLICY: RepairPolicy = {
  ...DEFAULT_POLICY,
  monitorOnly: false,
  checkers: {
    NodeReady: { enabled: true, threshold: 8 * SECOND, action: "Reboot" },
    GPU: { enabled: true, threshold: 12 * SECOND, action: "Reboot" },
    DiskPressure: { enabled: true, threshold: 40 * SECOND, action: "Reboot" },
    Cilium: { enabled: true, threshold: 12 * SECOND, action: "Reboot" },
  },
  rebootWait: { standard: 30 * SECOND, gpu: 60 * SECOND },
  // Nobody is given up, so that nobody is excused by that.
  maxAttempts: 1000,
  startupGrace: 5 * SECOND,
  viewMaxAge: 4 * SECOND,
  blindGrace: 6 * SECOND,
  limits: limitsOfCounts({ pool: 1, cluster: 2 }),
  breaker: { ...DEFAULT_POLICY.breaker, floor: 1000 },
  cureRate: { ...DEFAULT_POLICY.cureRate, slowBelow: 0, stopBelow: 0 },
  storm: {
    recoveredAfter: 2 * SECOND,
    // Longer than the wait: a relapse after the wait continues the incident too.
    curedAfter: 45 * SECOND,
    settle: 2 * SECOND,
  },
};

/** The protocol with small spans: the real code, less virtual time per run. */
export const SMALL: Settings = {
  policy: SMALL_POLICY,
  ledger: {
    ...LEDGER_TIMINGS,
    sendDeadline: 2 * SECOND,
    callDeadline: 3 * SECOND,
    clockSkew: 3 * SECOND,
    margin: 2 * SECOND,
    heartbeatMaxAge: 30 * SECOND,
    cooldown: 3 * SECOND,
  },
  sendDeadline: 2 * SECOND,
  callDeadline: 3 * SECOND,
  readDeadline: 2 * SECOND,
  blockedRetry: 3 * SECOND,
  gateRecheck: 2 * SECOND,
  plan: 0.7 * SECOND,
  minPause: 200,
  fleetShared: 400,
  beat: 1.3 * SECOND,
  resync: 3 * SECOND,
  lock: 4 * SECOND,
  bootTime: 4 * SECOND,
  chunk: 10,
};

/** Breakers are on, and the rate is small: more than half of the six nodes sick is one failure. */
export const GUARDED: Settings = {
  ...SMALL,
  policy: {
    ...SMALL_POLICY,
    limits: limitsOfCounts({ pool: 1, cluster: 2 }, { rate: 4 }),
    breaker: { youngFor: DAY, floor: 3, percent: { zone: 100, pool: 100, checker: 60, cluster: 60 } },
    cureRate: { latest: 4, minimum: 3, slowBelow: 30, stopBelow: 30 },
  },
};

/** Little is allowed in an hour of all, and in a day of each VM. */
export const RATIONED: Settings = {
  ...SMALL,
  policy: { ...SMALL_POLICY, limits: limitsOfCounts({ pool: 1, cluster: 2 }, { rate: 5, nodePerDay: 2 }) },
};

/** Nodes are given up after few attempts. */
export const IMPATIENT: Settings = { ...SMALL, policy: { ...SMALL_POLICY, maxAttempts: 3 } };

/** What the agent does out of the box, in active mode: the spans and limits of its configuration's defaults. */
export const DEFAULTS: Settings = {
  policy: { ...DEFAULT_POLICY, monitorOnly: false },
  ledger: LEDGER_TIMINGS,
  sendDeadline: LEDGER_TIMINGS.sendDeadline,
  callDeadline: LEDGER_TIMINGS.callDeadline,
  readDeadline: 10 * SECOND,
  blockedRetry: 60 * SECOND,
  gateRecheck: 15 * SECOND,
  plan: 3 * SECOND,
  minPause: SECOND,
  fleetShared: LEDGER_TIMINGS.sendDeadline / 5,
  beat: 5 * SECOND,
  resync: 30 * SECOND,
  lock: 30 * SECOND,
  bootTime: 2 * MINUTE,
  chunk: 250,
};
