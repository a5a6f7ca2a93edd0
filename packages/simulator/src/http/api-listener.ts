import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { Api, CannedAnswer, StandingFault } from "../faults/fault.ts";
import type { FaultBook } from "../faults/fault-book.ts";
import {
  isWatch,
  readBody,
  sendAnswer,
  sendHalf,
  type Answer,
  type ApiRequest,
  type Reply,
} from "./exchange.ts";
import type { LoggedRequest, RequestLog } from "./request-log.ts";

/** What one API brings to the listener that both share. */
export interface ApiListenerDeps {
  readonly api: Api;
  readonly clock: Clock;
  readonly faults: FaultBook;
  readonly log: RequestLog;
  /** Executes a request. `receivedAt` is when it arrived, before any fault delayed it. */
  readonly handle: (request: ApiRequest, receivedAt: number) => Reply;
  /** What this API's server says with a status when the fault brings no body. */
  readonly errorBody: (status: number) => Pick<Answer, "body" | "headers">;
  /** True during an outage in which connections are accepted and nothing is answered. */
  readonly isSilent: () => boolean;
}

const MUTATING: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH", "DELETE"]);
const LOGGED_BODY = 4096;

/** Reads, logs, lets a fault take the request or hands it to the API, and answers. */
export function apiListener(deps: ApiListenerDeps): RequestListener {
  return (incoming, response) => {
    response.on("error", () => response.destroy());
    void serve(deps, incoming, response);
  };
}

async function serve(
  deps: ApiListenerDeps,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const receivedAt = deps.clock.now();
  const body = await readBody(incoming);
  if (body === undefined) {
    sendAnswer(response, { status: 413, ...deps.errorBody(413) });
    return;
  }
  const url = URL.parse(incoming.url ?? "/", "http://127.0.0.1");
  const request: ApiRequest = {
    method: incoming.method ?? "GET",
    path: url?.pathname ?? "/",
    query: url?.searchParams ?? new URLSearchParams(),
    headers: incoming.headers,
    body,
  };
  const logged = deps.log.open(logEntry(deps.api, receivedAt, request));
  response.on("finish", () => {
    logged.status ??= response.statusCode;
  });
  if (deps.isSilent()) return;
  const fault = deps.faults.take(deps.api, {
    method: request.method,
    path: request.path,
    watch: isWatch(request.query),
  });
  if (fault !== undefined) logged.faultId = fault.id;
  await answer({ deps, request, receivedAt, response, logged }, fault);
}

interface Call {
  readonly deps: ApiListenerDeps;
  readonly request: ApiRequest;
  readonly receivedAt: number;
  readonly response: ServerResponse;
  readonly logged: LoggedRequest;
}

async function answer(call: Call, fault: StandingFault | undefined): Promise<void> {
  const { deps, response } = call;
  if (fault === undefined) {
    reply(call, execute(call));
    return;
  }
  const effect = fault.request;
  switch (effect.effect) {
    case "hang":
      return;
    case "reset":
      reset(response);
      return;
    case "status":
      sendAnswer(response, canned(deps, effect));
      return;
    case "delay":
      await deps.clock.sleep(effect.by);
      reply(call, execute(call));
      return;
    case "execute-then-reset":
      execute(call);
      reset(response);
      return;
    case "execute-then-hang":
      execute(call);
      return;
    case "execute-then-status":
      execute(call);
      sendAnswer(response, canned(deps, effect));
      return;
    case "truncate":
    case "hang-mid-stream":
    case "end":
    case "drop-events":
    case "error-event":
      disturb(call, execute(call), effect);
      return;
  }
}

/** A fault of the simulator itself is answered as the API server answers a panic, and told on stderr. */
function execute({ deps, request, receivedAt }: Call): Reply {
  try {
    return deps.handle(request, receivedAt);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error), "SimulatorFault");
    return { status: 500, ...deps.errorBody(500) };
  }
}

function reply({ deps, response, logged }: Call, result: Reply): void {
  // Clients take the server's time from here: it is that of the world, which a test may hold still.
  if (!response.headersSent) response.setHeader("date", new Date(deps.clock.now()).toUTCString());
  if ("stream" in result) {
    logged.status = 200;
    result.stream(response, undefined);
  } else {
    sendAnswer(response, result);
  }
}

/** Faults of the way back: a stream applies them itself, a plain answer is cut or left half sent. */
function disturb({ response, logged }: Call, result: Reply, effect: StandingFault["request"]): void {
  if ("stream" in result) {
    logged.status = 200;
    result.stream(response, effect);
    return;
  }
  if (effect.effect !== "truncate" && effect.effect !== "hang-mid-stream") {
    sendAnswer(response, result);
    return;
  }
  sendHalf(response, result);
  if (effect.effect === "truncate") setImmediate(() => response.destroy());
}

function canned(deps: ApiListenerDeps, wanted: CannedAnswer): Answer {
  const usual = deps.errorBody(wanted.status);
  const headers = {
    ...(wanted.body === undefined ? usual.headers : {}),
    ...(wanted.retryAfter === undefined ? {} : { "retry-after": String(wanted.retryAfter) }),
    ...(wanted.contentType === undefined ? {} : { "content-type": wanted.contentType }),
  };
  return { status: wanted.status, headers, body: wanted.body ?? usual.body };
}

function reset(response: ServerResponse): void {
  const { socket } = response;
  if (socket === null) return;
  // On TLS the wrapped socket has no RST of its own: destroying it drops the connection without close_notify.
  if ("encrypted" in socket) socket.destroy();
  else socket.resetAndDestroy();
}

function logEntry(api: Api, at: number, request: ApiRequest): LoggedRequest {
  return {
    at,
    api,
    method: request.method,
    path: request.path,
    query: request.query.toString(),
    userAgent: request.headers["user-agent"] ?? "",
    body: MUTATING.has(request.method) ? request.body.slice(0, LOGGED_BODY) : "",
  };
}
