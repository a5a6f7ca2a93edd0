import type { Answer } from "../http/exchange.ts";

/** Why the API server refuses, as `Status.reason` spells it. */
export type StatusReason =
  | "AlreadyExists"
  | "BadRequest"
  | "Conflict"
  | "Expired"
  | "Forbidden"
  | "Gone"
  | "InternalError"
  | "Invalid"
  | "MethodNotAllowed"
  | "NotAcceptable"
  | "NotFound"
  | "RequestEntityTooLarge"
  | "ServiceUnavailable"
  | "Timeout"
  | "TooManyRequests"
  | "Unauthorized"
  | "UnsupportedMediaType"
  | "Unknown";

const CODES: Readonly<Record<StatusReason, number>> = {
  AlreadyExists: 409,
  BadRequest: 400,
  Conflict: 409,
  Expired: 410,
  Forbidden: 403,
  Gone: 410,
  InternalError: 500,
  Invalid: 422,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  NotFound: 404,
  RequestEntityTooLarge: 413,
  ServiceUnavailable: 503,
  Timeout: 504,
  TooManyRequests: 429,
  Unauthorized: 401,
  UnsupportedMediaType: 415,
  Unknown: 520,
};

const REASONS: ReadonlyMap<number, StatusReason> = new Map([
  [400, "BadRequest"],
  [401, "Unauthorized"],
  [403, "Forbidden"],
  [404, "NotFound"],
  [405, "MethodNotAllowed"],
  [406, "NotAcceptable"],
  [409, "Conflict"],
  [410, "Expired"],
  [413, "RequestEntityTooLarge"],
  [415, "UnsupportedMediaType"],
  [422, "Invalid"],
  [429, "TooManyRequests"],
  [500, "InternalError"],
  [503, "ServiceUnavailable"],
  [504, "Timeout"],
]);

/** One entry of `Status.details.causes`. */
interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

/** `Status.details`. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** A refusal of the API server; thrown anywhere in a request's path and answered as a Status object. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly code: StatusReason;
  readonly status: number;
  readonly details: StatusDetails;

  constructor(reason: StatusReason, message: string, details: StatusDetails = {}) {
    super(message);
    this.code = reason;
    this.status = CODES[reason];
    this.details = details;
  }

  /** The refusal as an HTTP answer. */
  answer(): Answer {
    const retryAfter = this.details.retryAfterSeconds;
    return {
      status: this.status,
      headers: retryAfter === undefined ? {} : { "retry-after": String(retryAfter) },
      body: statusBody(this.status, this.message, this.code, this.details),
    };
  }
}

/** A Failure Status with this code, as bodies and ERROR events carry it. */
export function statusBody(
  code: number,
  message = `simulated failure ${code}`,
  reason: string = REASONS.get(code) ?? "Unknown",
  details: StatusDetails = {},
): Record<string, unknown> {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    ...(Object.keys(details).length === 0 ? {} : { details }),
    code,
  };
}

/** What a watch is told when it asks for more history than is kept. */
export function expiredMessage(wanted: number, oldest: number): string {
  return `too old resource version: ${wanted} (${oldest})`;
}
