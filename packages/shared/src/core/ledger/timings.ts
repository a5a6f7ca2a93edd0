import { HOUR, MINUTE, SECOND, type Millis } from "../time.ts";

/** The spans of the reboot protocol (3.4) that make a window longer than the wait it protects. */
export interface LedgerTimings {
  /** S: from the first read of the transaction to the call. */
  readonly sendDeadline: Millis;
  /** D: from the call to its abort. */
  readonly callDeadline: Millis;
  /** Epsilon: how far the clocks of API servers, Redis and workers may be apart; beyond it nothing is rebooted. */
  readonly clockSkew: Millis;
  /** M: how late a cloud may still carry out a call. */
  readonly margin: Millis;
  /** A ledger without a write for so long may be a restored one: quarantine. */
  readonly heartbeatMaxAge: Millis;
  /** The pause before a call that surely was not made, or was refused, may be tried again. */
  readonly cooldown: Millis;
  /** Settled entries are kept so long: for rates, cure rate and the eyes of an operator. */
  readonly keep: Millis;
}

/** The values of the protocol; each is written only here. */
export const LEDGER_TIMINGS: LedgerTimings = {
  sendDeadline: 5 * SECOND,
  callDeadline: 10 * SECOND,
  clockSkew: 30 * SECOND,
  margin: 15 * SECOND,
  heartbeatMaxAge: 10 * MINUTE,
  cooldown: MINUTE,
  keep: 24 * HOUR,
};

/** How long after an intent the VM is left alone: the wait, plus all that may pass between stamp and execution. */
export function windowOf(wait: Millis, timings: LedgerTimings): Millis {
  return wait + timings.sendDeadline + timings.callDeadline + timings.clockSkew + timings.margin;
}
