import type { Millis } from "@node-agent/shared/core/time.ts";
import type { KubernetesConnection } from "../connection/connection.ts";
import { KubernetesApiError } from "../errors.ts";
import { list, property, text } from "../raw-object.ts";

/** Objects per page: keeps the time that JSON.parse blocks the process short, and its memory small. */
const PAGE_LIMIT = 500;

/** One page of a list. */
export interface ListPage {
  readonly items: readonly unknown[];
  /** Of the list, the same on every page; the watch goes on from it. */
  readonly resourceVersion: string;
}

/** How to list. */
export interface ListOptions {
  readonly connection: KubernetesConnection;
  readonly path: string;
  /** Not older than this; empty asks for the state of now, by a quorum read. */
  readonly notOlderThan: string;
  readonly pageDeadline: Millis;
  readonly signal: AbortSignal;
  readonly limit?: number | undefined;
  readonly fieldSelector?: string;
}

/**
 * Reads a collection page by page. Fails as the connection does; a 410 in the middle (`Gone`: the continue token is
 * too old) leaves the caller with half a list, which it has to start again.
 */
export async function* listPages(options: ListOptions): AsyncGenerator<ListPage, void> {
  const { connection, path, notOlderThan, pageDeadline: deadline, signal } = options;
  const limit = String(options.limit ?? PAGE_LIMIT);
  const selector = options.fieldSelector === undefined ? {} : { fieldSelector: options.fieldSelector };
  // With a limit a bare resourceVersion means "exactly this one", which may be compacted: the match must be spelt out.
  let query: Record<string, string> =
    notOlderThan === ""
      ? { limit, ...selector }
      : { limit, ...selector, resourceVersion: notOlderThan, resourceVersionMatch: "NotOlderThan" };
  let first: string | undefined;
  for (;;) {
    const { body } = await connection.request(path, { query, deadline, signal });
    const metadata = property(body, "metadata");
    first ??= text(metadata, "resourceVersion");
    if (first === undefined) {
      throw new KubernetesApiError("MalformedAnswer", `GET ${path}: a list without a resourceVersion`);
    }
    const token = text(metadata, "continue");
    yield { items: list(body, "items"), resourceVersion: first };
    if (token === undefined) return;
    if (token === query["continue"]) {
      throw new KubernetesApiError("MalformedAnswer", `GET ${path}: the same continue token twice`);
    }
    query = { limit, ...selector, continue: token };
  }
}
