/**
 * The resync: a dead node sends no events, a flushed Redis knows nothing, a job can be deleted by hand. Every tick, one
 * watcher of the fleet compares what it sees with what is stored and repairs whatever differs:
 *
 *   seen, but not stored                         published
 *   stored with other content, older             published, unless the API server shows that it is our own view that is
 *                                                of a history that was lost (an etcd restored from a backup)
 *   stored under a version that the API server   published over it, with the same content too: it is of a lost history,
 *   has not reached                              and would keep out all that happens until the server gets there
 *   stored with other content, newer             read without a cache: that decides between a watcher that lags and a
 *                                                history that was lost and overtaken
 *   stored, but not seen                         read without a cache; forgotten only on a clear "does not exist"
 *   not Healthy, or else a matter of time        judged again, which also makes its pending reboot anew
 *   with a record that is not what the stored    judged again, too: a fresh read before a reboot may write a record that
 *   snapshot left when it was judged             the stored snapshot does not bear out, and a node that then falls back
 *                                                to that very snapshot looks unchanged
 *
 * It is right as far as its view is: that the view itself is right, the reflector sees to (`view-doubt.ts`). What stands
 * different in two looks, a delivery apart, is counted as drift.
 */
import {
  DriftTally,
  type Drift,
  type DriftCache,
  type DriftKind,
} from "@node-agent/shared/contract/drift.ts";
import type { ServerVersion } from "@node-agent/shared/ports/node-source.ts";
import type { Publication, StoredVersion } from "@node-agent/shared/ports/snapshot-store.ts";
import { findDifferences, standing, type Differences, type Pair } from "./differences.ts";
import { forgetIfGone, type WatcherDeps } from "./publisher.ts";

/** What a resync needs beyond the watcher's parts. */
export interface ResyncDeps extends WatcherDeps {
  /** Whether resource version a is newer than b (KEP-5504). */
  readonly isNewer: (a: string, b: string) => boolean;
  /** Hears of each node that could not be read or settled, at most `MAX_FAILED_READS` in one tick. */
  readonly onFailure?: (error: unknown) => void;
  /** Lets pass as long as a delivery takes; absent, a difference is not looked at twice. */
  readonly settle?: () => Promise<void>;
  readonly onDrift?: (cache: DriftCache, drift: Drift) => void;
}

/** What one resync found. */
export interface ResyncResult {
  readonly published: number;
  readonly doubted: number;
  readonly verified: number;
  /** Nodes whose check failed or was put off to the next tick. */
  readonly left: number;
}

/** Reads without a cache in one tick, at most: a wrong view must not become a storm of requests. */
const MAX_READS = 100;
/** Failed reads in one tick, at most: an API server that hangs must not hold up the next tick. */
const MAX_FAILED_READS = 10;

/** Runs one resync. Throws when Redis is away; failed reads of single nodes are left to the next tick. */
export async function resync(deps: ResyncDeps): Promise<ResyncResult> {
  const { store, queues, onDrift } = deps;
  const { found, stands } = await lookTwice(deps);
  const server = await askServer(found, deps);
  const drift: Record<"Snapshots" | "Records", DriftTally> = {
    Snapshots: new DriftTally(),
    Records: new DriftTally(),
  };
  const count = (cache: "Snapshots" | "Records", kind: DriftKind, name: string): void => {
    if (stands(name)) drift[cache].add(kind, name);
  };
  const { publications, doubts, held } = sortOut(found, server, deps, count);
  const { shards } = await store.publish(publications);
  // The sick first: the reads below may take their time while the API server is slow.
  const attention = await store.markAttention();
  await queues.wakeShards([...new Set([...shards, ...attention])]);
  const reads: Read[] = [
    ...doubts.map(({ node }): Read => ({ name: node.name, stored: "Doubted" })),
    ...found.unseen.map(({ name, stored }): Read => ({ name, stored: storedOf(stored) })),
  ];
  const settled = await readAndSettle(rotated(reads), deps, count);
  await queues.wakeShards(settled.shards);
  for (const cache of ["Snapshots", "Records"] as const) {
    const sum = drift[cache].found();
    if (sum !== undefined) onDrift?.(cache, sum);
  }
  return {
    published: publications.length,
    doubted: doubts.length,
    verified: settled.verified,
    left: reads.length - settled.verified + held,
  };
}

/** What differs now, and whether it did so a delivery ago, too. */
async function lookTwice(
  deps: ResyncDeps,
): Promise<{ readonly found: Differences; readonly stands: (name: string) => boolean }> {
  const first = await findDifferences(deps);
  const differs = first.unstored.length + first.older.length + first.doubts.length + first.unseen.length > 0;
  if (!differs || deps.settle === undefined) return { found: first, stands: standing([first]) };
  await deps.settle();
  const found = await findDifferences(deps);
  return { found, stands: standing([first, found]) };
}

