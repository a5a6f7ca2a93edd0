import type { Answer } from "../http/exchange.ts";

/** Codes of Civo's own list (civogo) that the simulator answers with. */
export type CivoErrorCode =
  | "database_cannot_manage_cluster_instance"
  | "database_cluster_pool_instance_not_found"
  | "database_cluster_pool_not_found"
  | "database_instance_find"
  | "database_kubernetes_cluster_not_found"
  | "database_kubernetes_node_not_found"
  | "database_region_not_found"
  | "instance_state_must_be_active_or_shutoff"
  | "parameter_invalid";

const REASONS: Readonly<Record<CivoErrorCode, readonly [status: number, reason: string]>> = {
  database_cannot_manage_cluster_instance: [403, "Cannot manage an instance that is part of a cluster"],
  database_cluster_pool_instance_not_found: [
    404,
    "Failed to find the instance in the pool within the internal database",
  ],
  database_cluster_pool_not_found: [404, "Failed to find the pool within the internal database"],
  database_instance_find: [404, "Failed to find the instance in the internal database"],
  database_kubernetes_cluster_not_found: [
    404,
    "Failed to find the Kubernetes cluster in the internal database",
  ],
  database_kubernetes_node_not_found: [404, "Failed to find the Kubernetes node in the internal database"],
  database_region_not_found: [404, "Failed to find the region within the internal database"],
  instance_state_must_be_active_or_shutoff: [409, "The instance must be ACTIVE or SHUTOFF"],
  parameter_invalid: [400, "A parameter is invalid"],
};

/** A refusal of the Civo API. */
export class CivoError extends Error {
  override readonly name = "CivoError";
  readonly code: CivoErrorCode;

  constructor(code: CivoErrorCode, reason?: string) {
    super(reason ?? REASONS[code][1]);
    this.code = code;
  }

  /** The refusal as an HTTP answer, in the shape of civogo's SimpleResponse. */
  answer(): Answer {
    return {
      status: REASONS[this.code][0],
      body: { result: "failed", status: REASONS[this.code][0], code: this.code, reason: this.message },
    };
  }
}

/** The answer to a missing, empty or wrong key (civogo#44). */
export const UNAUTHENTICATED: Answer = {
  status: 401,
  body: { result: "requires_authentication", status: 401 },
};

/** What stands in front of the API says when the API itself does not answer: JSON for 500, nginx' page for the rest. */
export function civoErrorBody(status: number): Pick<Answer, "body" | "headers"> {
  if (status === 500) return { body: { status: 500, error: "Internal Server Error" } };
  if (status === 401) return { body: UNAUTHENTICATED.body };
  if (status < 502) return { body: { result: "failed", status, reason: `simulated failure ${status}` } };
  return {
    headers: { "content-type": "text/html" },
    body: `<html>\r\n<head><title>${status} Bad Gateway</title></head>\r\n<body>\r\n<center><h1>${status} Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`,
  };
}
