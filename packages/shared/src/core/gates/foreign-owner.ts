import { foreignHold } from "../foreign-hold.ts";
import { open, shut, type Gate } from "./gate.ts";

/** Another controller or a person owns the node, or protects it while its kubelet works (`foreign-marks.ts`). */
export const foreignOwner: Gate = ({ node, record, policy, now }) => {
  if (node === undefined) return open("ForeignOwner", "the node was not read yet");
  const hold = foreignHold(node, record.marks, policy, now);
  if (hold === undefined) return open("ForeignOwner", "no mark of another owner holds it");
  // The owner may take the mark off at any time, also before it ends by itself.
  return shut("ForeignOwner", hold.why, Math.min(hold.until ?? Infinity, now + policy.viewMaxAge));
};
