import { fastify, type FastifyInstance, type FastifyRequest } from "fastify";
import type { Queue } from "bullmq";
import { BOARD_PATH, createBoard, type BoardOptions } from "./board.ts";

/** What the console serves. */
export interface ConsoleOptions extends BoardOptions {
  readonly queues: readonly Queue[];
  /** The address it listens on; on loopback only requests for loopback names are answered. */
  readonly host: string;
}

const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/u;

/**
 * The console's HTTP server, not yet listening. It has no authentication of its own: it belongs on loopback or behind a
 * proxy that has. Requests from other sites are refused, so that a page in the operator's browser cannot use it.
 */
export function createConsole({ queues, host, ...board }: ConsoleOptions): FastifyInstance {
  const server = fastify({ logger: false, bodyLimit: 64 * 1024, forceCloseConnections: true });
  const loopbackOnly = LOOPBACK.test(host) || host === "::1";
  server.addHook("onRequest", async (request, reply) => {
    // DNS rebinding: a foreign name that resolves to this machine is not a name of this machine.
    if (loopbackOnly && !LOOPBACK.test(request.headers.host ?? "")) {
      return reply.code(421).send({ error: "Expected a request for localhost or 127.0.0.1" });
    }
    if (isCrossSite(request)) return reply.code(403).send({ error: "Requests from other sites are refused" });
    // The board refuses, too, what changes a queue that is read-only; here it does not hang on each of its routes.
    if (board.readOnly && !isRead(request)) {
      return reply.code(405).send({ error: "The dashboard is read-only; see console.readOnly" });
    }
  });
  server.addHook("onSend", async (_request, reply) => {
    reply.headers({
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "content-security-policy": "frame-ancestors 'none'; object-src 'none'; base-uri 'self'",
    });
  });
  server.get("/", async (_request, reply) => reply.redirect(`${BOARD_PATH}/`));
  server.get("/livez", async () => "ok\n");
  server.register(createBoard(queues, board), { prefix: BOARD_PATH });
  return server;
}

function isRead({ method }: FastifyRequest): boolean {
  return method === "GET" || method === "HEAD";
}

function isCrossSite(request: FastifyRequest): boolean {
  if (isRead(request)) return false;
  const { headers } = request;
  const site = headers["sec-fetch-site"];
  if (typeof site === "string") return site !== "same-origin" && site !== "none";
  const { origin, host } = headers;
  return typeof origin === "string" && !(URL.canParse(origin) && new URL(origin).host === host);
}
