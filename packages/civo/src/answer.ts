import { HOUR, SECOND, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import { z } from "zod";
import { classify, type CivoFault, type CivoResult } from "./fault.ts";
import { isSuccess, type Exchange } from "./transport.ts";

/** What we keep of a Civo instance. Passwords, tokens and scripts of the answer end in the parser. */
export interface CivoInstance {
  readonly id: string;
  /** The name of the Kubernetes node; empty when the cloud sent none. */
  readonly hostname: string;
  /** `ACTIVE`, `SHUTOFF`, `REBOOTING` ...; an open set. */
  readonly status: string;
  readonly gpuCount?: number;
}

const text = z
  .string()
  .max(512)
  .nullish()
  .transform((value) => value ?? "");

/** Unknown and null fields pass (the API adds fields at will) and are dropped: z.object keeps what it names. */
const instance = z
  .object({
    id: z.string().min(1).max(128),
    hostname: text,
    status: text,
    gpu_count: z.number().int().min(0).max(1024).nullish().catch(undefined),
  })
  .transform(({ id, hostname, status, gpu_count: gpuCount }): CivoInstance => ({
    id,
    hostname,
    status,
    ...(typeof gpuCount === "number" ? { gpuCount } : {}),
  }));

/** The body of `GET /v2/instances/{id}`. */
export const instanceAnswer = instance;
/** A 2xx that names an error code is no success, whatever else it says. */
export const successAnswer = z
  .object({ result: z.literal("success"), code: z.literal("").nullish() })
  .transform(({ result }) => result);

/** The fields of civogo's SimpleResponse and of the 401 body; each may be missing or of another type. */
const refusal = z.object({
  code: z.string().max(128).optional().catch(undefined),
  result: z.string().max(128).optional().catch(undefined),
  reason: z.string().max(4096).optional().catch(undefined),
});

/** What a 2xx came to: the value, or undefined when its body is none. */
export type BodyReader<T> = (body: string) => T | undefined;

/** Reads a body by its schema. */
export function bodyOf<T>(schema: z.ZodType<T>): BodyReader<T> {
  return (body) => schema.safeParse(parseJson(body)).data;
}

/** Turns an exchange into the value that the reader finds in it, or into a fault. Never throws. */
export function readAnswer<T>(
  answer: Exchange,
  read: BodyReader<T>,
  { now, redact }: { readonly now: EpochMillis; readonly redact: (text: string) => string },
): CivoResult<T> {
  if (answer.kind === "Failure") {
    return { ok: false, error: { class: "transient", detail: redact(answer.detail), sent: answer.sent } };
  }
  const { status } = answer;
  if (isSuccess(status)) {
    const value = read(answer.body);
    if (value !== undefined) return { ok: true, value };
  }
  const { code, result, reason } = refusal.safeParse(parseJson(answer.body)).data ?? {};
  const words = [`HTTP ${status}`, code, result, reason].filter((word) => word !== undefined && word !== "");
  const shownCode = code === undefined || code === "" ? undefined : redact(code);
  const retryAfter = readRetryAfter(answer.headers["retry-after"], now);
  const error: CivoFault = {
    class: classify({ status, code, result }),
    status,
    detail: redact(
      words.length === 1 && status < 300 ? `HTTP ${status} with an unexpected body` : words.join(" "),
    ),
    sent: true,
    ...(shownCode === undefined ? {} : { code: shownCode }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
  return { ok: false, error };
}

/**
 * Makes a text of the cloud fit to be logged: no control or invisible characters, not the key (an echoing proxy has
 * it), and short.
 */
export function redactor(apiKey: string): (text: string) => string {
  const key = new RegExp(apiKey.replaceAll(/[^0-9A-Za-z]/g, String.raw`\$&`), "gi");
  return (words) =>
    words
      .replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ")
      .replaceAll(key, "[redacted]")
      .slice(0, 200);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // Pages of a proxy in front of the API are HTML or plain text: no known shape, and no reason to fail.
    return undefined;
  }
}

/** Retry-After in either of its forms (RFC 9110 10.2.3), bounded: a wrong date must not silence us for a year. */
function readRetryAfter(header: string | string[] | undefined, now: EpochMillis): Millis | undefined {
  const value = typeof header === "string" ? header.trim() : "";
  if (value === "") return undefined;
  const span = /^\d+$/.test(value) ? Number(value) * SECOND : Date.parse(value) - now;
  return Number.isFinite(span) ? Math.min(Math.max(span, 0), HOUR) : undefined;
}
