import { isWork } from "../planned-work.ts";
import { instantText, spanText } from "../time-text.ts";
import { workOn, workText } from "../work-on-node.ts";
import { open, shutUntil, type Gate } from "./gate.ts";

/**
 * Another controller works on the node: it may go down and come up on purpose, so no checker repairs it. Only for so
 * long, because work that is stuck leaves its mark behind (gpu-operator#2509), and then the normal rules apply.
 */
export const plannedWork: Gate = ({ node, record, policy, now }) => {
  if (node === undefined) return open("PlannedWork", "the node was not read yet");
  const works = workOn(node, record.marks, policy.plannedWork, now);
  const holding = works.filter(({ state, stuck }) => isWork(state) && !stuck);
  // The first that ends: what holds after that is asked then.
  const [first] = holding.toSorted((a, b) => a.until - b.until);
  if (first !== undefined) return shutUntil("PlannedWork", workText(first), first.until);
  const stuck = works.find((work) => work.stuck);
  if (stuck !== undefined) {
    const { mark, since } = stuck;
    const limit = spanText(policy.plannedWork.maxAge);
    const why = `${workText(stuck)} since ${instantText(since)}, longer than ${limit}: it is stuck, ask ${mark.owner}`;
    return open("PlannedWork", why);
  }
  const [other] = works;
  return open("PlannedWork", other === undefined ? "no planned work on it" : workText(other));
};
