import { KubernetesApiError } from "../errors.ts";
import type { Delivery } from "./delivery.ts";
import type { DriftCount } from "./drift.ts";
import { listPages, type ListOptions } from "./list-pages.ts";
import { nameOf, versionOf, type CacheOutcome, type NodeCache } from "./node-cache.ts";
import { compareResourceVersions } from "./resource-version.ts";
import type { SourceEvent } from "./source-event.ts";

/**
 * Whether a list is of an earlier version than the one that was seen. Unless that is proved already, the server is asked
 * once more: of two answers that contradict each other one is wrong, and the list is not taken. Rejects then.
 */
export async function isBehind(
  version: string,
  seen: string,
  ask: (() => Promise<string>) | undefined,
): Promise<boolean> {
  if (compareResourceVersions(version, seen) !== -1) return false;
  if (ask === undefined || compareResourceVersions(await ask(), seen) === -1) return true;
  throw new KubernetesApiError(
    "Contradiction",
    "a list is older than what was seen before, and the next answer is not: one API server is behind",
  );
}

/** Tells the handlers, through their delivery, what an object did to the cache. */
export function createTeller(
  delivery: Delivery,
  report: (event: SourceEvent) => void,
): (outcome: CacheOutcome) => void {
  return (outcome) => {
    if (outcome.kind === "Malformed") report({ type: "MalformedObject" });
    if (outcome.kind === "Gone") delivery.disappeared(outcome.name);
    if (outcome.kind !== "Changed") return;
    // Another uid under the same name: the one machine is gone, another is there (I-11).
    if (outcome.replaced) delivery.disappeared(outcome.snapshot.name);
    delivery.changed(outcome.snapshot);
  };
}

/** What a list is taken into. */
export interface TakeListDeps {
  readonly options: ListOptions;
  readonly cache: NodeCache;
  /** Absent at the first list, which finds nothing to differ from. */
  readonly drift: DriftCount | undefined;
  readonly tell: (outcome: CacheOutcome) => void;
  /** Called before anything of the first page is taken; may reject. */
  readonly onFirst: (version: string) => Promise<void>;
  readonly onPage: () => void;
  /** Resolves when the handlers have been given what was told so far. */
  readonly settled: () => Promise<void>;
}

/** The result of a whole list. */
export interface TakenList {
  readonly version: string;
  readonly pages: number;
  /** Nodes of the view that it does not have, or that are not ours any more. */
  readonly missing: readonly string[];
}

/** Takes a list into the cache, page by page; undefined when the signal fired in between. Rejects as the connection does. */
export async function takeList(deps: TakeListDeps): Promise<TakenList | undefined> {
  const { options, cache, drift, tell, onFirst, onPage, settled } = deps;
  const listed = new Set<string>();
  let version = "";
  let pages = 0;
  for await (const page of listPages(options)) {
    version = page.resourceVersion;
    if (pages === 0) await onFirst(version);
    onPage();
    pages += 1;
    for (const item of page.items) {
      const name = nameOf(item) ?? "";
      const wasKnown = cache.snapshots.has(name);
      const outcome = cache.listed(item);
      // A node that cannot be read is there all the same; one that is not ours any more is as good as missing.
      if (outcome.kind !== "NotSelected") listed.add(name);
      drift?.listed(outcome, name, versionOf(item) ?? "", wasKnown);
      tell(outcome);
    }
    // Page by page: a fleet that is new must not stand in memory twice.
    await settled();
    if (options.signal.aborted) return undefined;
  }
  return { version, pages, missing: [...cache.snapshots.keys()].filter((name) => !listed.has(name)) };
}

/** Whatever a list failed by, with a code. */
export function listFault(fault: unknown): KubernetesApiError {
  return fault instanceof KubernetesApiError
    ? fault
    : new KubernetesApiError("MalformedAnswer", "the list cannot be read", { cause: fault });
}
