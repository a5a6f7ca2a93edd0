import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
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
}

/** Starts a scripted server on a free port of 127.0.0.1. */
export async function startScriptedServer(first: Script): Promise<ScriptedServer> {
  let script = first;
  let accepted = 0;
  const sockets = new Set<Socket>();
  const requests: RecordedRequest[] = [];
  const server = createServer((incoming, response) => {
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
  });
  server.on("connection", (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    connectionsAccepted: () => accepted,
    openConnections: () => sockets.size,
    answer: (next) => {
      script = next;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
