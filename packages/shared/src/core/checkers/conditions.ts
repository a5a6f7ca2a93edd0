import type { NodeCondition, NodeSnapshot } from "../node.ts";

/** The node's condition of this type, of which a snapshot holds at most one. */
export function conditionOf(node: NodeSnapshot, type: string): NodeCondition | undefined {
  return node.conditions.find((condition) => condition.type === type);
}

/** The kubelet says that the node is Ready. */
export function isReady(node: NodeSnapshot): boolean {
  return conditionOf(node, "Ready")?.status === "True";
}
