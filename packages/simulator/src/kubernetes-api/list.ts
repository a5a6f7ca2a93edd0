import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { isRecord, type KubeObject } from "./kube-object.ts";
import { apiVersionOf, type Target } from "./resource.ts";
import { selectorOf } from "./selectors.ts";
import { StatusError } from "./status-error.ts";

interface Snapshot {
  readonly version: number;
  readonly items: readonly KubeObject[];
  readonly expiresAt: Millis;
}

/** One page of a list. */
export interface Page {
  readonly items: readonly KubeObject[];
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
}

/** Lists with consistent pages: the pages of one list show one moment, until its token expires. */
export class Lister {
  readonly #clock: Clock;
  readonly #tokenLife: Millis;
  readonly #snapshots = new Map<number, Snapshot>();
  #ids = 0;

  constructor(clock: Clock, tokenLife: Millis) {
    this.#clock = clock;
    this.#tokenLife = tokenLife;
  }

  /** Makes every `continue` token given out so far too old. */
  expireTokens(): void {
    this.#snapshots.clear();
  }

  /** @throws {StatusError} BadRequest, Expired, Timeout (a version from the future) */
  list({ resource, namespace }: Target, query: URLSearchParams): Page {
    const limit = limitOf(query);
    const token = query.get("continue") ?? "";
    if (token !== "") return this.#nextPage(token, limit);
    const wanted = versionOf(query.get("resourceVersion"));
    const { store } = resource;
    if (wanted !== undefined && wanted > store.version) throw tooLarge(wanted, store.version);
    if (query.get("resourceVersionMatch") === "Exact" && wanted !== undefined && wanted !== store.version) {
      throw new StatusError("Expired", "The resourceVersion for the provided list is too old.");
    }
    const selected = selectorOf(query, resource, namespace);
    const toWire = resource.toWire ?? ((object: KubeObject) => object);
    const items = [...store.values()].filter((object) => selected(toWire(object))).toSorted(byName);
    // A list from the watch cache (version "0") is never cut into pages.
    return this.#page(items, 0, wanted === 0 ? 0 : limit, store.version);
  }

  #nextPage(token: string, limit: number): Page {
    const { id, offset } = readToken(token);
    const snapshot = this.#snapshots.get(id);
    if (snapshot === undefined || snapshot.expiresAt <= this.#clock.monotonic()) {
      throw new StatusError(
        "Expired",
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
      );
    }
    return this.#page(snapshot.items, offset, limit, snapshot.version, id);
  }

  #page(
    items: readonly KubeObject[],
    offset: number,
    limit: number,
    version: number,
    snapshot?: number,
  ): Page {
    const resourceVersion = String(version);
    if (limit === 0 || offset + limit >= items.length) {
      return { items: items.slice(offset), metadata: { resourceVersion } };
    }
    const id = snapshot ?? this.#keep(items, version);
    const next = { v: "meta.k8s.io/v1", rv: version, id, offset: offset + limit };
    return {
      items: items.slice(offset, offset + limit),
      metadata: {
        resourceVersion,
        continue: Buffer.from(JSON.stringify(next)).toString("base64url"),
        remainingItemCount: items.length - offset - limit,
      },
    };
  }

  #keep(items: readonly KubeObject[], version: number): number {
    const now = this.#clock.monotonic();
    for (const [id, { expiresAt }] of this.#snapshots) if (expiresAt <= now) this.#snapshots.delete(id);
    this.#ids += 1;
    this.#snapshots.set(this.#ids, { version, items, expiresAt: now + this.#tokenLife });
    return this.#ids;
  }
}

/** A list as JSON: items of a typed list carry neither kind nor apiVersion, as real ones. */
export function listBody(target: Target, page: Page): Record<string, unknown> {
  const { resource } = target;
  const toWire = resource.toWire ?? ((object: KubeObject) => object);
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: page.metadata,
    items: page.items.map((object) => {
      const { kind: _kind, apiVersion: _apiVersion, ...item } = toWire(object);
      return item;
    }),
  };
}

/** A resourceVersion of a query: undefined when left out. @throws {StatusError} BadRequest */
export function versionOf(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  if (!/^\d{1,15}$/.test(text)) {
    throw new StatusError("BadRequest", `Invalid value: "${text}": resourceVersion must be a number`);
  }
  return Number(text);
}

function limitOf(query: URLSearchParams): number {
  const text = query.get("limit") ?? "0";
  if (!/^\d{1,9}$/.test(text)) throw new StatusError("BadRequest", `invalid limit: "${text}"`);
  return Number(text);
}

function tooLarge(wanted: number, current: number): StatusError {
  return new StatusError("Timeout", `Too large resource version: ${wanted}, current: ${current}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}

function readToken(token: string): { id: number; offset: number } {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    if (isRecord(parsed) && typeof parsed["id"] === "number" && typeof parsed["offset"] === "number") {
      return { id: parsed["id"], offset: parsed["offset"] };
    }
  } catch {
    // Falls through: what is no token is a bad request.
  }
  throw new StatusError("BadRequest", "continue key is not valid");
}

function byName(one: KubeObject, other: KubeObject): number {
  const first = `${one.metadata.namespace ?? ""}/${one.metadata.name}`;
  const second = `${other.metadata.namespace ?? ""}/${other.metadata.name}`;
  return first < second ? -1 : 1;
}
