import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { FaultEffect } from "../faults/fault.ts";

/** A request with its body read. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A complete answer; a body that is no text is sent as JSON. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** An answer that goes on: the handler owns the response, and applies the fault of this stream itself. */
interface Stream {
  readonly stream: (response: ServerResponse, fault: FaultEffect | undefined) => void;
}

/** What a handler makes of a request. */
export type Reply = Answer | Stream;

/** The request asks for a watch. */
export function isWatch(query: URLSearchParams): boolean {
  const watch = query.get("watch");
  return watch === "true" || watch === "1";
}

/** Bodies larger than this are refused, as the API server does. */
const BODY_LIMIT = 3 * 1024 * 1024;

/** Reads the body; undefined when it is too large or the client went away. */
export async function readBody(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of incoming) {
      const buffer: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
      size += buffer.length;
      if (size > BODY_LIMIT) return undefined;
      chunks.push(buffer);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Writes a complete answer. */
export function sendAnswer(response: ServerResponse, answer: Answer): void {
  if (response.destroyed || response.headersSent) return;
  const { text, headers } = render(answer);
  response.writeHead(answer.status, headers);
  response.end(text);
}

/** Writes the headers and the first half of an answer. */
export function sendHalf(response: ServerResponse, answer: Answer): void {
  if (response.destroyed || response.headersSent) return;
  const { text, headers } = render(answer);
  response.writeHead(answer.status, headers);
  response.write(text.subarray(0, Math.floor(text.length / 2)));
}

function render({ body, headers = {} }: Answer): { text: Buffer; headers: Record<string, string | number> } {
  const isText = typeof body === "string";
  const text = Buffer.from(isText ? body : JSON.stringify(body));
  const type = isText ? "text/plain; charset=utf-8" : "application/json";
  return { text, headers: { "content-type": type, ...headers, "content-length": text.length } };
}
