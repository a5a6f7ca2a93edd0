import { open, shut, type Gate } from "./gate.ts";

/** Never more repairs than the limits of node, pool, zone and cluster allow, and never faster (I3). */
export const limit: Gate = ({ ledger: view, now, policy }) => {
  const held = view?.limit;
  if (held === undefined) return open("Limit", "every limit allows one more repair");
  return shut("Limit", `${held.limit}: ${held.why}`, held.until ?? now + policy.viewMaxAge);
};
