import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import type { KubernetesConnection } from "./connection/connection.ts";

/** Asks whether this process may read nodes now; resolves to the API server's clock, in whole seconds, when it told it. */
export type ServerLook = () => Promise<EpochMillis | undefined>;

/** One node by a quorum read: the cheapest question that needs the server, its store and our right. */
export function createServerLook(connection: KubernetesConnection, deadline: Millis): ServerLook {
  return async () => {
    const answer = await connection.request("/api/v1/nodes", { query: { limit: "1" }, deadline });
    return answer.serverDate;
  };
}
