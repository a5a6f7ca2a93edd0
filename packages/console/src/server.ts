import { fastify, type FastifyInstance, type FastifyRequest } from "fastify";
import type { Queue } from "bullmq";
import type { RedisClient } from "@node-agent/shared/redis/script.ts";
import { BOARD_PATH, createBoard, type BoardOptions } from "./board.ts";
import { SECURITY_HEADERS, withoutForeign } from "./content-policy.ts";
import { isAllowedHost, type HostRules } from "./host-check.ts";

/** What the console serves. */
export interface ConsoleOptions extends BoardOptions, HostRules {
  readonly queues: readonly Queue[];
  /** For what the queues do not tell by themselves. */
  readonly connection: RedisClient;
}

/**
 * The console's HTTP server, not yet listening. It has no authentication of its own: it belongs on loopback or behind a
 * proxy that has. Requests under foreign names and from other sites are refused, so that a page in the operator's browser
 * cannot use it.
 */
export function createConsole(options: ConsoleOptions): FastifyInstance {
  const { queues, connection, host, allowedHosts, ...board } = options;
  const server = fastify({ logger: false, bodyLimit: 64 * 1024, forceCloseConnections: true });
  server.addHook("onRequest", async (request, reply) => {
    const { headers, socket } = request;
    if (!isAllowedHost(headers.host, socket.localAddress, { host, allowedHosts })) {
      return reply.code(421).send({
        error:
          "Refused: the Host header names another host. Ask by localhost, or add the name to console.allowedHosts",
      });
    }
    if (isCrossSite(request)) return reply.code(403).send({ error: "Requests from other sites are refused" });
    // The board refuses, too, what changes a queue that is read-only; here it does not hang on each of its routes.
    if (board.readOnly && !isRead(request)) {
      return reply.code(405).send({ error: "The dashboard is read-only; see console.readOnly" });
    }
  });
  server.addHook("onSend", async (request, reply, payload) => {
    reply.headers(SECURITY_HEADERS);
    // Pages and answers name the nodes of a cluster; what the page is made of does not.
    if (!request.url.startsWith(`${BOARD_PATH}/static/`)) reply.header("cache-control", "no-store");
    const isPage = String(reply.getHeader("content-type")).startsWith("text/html");
    if (!isPage || typeof payload !== "string") return payload;
    const page = withoutForeign(payload);
    reply.header("content-length", Buffer.byteLength(page));
    return page;
  });
  server.get("/", async (_request, reply) => reply.redirect(`${BOARD_PATH}/`));
  server.get("/livez", async () => "ok\n");
  server.register(createBoard(queues, connection, board), { prefix: BOARD_PATH });
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
