import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Socket } from "node:net";

/** How an API that is down looks from outside. */
export type OutageKind = "refuse" | "hang";

/** A server on 127.0.0.1 that can go away and come back on the same port. */
export interface LoopbackServer {
  readonly url: string;
  readonly port: number;
  /** Connections open now. */
  connections(): number;
  /** Connections accepted since the start. */
  accepted(): number;
  /** Resets every open connection. */
  resetConnections(): void;
  /** No new connection is accepted (ECONNREFUSED) and the open ones are reset, until it listens again. */
  refuse(): Promise<void>;
  /** Accepts again on the same port. */
  accept(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a server; port 0 takes a free one. With `tls` it speaks HTTPS. */
export async function listenOnLoopback(
  listener: RequestListener,
  { port, tls }: { port: number; tls?: { key: string; cert: string } | undefined },
): Promise<LoopbackServer> {
  const server = tls === undefined ? createHttpServer(listener) : createHttpsServer(tls, listener);
  const sockets = new Set<Socket>();
  let accepted = 0;
  // A simulated hang must be ended by the client's deadline, not by ours.
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  server.keepAliveTimeout = 60_000;
  server.on("connection", (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  });
  const listen = (wanted: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(wanted, "127.0.0.1", () => {
        server.off("error", reject);
        resolve();
      });
    });
  const resetConnections = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    resetConnections();
    await closed;
  };
  await listen(port);
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${bound}`,
    port: bound,
    connections: () => sockets.size,
    accepted: () => accepted,
    resetConnections,
    refuse: stop,
    accept: async () => {
      if (!server.listening) await listen(bound);
    },
    close: stop,
  };
}
