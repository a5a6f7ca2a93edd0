import { open, shut, type Gate } from "./gate.ts";

/** The authority on reboots is missing, damaged, foreign, too young or in quarantine; its windows are gate WaitWindow's. */
export const ledger: Gate = ({ ledger: view, now, policy }) => {
  if (view === undefined) return open("Ledger", "the ledger was not asked yet");
  const { distrust } = view;
  return distrust === undefined
    ? open("Ledger", "the ledger is trusted")
    : shut("Ledger", distrust.why, distrust.until ?? now + policy.viewMaxAge / 2);
};

/** Repairs of this checker in this pool have stopped to help: more of the same will not either (G5). */
export const cureRate: Gate = ({ ledger: view, now, policy }) => {
  const held = view?.cureRate;
  if (held === undefined) return open("CureRate", "repairs like this one help, as far as is known");
  return shut("CureRate", `${held.rate}: ${held.why}`, now + policy.viewMaxAge);
};

/** Never more repairs than the limits of node, pool, zone and cluster allow, and never faster (I3). */
export const limit: Gate = ({ ledger: view, now, policy }) => {
  const held = view?.limit;
  if (held === undefined) return open("Limit", "every limit allows one more repair");
  return shut("Limit", `${held.limit}: ${held.why}`, held.until ?? now + policy.viewMaxAge);
};
