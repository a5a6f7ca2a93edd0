import { CHECKER_NAMES } from "../check.ts";
import { grantHolds } from "../ledger/grant.ts";
import { stormOf } from "../storm/correlation.ts";
import { open, shut, type Gate } from "./gate.ts";

/**
 * Many failures at once are one failure, and not of the nodes. A reboot may be its cure all the same (Datadog 2023): an
 * operator who knows that grants it, and budgets let it begin slowly. Nodes that all went silent are never believed.
 */
export const storm: Gate = ({ record, node, fleet, ledger: view, policy, now }) => {
  if (fleet === undefined) return open("Storm", "the fleet was not looked at yet");
  // The node that asks exists: a list without any is no answer, and a share of none says nothing (G8).
  if (fleet.nodes === 0)
    return shut("Storm", "the list of the nodes came back empty", now + policy.storm.burstWithin / 2);
  const checkers = CHECKER_NAMES.filter(
    (name) => record.failing[name] !== undefined && policy.checkers[name].action === "Reboot",
  );
  const zone = node?.labels["topology.kubernetes.io/zone"];
  const starts = checkers.map((name) => record.failing[name]?.since ?? now);
  const since = Math.min(...starts);
  const subject = {
    checkers,
    ...(since > record.firstSeenAt && starts.length > 0 ? { since } : {}),
    ...(record.pool === undefined ? {} : { pool: record.pool }),
    ...(zone === undefined ? {} : { zone }),
  };
  const found = stormOf(subject, fleet, policy.storm, now);
  if (found === undefined) return open("Storm", "its failure stands alone");
  const granted = view?.grant !== undefined && grantHolds(view.grant, now);
  if (granted && found.kind !== "AllSilent")
    return open("Storm", `${found.kind}, and an operator grants repair`);
  return shut("Storm", `${found.kind}: ${found.why}`, now + policy.storm.burstWithin / 2);
};

/** The authority on reboots is missing, damaged, foreign, too young, in quarantine, or keeps this VM's window. */
export const ledger: Gate = ({ ledger: view, now, policy }) => {
  if (view === undefined) return open("Ledger", "the ledger was not asked yet");
  const { distrust, notBefore = 0 } = view;
  if (distrust !== undefined)
    return shut("Ledger", distrust.why, distrust.until ?? now + policy.viewMaxAge / 2);
  if (notBefore > now) return shut("Ledger", "the ledger keeps this VM's wait window", notBefore);
  return open("Ledger", "the ledger allows it");
};

/** Never more reboots than the budgets of pool, zone and cluster allow, and never faster (I3). */
export const budget: Gate = ({ ledger: view, now, policy }) => {
  const exceeded = view?.exceeded;
  if (exceeded === undefined) return open("Budget", "there is room in every budget");
  return shut("Budget", `${exceeded.budget}: ${exceeded.why}`, exceeded.until ?? now + policy.viewMaxAge);
};
