import { connectKubernetes, type KubernetesConnection } from "@node-agent/kubernetes";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import { z } from "zod";

const listSchema = z.object({
  items: z.array(
    z.object({
      involvedObject: z.object({ name: z.string(), uid: z.string() }),
      reason: z.string(),
      type: z.string(),
      message: z.string(),
      reportingInstance: z.string(),
      metadata: z.object({ name: z.string(), resourceVersion: z.string() }),
    }),
  ),
});
/** A Kubernetes Event of ours, as the API server has it. */
export type ToldEvent = z.infer<typeof listSchema>["items"][number];

/** Talks to a cluster as a person would who has its kubeconfig. */
async function within<T>(
  kubeconfig: string,
  talk: (connection: KubernetesConnection) => Promise<T>,
): Promise<T> {
  const connection = connectKubernetes({ kubeconfig, clock: systemClock, userAgent: "a-person" });
  try {
    return await talk(connection);
  } finally {
    await connection.close();
  }
}

/** The events that agents told a cluster, in the order in which they arrived there. */
export async function eventsIn(kubeconfig: string): Promise<ToldEvent[]> {
  const query = { fieldSelector: "reportingComponent=node-agent" };
  const { body } = await within(kubeconfig, async (connection) =>
    connection.request("/api/v1/namespaces/default/events", { query }),
  );
  const version = ({ metadata }: ToldEvent): number => Number(metadata.resourceVersion);
  return listSchema.parse(body).items.toSorted((a, b) => version(a) - version(b));
}

/** The Node objects of these names as the API server has them now. */
export async function nodesIn(kubeconfig: string, names: readonly string[]): Promise<Map<string, unknown>> {
  return within(kubeconfig, async (connection) => {
    const bodies = await Promise.all(names.map(async (name) => connection.request(`/api/v1/nodes/${name}`)));
    return new Map(names.map((name, i) => [name, bodies[i]?.body]));
  });
}

/** Puts an annotation on a node. */
export async function annotate(kubeconfig: string, node: string, key: string, value: string): Promise<void> {
  await within(kubeconfig, async (connection) =>
    connection.request(`/api/v1/nodes/${node}`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: JSON.stringify({ metadata: { annotations: { [key]: value } } }),
    }),
  );
}
