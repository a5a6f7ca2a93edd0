import { DEFAULT_POLICY, type RepairPolicy } from "@node-agent/shared/core/policy.ts";
import { LEDGER_TIMINGS, type LedgerTimings } from "@node-agent/shared/core/ledger/timings.ts";
import { SECOND } from "@node-agent/shared/core/time.ts";

/** The protocol with small spans: the real code, less virtual time per run. */
export const POLICY: RepairPolicy = {
  ...DEFAULT_POLICY,
  monitorOnly: false,
  checkers: {
    NodeReady: { enabled: true, threshold: 5 * SECOND, action: "Reboot" },
    GPU: { enabled: true, threshold: 8 * SECOND, action: "Reboot" },
    DiskPressure: { enabled: true, threshold: 30 * SECOND, action: "Reboot" },
    Cilium: { enabled: true, threshold: 10 * SECOND, action: "Reboot" },
  },
  rebootWait: { standard: 30 * SECOND, gpu: 60 * SECOND },
  maxAttempts: 4,
  startupGrace: 5 * SECOND,
  viewMaxAge: 6 * SECOND,
  storm: {
    budgets: {
      pool: 1,
      zone: 100,
      cluster: 2,
      clusterPercent: 50,
      perHour: 1000,
      perDay: 10_000,
      nodePerDay: 1000,
      spacing: 0,
    },
    unhealthyPercent: 100,
    checkerPercent: 100,
    burst: 1000,
    burstWithin: 10 * SECOND,
    floor: 1000,
    uncured: 1000,
    settle: 2 * SECOND,
  },
};

export const LEDGER: LedgerTimings = {
  ...LEDGER_TIMINGS,
  sendDeadline: 2 * SECOND,
  callDeadline: 3 * SECOND,
  clockSkew: 3 * SECOND,
  margin: 2 * SECOND,
  heartbeatMaxAge: 60 * SECOND,
  cooldown: 3 * SECOND,
};

export const READ_DEADLINE = 2 * SECOND;
export const BLOCKED_RETRY = 3 * SECOND;
export const BEAT = 0.5 * SECOND;
export const RESYNC = 2 * SECOND;
export const LOCK = 4 * SECOND;
export const BOOT_TIME = 4 * SECOND;
