import { SECOND, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import { KubernetesApiError, type KubernetesApiErrorCode } from "../errors.ts";
import { list, property, text } from "../raw-object.ts";
import { scrub } from "./scrub.ts";

/** HTTP statuses with a meaning of their own (apimachinery/pkg/api/errors). */
const CODE_OF_STATUS: Readonly<Record<number, KubernetesApiErrorCode>> = {
  400: "Invalid",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "Invalid",
  409: "Conflict",
  410: "Gone",
  415: "Invalid",
  422: "Invalid",
  429: "TooManyRequests",
  503: "Unavailable",
};

/** `ECONNREFUSED` and relatives: nothing was sent, the server has seen nothing of the call. */
const NO_CONNECTION = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_PRX_TLS",
  "UND_ERR_PRX_CONN",
  "UND_ERR_ABORTED",
]);

const TLS_FAULT =
  /^(CERT_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO|HOSTNAME_MISMATCH|INVALID_CA)/;

/** Seconds or an HTTP date, as `Retry-After` may be written; undefined when it is neither. */
export function parseRetryAfter(header: string | undefined, now: EpochMillis): Millis | undefined {
  if (header === undefined || header === "") return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * SECOND;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function hasCause(status: unknown, reason: string): boolean {
  return list(property(status, "details"), "causes").some((cause) => text(cause, "reason") === reason);
}

function codeOf(httpStatus: number, status: unknown): KubernetesApiErrorCode {
  const reason = text(status, "reason");
  if (reason === "Expired" || reason === "Gone") return "Gone";
  // A watch or list from a resourceVersion that the server has not reached (e.g. etcd restored from a backup).
  if (hasCause(status, "ResourceVersionTooLarge")) return "TooLargeResourceVersion";
  if (/too large resource version/i.test(text(status, "message") ?? "")) return "TooLargeResourceVersion";
  const known = CODE_OF_STATUS[httpStatus];
  if (known !== undefined) return known;
  return httpStatus >= 500 ? "ServerError" : "UnexpectedAnswer";
}

/** The error that a `Status` object (or whatever came in its place) with an HTTP status stands for. */
export function errorOfStatus(
  what: string,
  httpStatus: number,
  status: unknown,
  options: {
    readonly retryAfter?: Millis | undefined;
    readonly secrets?: readonly (string | undefined)[];
  } = {},
): KubernetesApiError {
  const said = text(status, "message");
  const reason = text(status, "reason");
  const seconds = property(property(status, "details"), "retryAfterSeconds");
  const retryAfter =
    options.retryAfter ?? (typeof seconds === "number" && seconds > 0 ? seconds * SECOND : undefined);
  const detail = said === undefined ? "" : `: ${scrub(said, options.secrets)}`;
  return new KubernetesApiError(codeOf(httpStatus, status), `${what}: answered ${httpStatus}${detail}`, {
    status: httpStatus,
    ...(reason === undefined ? {} : { reason: scrub(reason, options.secrets) }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}

function systemCode(fault: unknown): string {
  const own = text(fault, "code");
  if (own !== undefined) return own;
  const [first] = list(fault, "errors");
  return text(first, "code") ?? text(property(fault, "cause"), "code") ?? "";
}

/** The error that a failure of the transport (undici, sockets, TLS) stands for. */
export function errorOfTransport(what: string, fault: unknown): KubernetesApiError {
  if (fault instanceof KubernetesApiError) return fault;
  const code = systemCode(fault);
  const said = fault instanceof Error ? scrub(fault.message) : "";
  const message = `${what}: ${[code, said].filter((part) => part !== "").join(" ") || "failed"}`;
  if (TLS_FAULT.test(code)) return new KubernetesApiError("TlsFailed", message, { cause: fault });
  if (NO_CONNECTION.has(code)) return new KubernetesApiError("ConnectFailed", message, { cause: fault });
  return new KubernetesApiError("ConnectionLost", message, { cause: fault });
}
