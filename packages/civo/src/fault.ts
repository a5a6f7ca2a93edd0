import type { Millis } from "@node-agent/shared/core/time.ts";

/** What a fault of the Civo API means for the caller (`auth`: stop and tell a human; `transient`: nothing is known ...). */
export type CivoFaultClass =
  | "auth"
  | "config"
  | "not_found"
  | "bad_state"
  | "capacity"
  | "rate_limited"
  | "transient";

/** A call that did not succeed, as a value. It never carries a header, a raw body or the key. */
export interface CivoFault {
  readonly class: CivoFaultClass;
  /** Civo's own error code, e.g. `database_instance_find`. */
  readonly code?: string;
  /** The HTTP status, when there was an answer. */
  readonly status?: number;
  readonly detail: string;
  /** How long the cloud asks us to wait. */
  readonly retryAfter?: Millis;
  /** False only when no byte of the request can have left this process. */
  readonly sent: boolean;
}

/** What every call of the client resolves to. */
export type CivoResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: CivoFault };

/** The codes that matter here, from the 230 that civogo's errors.go knows. */
const classOfCode = new Map<string, CivoFaultClass>([
  ["database_account_not_found", "auth"], // what an invalid key gets today (civo/cli#312, #400, #464)
  ["database_region_not_found", "config"],
  ["disabled_service", "config"],
  ["database_instance_find", "not_found"], // also when the region is missing (civo/cli#136)
  ["openstack_instance_find", "not_found"],
  ["database_kubernetes_node_not_found", "not_found"],
  ["database_cluster_pool_not_found", "not_found"],
  ["database_cluster_pool_instance_not_found", "not_found"],
  ["database_kubernetes_cluster_not_found", "not_found"],
  ["instance_state_must_be_active_or_shutoff", "bad_state"],
  ["cannot_scale_already_rescaling_cluster", "bad_state"],
  ["quota_limit_reached", "capacity"],
  ["out_of_capacity", "capacity"],
  ["database_quota_lock_failed", "transient"],
  ["region_unavailable", "transient"],
]);

const classOfCodePattern: readonly (readonly [RegExp, CivoFaultClass])[] = [
  [/^authentication_/, "auth"],
  [/_access_denied$/, "auth"],
  [/^account_not_enabled_/, "auth"],
  [/^parameter_/, "config"],
  [/^(?:openstack|marshaling)_/, "transient"],
];

const classOfStatus = new Map<number, CivoFaultClass>([
  [400, "config"],
  [401, "auth"],
  [403, "auth"],
  [404, "not_found"],
  [409, "bad_state"],
  [422, "config"],
]);

/** What `classify` looks at; all of it as the cloud sent it. */
export interface CivoRefusal {
  readonly status: number;
  readonly code?: string | undefined;
  readonly result?: string | undefined;
}

/**
 * The class of an answer that is not a success. The code decides, because no source documents which status goes with
 * which code; the status decides only when the code says nothing. 429 comes from something in front of the API and
 * wins over both. What is in neither list is `transient`: nothing is known.
 */
export function classify({ status, code, result }: CivoRefusal): CivoFaultClass {
  if (status === 429) return "rate_limited";
  if (result === "requires_authentication") return "auth";
  if (code !== undefined) {
    const known = classOfCode.get(code) ?? classOfCodePattern.find(([pattern]) => pattern.test(code))?.[1];
    if (known !== undefined) return known;
  }
  // The API never redirects, so CIVO_API_URL names something else; following would carry the key (and a POST) away.
  if (status >= 300 && status < 400) return "config";
  return classOfStatus.get(status) ?? "transient";
}
