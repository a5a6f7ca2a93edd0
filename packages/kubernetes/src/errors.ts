import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Dependency } from "@node-agent/shared/ports/dependency.ts";

/** Why a cluster cannot be reached with the given configuration; a human must change something. */
export type KubernetesConfigErrorCode =
  | "KubeconfigUnreadable"
  | "KubeconfigInvalid"
  | "NoSuchContext"
  | "NoSuchCluster"
  | "NoSuchUser"
  | "FileUnreadable"
  | "UnsupportedCredential"
  | "NotInCluster";

/** A configuration that cannot work. The message names the file and the entry, never their secrets. */
export class KubernetesConfigError extends Error {
  override readonly name = "KubernetesConfigError";
  readonly code: KubernetesConfigErrorCode;

  constructor(code: KubernetesConfigErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * What became of a call to an API server. From `Unauthorized` to `ServerError` the server has answered; the rest is
 * the way there: no connection, a broken one, a deadline, a credential that could not be had.
 */
export type KubernetesApiErrorCode =
  | "Unauthorized"
  | "Forbidden"
  | "NotFound"
  | "Conflict"
  | "Gone"
  | "Invalid"
  | "TooManyRequests"
  | "Unavailable"
  | "TooLargeResourceVersion"
  | "ServerError"
  | "UnexpectedAnswer"
  | "MalformedAnswer"
  | "Contradiction"
  | "ConnectFailed"
  | "TlsFailed"
  | "ConnectionLost"
  | "Timeout"
  | "CredentialFailed"
  | "Aborted";

/** What is known about a failed call beside its code. */
export interface KubernetesApiErrorDetails extends ErrorOptions {
  /** HTTP status, or the `code` of a Status object inside a watch. */
  readonly status?: number;
  /** `reason` of the Status object, as the server spelt it. */
  readonly reason?: string;
  /** How long the server asks us to stay away. */
  readonly retryAfter?: Millis;
}

/** A failed call to an API server; its message carries no credential. */
export class KubernetesApiError extends Error {
  override readonly name = "KubernetesApiError";
  readonly dependency: Dependency = "Kubernetes";
  readonly code: KubernetesApiErrorCode;
  readonly status?: number;
  readonly reason?: string;
  readonly retryAfter?: Millis;

  constructor(code: KubernetesApiErrorCode, message: string, details: KubernetesApiErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    if (details.status !== undefined) this.status = details.status;
    if (details.reason !== undefined) this.reason = details.reason;
    if (details.retryAfter !== undefined) this.retryAfter = details.retryAfter;
  }
}
