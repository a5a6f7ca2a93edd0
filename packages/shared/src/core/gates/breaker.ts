import { askingCheckers } from "../due.ts";
import { placeOf } from "../node.ts";
import { open, shut, type Gate } from "./gate.ts";

/**
 * Many failures at once are one failure, and not of the nodes. A repair may be its cure all the same (Datadog 2023): an
 * operator who knows that grants it, and the grant lets repairs begin slowly.
 */
export const breaker: Gate = ({ record, node, fleet, breaker: asked, ledger: view, policy, now }) => {
  if (fleet === undefined || asked === undefined) return open("Breaker", "the fleet was not looked at yet");
  const again = now + policy.viewMaxAge / 3;
  // The node that asks exists: a list without any is no answer, and a share of none says nothing (G8).
  if (fleet.nodes === 0) return shut("Breaker", "the list of the nodes came back empty", again);
  const known = record.pool === undefined ? {} : { pool: record.pool };
  const place = node === undefined ? known : placeOf(node);
  const found = asked.ask({ ...place, checkers: askingCheckers(record, policy) });
  if (found === undefined) return open("Breaker", "its failure stands alone");
  const { scope, why, grantable } = found;
  const grant = grantable ? view?.grant : undefined;
  if (grant !== undefined) return open("Breaker", `${scope}: ${why}, and ${grant.by} grants repairs`);
  return shut("Breaker", `${scope}: ${why}`, again);
};
