import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";

/** One request as the server saw it. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type Script = (
  request: RecordedRequest,
  response: ServerResponse,
  socket: Socket,
) => void | Promise<void>;

/** A loopback HTTP server whose every answer is written by the test: for faults that no honest server makes. */
export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: RecordedRequest[];
  /** TCP connections accepted since the start. */
  readonly connectionsAccepted: () => number;
  readonly openConnections: () => number;
  answer(script: Script): void;
  /** Resets every connection. */
  dropConnections(): void;
  /** Another certificate for the connections to come; only for a server that was started with one. */
  presentCertificate(tls: ServerTls): void;
}

/** PEM of a server that speaks TLS. */
export interface ServerTls {
  readonly key: string;
  readonly cert: string;
  /** Clients are asked for a certificate; it is for the script to look at (`getPeerCertificate`). */
  readonly asksForCertificate?: boolean;
}

function tlsOptions({ key, cert, asksForCertificate = false }: ServerTls) {
  return { key, cert, requestCert: asksForCertificate, rejectUnauthorized: false };
}

/** Starts a scripted server on a free port of 127.0.0.1, over TLS when it is given a certificate. */
export async function startScriptedServer(
  first: Script,
  { tls }: { readonly tls?: ServerTls } = {},
): Promise<ScriptedServer> {
  let script = first;
  let accepted = 0;
  const sockets = new Set<Socket>();
  const requests: RecordedRequest[] = [];
  const listener: RequestListener = (incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const url = new URL(incoming.url ?? "/", "http://127.0.0.1");
      const request: RecordedRequest = {
        method: incoming.method ?? "",
        path: url.pathname,
        query: url.searchParams,
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString("utf8"),
      };
      requests.push(request);
      void (async () => script(request, response, incoming.socket))();
    });
  };
  const secure = tls === undefined ? undefined : createTlsServer(tlsOptions(tls), listener);
  const server = secure ?? createServer(listener);
  server.on("connection", (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${secure === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    requests,
    connectionsAccepted: () => accepted,
    openConnections: () => sockets.size,
    answer: (next) => {
      script = next;
    },
    dropConnections: () => {
      for (const socket of sockets) socket.destroy();
    },
    presentCertificate: (next) => secure?.setSecureContext(tlsOptions(next)),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
