import { open, shut, type Gate } from "./gate.ts";

/** Repairs of this checker in this pool have stopped to help: more of the same will not either (G5). */
export const cureRate: Gate = ({ ledger: view, now, policy }) => {
  const held = view?.cureRate;
  if (held === undefined) return open("CureRate", "repairs like this one help, as far as is known");
  return shut("CureRate", `${held.rate}: ${held.why}`, now + policy.viewMaxAge);
};
