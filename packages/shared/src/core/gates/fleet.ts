import { open, shut, type Gate } from "./gate.ts";

/** The authority on reboots is missing, damaged, foreign, too young, in quarantine, or keeps this VM's window. */
export const ledger: Gate = ({ ledger: view, now, policy }) => {
  if (view === undefined) return open("Ledger", "the ledger was not asked yet");
  const { distrust, notBefore = 0 } = view;
  if (distrust !== undefined)
    return shut("Ledger", distrust.why, distrust.until ?? now + policy.viewMaxAge / 2);
  if (notBefore > now) return shut("Ledger", "the ledger keeps this VM's wait window", notBefore);
  return open("Ledger", "the ledger allows it");
};