/** The server's version, where anything depends on it; undefined: not needed, or not to be had. Read after the store. */
async function askServer(
  { older, doubts, ahead }: Differences,
  { source }: ResyncDeps,
): Promise<ServerVersion | undefined> {
  if (older.length + doubts.length + ahead.length === 0) return undefined;
  try {
    return await source.serverVersion();
  } catch {
    return undefined;
  }
}

/** What to publish, what to read first, and how many nodes wait for the next tick. */
function sortOut(
  { unstored, older, doubts, ahead }: Differences,
  server: ServerVersion | undefined,
  { fingerprint, isNewer }: ResyncDeps,
  count: (cache: "Snapshots", kind: DriftKind, name: string) => void,
): { readonly publications: Publication[]; readonly doubts: readonly Pair[]; readonly held: number } {
  const publications: Publication[] = [];
  const put = ({ node, stored }: Pair | { node: Pair["node"]; stored?: undefined }): void => {
    const over = stored === undefined ? {} : { over: stored };
    publications.push({ snapshot: node, fingerprint: fingerprint(node), ...over });
  };
  for (const node of unstored) {
    put({ node });
    count("Snapshots", "Missing", node.name);
  }
  // Our own view may be of a lost history: nothing that is stored is replaced by it, until the server says otherwise.
  if (server === undefined) return { publications, doubts, held: older.length };
  if (server.viewIsAhead) return { publications, doubts: [], held: older.length + doubts.length };
  for (const { node } of older) {
    put({ node });
    count("Snapshots", "Stale", node.name);
  }
  // The store was read before the server was asked: what it holds beyond the server's version never was, or is no more.
  const isLost = ({ stored }: Pair): boolean => isNewer(stored.resourceVersion, server.version);
  for (const pair of [...doubts, ...ahead].filter(isLost)) put(pair);
  for (const { node } of doubts.filter(isLost)) count("Snapshots", "Stale", node.name);
  return { publications, doubts: doubts.filter((pair) => !isLost(pair)), held: 0 };
}

/** The same from another place on, so that those whose reads fail do not always stand before the others. */
function rotated<T>(items: readonly T[]): T[] {
  const start = Math.floor(Math.random() * items.length);
  return [...items.slice(start), ...items.slice(0, start)];
}

interface Read {
  readonly name: string;
  /** `Gone`: on its way out already. `Record`: nothing but a record is left of it. */
  readonly stored: "Doubted" | "Snapshot" | "Gone" | "Record";
}

function storedOf({ gone, raw }: StoredVersion): Read["stored"] {
  if (gone) return "Gone";
  return raw === "" ? "Record" : "Snapshot";
}

async function readAndSettle(
  reads: readonly Read[],
  deps: ResyncDeps,
  count: (cache: "Snapshots" | "Records", kind: DriftKind, name: string) => void,
): Promise<{ shards: number[]; verified: number }> {
  const shards = new Set<number>();
  let verified = 0;
  let failed = 0;
  for (const { name, stored } of reads.slice(0, MAX_READS)) {
    if (failed === MAX_FAILED_READS) break;
    try {
      const result = stored === "Doubted" ? await settleDoubt(name, deps) : await forgetIfGone(name, deps);
      for (const shard of result.shards) shards.add(shard);
      if (stored === "Doubted" && result.shards.length > 0) count("Snapshots", "Stale", name);
      if (stored === "Snapshot" && result.forgotten) count("Snapshots", "Extra", name);
      if (stored === "Record" && result.forgotten) count("Records", "Extra", name);
      verified += 1;
    } catch (error) {
      // Counted as left: an unreadable node keeps what is stored of it until a read succeeds.
      deps.onFailure?.(error);
      failed += 1;
    }
  }
  return { shards: [...shards], verified };
}

/** The stored version claims to be newer than what we see. The API server itself decides, also against the store. */
async function settleDoubt(
  name: string,
  { store, reader, selects, fingerprint, isNewer }: ResyncDeps,
): Promise<{ readonly shards: number[]; readonly forgotten: boolean }> {
  const stored = await store.version(name);
  const read = await reader.read(name);
  if (!read.found || !selects(read.node))
    return { shards: await store.forget(name, stored), forgotten: true };
  const backInTime = stored !== undefined && isNewer(stored.resourceVersion, read.node.resourceVersion);
  const publication = { snapshot: read.node, fingerprint: fingerprint(read.node) };
  const { shards } = await store.publish([backInTime ? { ...publication, over: stored } : publication]);
  return { shards, forgotten: false };
}
