import type { KubernetesConnection } from "./connection/connection.ts";

/**
 * Sets annotations of a node, or takes them away (null), by a merge patch that touches nothing else. For operators'
 * orders only: no process of ours may patch nodes. Rejects as the connection does (`NotFound`, `Forbidden`, ...).
 */
export async function annotateNode(
  connection: KubernetesConnection,
  name: string,
  annotations: Readonly<Record<string, string | null>>,
): Promise<void> {
  await connection.request(`/api/v1/nodes/${encodeURIComponent(name)}`, {
    method: "PATCH",
    headers: { "content-type": "application/merge-patch+json" },
    body: JSON.stringify({ metadata: { annotations } }),
  });
}
