import { open, shut, type Gate } from "./gate.ts";

/** The authority on reboots is missing, damaged, foreign, too young or in quarantine; its windows are gate WaitWindow's. */
export const ledger: Gate = ({ ledger: view, now, policy }) => {
  if (view === undefined) return open("Ledger", "the ledger was not asked yet");
  const { distrust } = view;
  return distrust === undefined
    ? open("Ledger", "the ledger is trusted")
    : shut("Ledger", distrust.why, distrust.until ?? now + policy.viewMaxAge / 2);
};
