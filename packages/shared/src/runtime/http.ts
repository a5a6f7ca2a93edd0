import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { SECOND } from "../core/time.ts";
import type { Logger } from "./logger.ts";

/** One line of `/readyz?verbose`. */
export interface CheckOutcome {
  readonly ok: boolean;
  /** Words for a person; no secrets. */
  readonly detail: string;
}

/** Something that must stand before this process is of use. */
export interface ReadinessCheck {
  readonly name: string;
  readonly check: () => CheckOutcome;
}

/** What the server shows. */
export interface MonitorOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly checks: readonly ReadinessCheck[];
  readonly metrics: { readonly contentType: string; scrape(): Promise<string> };
  readonly logger: Logger;
}

/** The running server of `/metrics`, `/livez` and `/readyz`. */
export interface MonitorServer {
  /** The port it really listens on. */
  readonly port: number;
  /** From now on `/readyz` says 503, so that nobody counts on a process that is about to go. */
  startDraining(): void;
  stop(): Promise<void>;
}

/** Why the server cannot listen; the message names the address and the variable. */
export class MonitorListenError extends Error {
  readonly code: "AddressInUse" | "AddressRefused";

  constructor(code: MonitorListenError["code"], message: string, options: ErrorOptions) {
    super(message, options);
    this.name = "MonitorListenError";
    this.code = code;
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
}

const PLAIN = "text/plain; charset=utf-8";
const ANSWER_DEADLINE = 30 * SECOND;
const HEADERS_DEADLINE = 10 * SECOND;
const ROUTES = ["/metrics", "/livez", "/readyz", "/healthz"];

function outcomeOf(readinessCheck: ReadinessCheck): CheckOutcome & { readonly name: string } {
  const { name } = readinessCheck;
  try {
    return { name, ...readinessCheck.check() };
  } catch {
    // A check that breaks is a check that fails; the endpoint itself must answer.
    return { name, ok: false, detail: "the check itself failed" };
  }
}

function readiness(checks: readonly ReadinessCheck[], verbose: boolean): Answer {
  const outcomes = checks.map(outcomeOf);
  const ready = outcomes.every(({ ok }) => ok);
  const lines = outcomes.map(({ name, ok, detail }) => `[${ok ? "+" : "-"}]${name} ${detail}`);
  const verdict = ready ? "ok" : "not ready";
  // A failing probe ends in an event of the pod: it names the failing checks unasked.
  const shown = verbose ? lines : lines.filter((line) => line.startsWith("[-]"));
  return { status: ready ? 200 : 503, body: [...shown, verdict, ""].join("\n") };
}

/** The path and query of a request target of any shape; undefined for what is none. */
function targetOf(request: IncomingMessage): URL | undefined {
  return URL.parse(request.url ?? "", "http://localhost") ?? undefined;
}

/**
 * Serves `/metrics`, `/livez`, `/readyz` (with `?verbose`) and `/healthz`, an alias of `/livez`. Liveness is the event
 * loop alone: it never asks Redis or an API server, or their outage would restart the whole fleet of agents.
 * Throws `MonitorListenError` when the address is taken.
 */
export async function startMonitorServer(options: MonitorOptions): Promise<MonitorServer> {
  const { host, port, checks, metrics, logger } = options;
  let draining = false;

  async function answer(request: IncomingMessage): Promise<Answer> {
    const target = targetOf(request);
    if (target === undefined || !ROUTES.includes(target.pathname))
      return { status: 404, body: `not found; there are ${ROUTES.join(", ")}\n` };
    if (request.method !== "GET" && request.method !== "HEAD")
      return { status: 405, body: "only GET and HEAD\n" };
    switch (target.pathname) {
      case "/metrics":
        return { status: 200, body: await metrics.scrape(), contentType: metrics.contentType };
      case "/readyz":
        return readiness(
          draining
            ? [{ name: "shutdown", check: () => ({ ok: false, detail: "in progress" }) }, ...checks]
            : checks,
          target.searchParams.has("verbose"),
        );
      default:
        return { status: 200, body: "ok\n" };
    }
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let given: Answer;
    try {
      given = await answer(request);
    } catch (error) {
      logger.error({ err: error }, "a request to the monitoring server failed");
      given = { status: 500, body: "internal error\n" };
    }
    if (response.destroyed) return;
    response.writeHead(given.status, {
      "content-type": given.contentType ?? PLAIN,
      "content-length": Buffer.byteLength(given.body),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...(given.status === 405 && { allow: "GET, HEAD" }),
    });
    response.end(request.method === "HEAD" ? undefined : given.body);
  }

  const server = createServer(
    { requestTimeout: ANSWER_DEADLINE, headersTimeout: HEADERS_DEADLINE, maxHeaderSize: 16 * 1024 },
    (request, response) => {
      // No endpoint reads a body; what comes is thrown away.
      request.resume();
      void respond(request, response);
    },
  );
  server.on("clientError", (_error, socket) => {
    if (socket.writable)
      socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    else socket.destroy();
  });
  const listening = await listen(server, host, port);
  server.on("error", (error) => logger.error({ err: error }, "the monitoring server failed"));
  return {
    port: listening,
    startDraining: () => {
      draining = true;
    },
    stop: () => stop(server),
  };
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(listenError(error, host, port)));
    server.listen(port, host, () => {
      server.removeAllListeners("error");
      resolve();
    });
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}

function listenError(error: Error, host: string, port: number): MonitorListenError {
  const code = "code" in error && typeof error.code === "string" ? error.code : "unknown";
  const setting = "CIVO_NODE_AGENT_METRICS_PORT (key metricsPort)";
  if (code === "EADDRINUSE")
    return new MonitorListenError(
      "AddressInUse",
      `port ${port} on ${host} is taken by another process; set ${setting} to a free one`,
      { cause: error },
    );
  return new MonitorListenError(
    "AddressRefused",
    `cannot listen on ${host}:${port} (${code}); check ${setting} and CIVO_NODE_AGENT_METRICS_HOST (key metricsHost)`,
    { cause: error },
  );
}

async function stop(server: Server): Promise<void> {
  if (!server.listening) return;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    // Idle connections are closed with the server; a scrape under way may end, but not hold us for ever.
    setTimeout(() => server.closeAllConnections(), SECOND).unref();
  });
}
