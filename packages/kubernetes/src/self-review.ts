import type { Millis } from "@node-agent/shared/core/time.ts";
import type { KubernetesConnection } from "./connection/connection.ts";
import { KubernetesApiError } from "./errors.ts";
import { property, text } from "./raw-object.ts";

const PATH = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

/**
 * The name under which the API server authenticated us, impersonation included, as its audit log has it. Needs no right
 * but that of every authenticated user, and Kubernetes 1.28. Throws `KubernetesApiError`.
 */
export async function readOwnName(connection: KubernetesConnection, deadline: Millis): Promise<string> {
  const { body } = await connection.request(PATH, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" }),
    deadline,
  });
  const name = text(property(property(body, "status"), "userInfo"), "username");
  if (name === undefined)
    throw new KubernetesApiError("MalformedAnswer", `POST ${PATH}: expected status.userInfo.username`);
  return name;
}
