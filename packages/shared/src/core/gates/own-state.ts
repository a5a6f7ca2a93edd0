import { CHECKER_NAMES } from "../check.ts";
import { firstDue, isGivenUp, isWaiting } from "../due.ts";
import { SECOND } from "../time.ts";
import { isVerdictPending } from "../verification.ts";
import { open, shut, shutUntil, type Gate } from "./gate.ts";

const NOBODY_ASKS = "no failing checker asks for a reboot";

/** A checker fails and its incident is open. */
export const nothingFailing: Gate = ({ record }) => {
  const failing = CHECKER_NAMES.filter((name) => record.failing[name] !== undefined);
  return record.incident !== undefined && failing.length > 0
    ? open("NothingFailing", `failing: ${failing.join(", ")}`)
    : shut("NothingFailing", "no checker fails");
};

/** Clocks started in the other mode lead to nothing: the next judgement starts them anew. */
export const mode: Gate = ({ record, policy, now }) =>
  record.monitorOnly === policy.monitorOnly
    ? open("Mode", `judged in ${modeName(policy.monitorOnly)} mode`)
    : shut("Mode", `judged in ${modeName(record.monitorOnly)} mode`, now + policy.viewMaxAge / 2);

function modeName(monitorOnly: boolean): string {
  return monitorOnly ? "monitor-only" : "active";
}

/** A checker that fails asks for a reboot, and not only for a report. */
export const actionNone: Gate = ({ record, policy, observed }) =>
  firstDue(record, policy, observed) === undefined
    ? shut("ActionNone", NOBODY_ASKS)
    : open("ActionNone", "a reboot is asked for");

/**
 * A watcher vouches for the cluster, and has for a while; without that nothing is rebooted. What is seen first after an
 * outage is what the outage did: nodes get time to report before anybody acts on what they say.
 */
export const blind: Gate = ({ policy, now, viewAge, viewSteady = policy.blindGrace }) => {
  const why =
    viewAge === undefined
      ? "the cluster was never seen"
      : `cluster view is ${Math.round(viewAge / SECOND)} s old`;
  const fresh = viewAge !== undefined && viewAge <= policy.viewMaxAge;
  if (!fresh) return shut("Blind", why, now + policy.viewMaxAge / 2);
  const graceLeft = policy.blindGrace - viewSteady;
  if (graceLeft <= 0) return open("Blind", why);
  return shutUntil("Blind", "the cluster came into sight a moment ago", now + graceLeft);
};

/**
 * The wait after the latest reboot is over (I1), by the record and by the ledger, which knows reboots that Redis has
 * forgotten: one wait, with the later end.
 */
export const waitWindow: Gate = ({ record, now, ledger }) => {
  const last = record.lastReboot;
  const which = last === undefined ? undefined : `reboot ${last.number} (${last.outcome})`;
  const own = isWaiting(record, now) ? (last?.waitUntil ?? 0) : 0;
  const until = Math.max(own, ledger?.notBefore ?? 0);
  if (until > now) {
    return shutUntil("WaitWindow", `${own === 0 ? "the ledger" : (which ?? "")} keeps its wait`, until);
  }
  return open("WaitWindow", which === undefined ? "no reboot before" : `the wait of ${which} is over`);
};

/** The reboots of this incident are not used up; one that proves not to have been carried out is given back. */
export const attempts: Gate = ({ record, policy, now, observed }) => {
  const used = `${record.incident?.attempts ?? 0} of ${policy.maxAttempts} attempts used`;
  const notMade = record.lastReboot?.verification === "NotExecuted";
  const why = notMade ? `${used}; the latest call was not carried out and does not count` : used;
  if (!isGivenUp(record, policy, now, observed)) return open("Attempts", why);
  return shut("Attempts", why);
};

/** The result of the latest reboot of a node is known before the node is given up. */
export const verifying: Gate = ({ record, policy, now, observed }) => {
  if (!isVerdictPending(record)) return open("Verifying", "no result is pending");
  const { number = 0 } = record.lastReboot ?? {};
  if (!isGivenUp(record, policy, now, observed))
    return open("Verifying", `the result of reboot ${number} is pending, and holds nothing`);
  return shut("Verifying", `the result of reboot ${number} is not known yet`, now + policy.viewMaxAge / 2);
};

/** A checker has failed for its threshold, in observed time. */
export const threshold: Gate = ({ record, policy, now, observed }) => {
  const due = firstDue(record, policy, observed);
  if (due === undefined) return shut("Threshold", NOBODY_ASKS);
  return due.in === 0
    ? open("Threshold", `${due.checker} has failed for long enough`)
    : shutUntil("Threshold", `${due.checker} has not failed for long enough`, now + due.in);
};
