import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Dispatcher } from "undici";

/** The one method of undici that we use: it tells exactly when a request is about to be written to a socket. */
export type Dispatch = Pick<Dispatcher, "dispatch">;

/** One request, complete. */
export interface OutgoingRequest {
  readonly origin: string;
  readonly path: string;
  readonly method: "GET" | "POST";
  readonly headers: Record<string, string>;
  readonly body?: string;
}

/** Takes the bytes of a success while they arrive, instead of keeping them; a text says why the rest is of no use. */
export type BodySink = (chunk: Buffer) => string | undefined;

/** True for a 2xx. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Limits of one exchange. */
export interface ExchangeLimits {
  /** Until a connection is ready and the request is on its way. */
  readonly connect: Millis;
  /** The whole exchange, connecting included. */
  readonly total: Millis;
  /** An answer that is kept, and is larger than this many bytes, is dropped. */
  readonly maxBodyBytes: number;
}

/** Beside the request: what ends it early, and where the body of a success goes. */
export interface ExchangeOptions {
  readonly signal?: AbortSignal | undefined;
  readonly sink?: BodySink | undefined;
}

/** What came of one exchange. `sent` is false only when no byte of the request can have left this process. */
export type Exchange =
  | {
      readonly kind: "Answer";
      readonly status: number;
      readonly headers: Readonly<Record<string, string | string[] | undefined>>;
      readonly body: string;
    }
  | { readonly kind: "Failure"; readonly sent: boolean; readonly detail: string };

/**
 * Sends one request and reads one answer; never throws, follows no redirect and repeats nothing.
 *
 * undici calls `onRequestStart` in the same turn as, and right before, its first write to the socket: before that call
 * nothing was sent, after it anything may have been. A request that was given up while it waited for a connection is
 * aborted in that call, so it can never be written later.
 */
export async function exchange(
  dispatch: Dispatch,
  request: OutgoingRequest,
  limits: ExchangeLimits,
  clock: Clock,
  { signal, sink }: ExchangeOptions = {},
): Promise<Exchange> {
  const { promise, resolve } = Promise.withResolvers<Exchange>();
  const settled = new AbortController();
  const chunks: Buffer[] = [];
  let size = 0;
  let isKept = true;
  let sent = false;
  let abort: ((reason: Error) => void) | undefined;
  let head: { status: number; headers: Record<string, string | string[] | undefined> } | undefined;

  const settle = (outcome: Exchange): void => {
    if (settled.signal.aborted) return;
    settled.abort();
    signal?.removeEventListener("abort", onAbort);
    resolve(outcome);
  };
  const giveUp = (detail: string): void => {
    if (settled.signal.aborted) return;
    settle({ kind: "Failure", sent, detail });
    abort?.(new Error(detail));
  };
  const onAbort = (): void => giveUp("aborted");
  const onDeadline = async (span: Millis, isOver: () => boolean, detail: string): Promise<void> => {
    await clock.sleep(span, settled.signal);
    if (isOver()) giveUp(detail);
  };

  if (signal?.aborted) return { kind: "Failure", sent: false, detail: "aborted" };
  signal?.addEventListener("abort", onAbort, { once: true });
  void onDeadline(limits.connect, () => !sent, `no connection within ${limits.connect} ms`);
  void onDeadline(limits.total, () => true, `no answer within ${limits.total} ms`);
  try {
    dispatch.dispatch(
      { ...request },
      {
        onRequestStart: (controller) => {
          abort = (reason) => controller.abort(reason);
          // A second start would be a silent repeat after a lost connection: a reboot must not be sent twice.
          if (sent) giveUp("connection lost");
          if (settled.signal.aborted) controller.abort(new Error("given up"));
          else sent = true;
        },
        onResponseStart: (_controller, status, headers) => {
          head = { status, headers };
          isKept = sink === undefined || !isSuccess(status);
          if (isKept && Number(headers["content-length"] ?? 0) > limits.maxBodyBytes)
            giveUp(tooLarge(limits));
        },
        onResponseData: (_controller, chunk) => {
          if (!isKept) {
            const fault = sink?.(chunk);
            if (fault !== undefined) giveUp(fault);
            return;
          }
          size += chunk.length;
          if (size > limits.maxBodyBytes) giveUp(tooLarge(limits));
          else chunks.push(chunk);
        },
        onResponseEnd: () => {
          if (head === undefined) giveUp("no answer");
          else settle({ kind: "Answer", ...head, body: Buffer.concat(chunks).toString("utf8") });
        },
        onResponseError: (_controller, error) => giveUp(errorCode(error)),
      },
    );
  } catch (error) {
    giveUp(errorCode(error));
  }
  return promise;
}

function tooLarge(limits: ExchangeLimits): string {
  return `answer larger than ${limits.maxBodyBytes} bytes`;
}

/** Only the code (ECONNREFUSED, UND_ERR_SOCKET ...): messages of a transport may quote what was sent. */
function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return "failed";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
