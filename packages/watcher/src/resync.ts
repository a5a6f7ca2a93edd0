/**
 * The resync: a dead node sends no events, a flushed Redis knows nothing, a job can be deleted by hand. Every tick, one
 * watcher of the fleet compares what it sees with what is stored and makes good whatever is missing:
 *
 *   seen, but not stored or stored differently   published; when the stored one claims to be newer, a read without a
 *                                                cache decides, so that neither a lagging watcher nor an etcd that was
 *                                                restored to the past can win by accident
 *   stored, but not seen                         read without a cache; forgotten only on a clear "does not exist"
 *   not Healthy                                  judged again, which also makes its pending reboot anew
 *   any node of one shard, chosen by chance      judged again, too: a fresh read before a reboot may write a record that
 *                                                the stored snapshot does not bear out, and a node that then falls back
 *                                                to that very snapshot looks unchanged
 */
import { SHARDS, shardOf } from "@node-agent/shared/contract/keys.ts";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { Publication, StoredVersion } from "@node-agent/shared/ports/snapshot-store.ts";
import { forgetIfGone, type WatcherDeps } from "./publisher.ts";

/** What a resync needs beyond the watcher's parts. */
export interface ResyncDeps extends WatcherDeps {
  /** Digest of a fingerprint as the store keeps it. */
  readonly digest: (fingerprint: string) => string;
  /** Whether resource version a is newer than b (KEP-5504). */
  readonly isNewer: (a: string, b: string) => boolean;
  /** The shard whose nodes this tick judges again, all of them: `chanceShard`. Absent, none is. */
  readonly auditedShard?: () => number;
  /** Hears of each node that could not be read or settled, at most `MAX_FAILED_READS` in one tick. */
  readonly onFailure?: (error: unknown) => void;
}

/** Any shard, as chance has it: with a tick every 30 s a node is audited every 8 minutes, on average. */
export function chanceShard(): number {
  return Math.floor(Math.random() * SHARDS);
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
  const { source, store, queues } = deps;
  const seen = Map.groupBy(source.nodes().values(), (node) => shardOf(node.name));
  const publications: Publication[] = [];
  const doubts: string[] = [];
  const missing: string[] = [];
  for (let shard = 0; shard < SHARDS; shard += 1) {
    const stored = await store.versions(shard);
    const cached = new Map((seen.get(shard) ?? []).map((node) => [node.name, node]));
    for (const node of cached.values()) {
      const verdict = compare(node, stored.get(node.name), deps);
      if (verdict === "publish") publications.push({ snapshot: node, fingerprint: deps.fingerprint(node) });
      if (verdict === "doubt") doubts.push(node.name);
    }
    for (const name of stored.keys()) if (!cached.has(name)) missing.push(name);
  }
  const { shards } = await store.publish(publications);
  // The sick first: the reads below may take their time while the API server is slow.
  const attention = await store.markAttention(deps.auditedShard?.());
  await queues.wakeShards([...new Set([...shards, ...attention])]);
  const settled = await readAndSettle(rotated([...doubts, ...missing]), new Set(doubts), deps);
  await queues.wakeShards(settled.shards);
  return {
    published: publications.length,
    doubted: doubts.length,
    verified: settled.verified,
    left: doubts.length + missing.length - settled.verified,
  };
}

function compare(
  node: NodeSnapshot,
  stored: StoredVersion | undefined,
  { digest, fingerprint, isNewer }: ResyncDeps,
): "same" | "publish" | "doubt" {
  if (stored === undefined || stored.gone || stored.raw === "") return "publish";
  if (stored.uid === node.uid && stored.fingerprint === digest(fingerprint(node))) return "same";
  return isNewer(node.resourceVersion, stored.resourceVersion) ? "publish" : "doubt";
}

/** The same names from another place on, so that those whose reads fail do not always stand before the others. */
function rotated(names: readonly string[]): string[] {
  const start = Math.floor(Math.random() * names.length);
  return [...names.slice(start), ...names.slice(0, start)];
}

async function readAndSettle(
  names: readonly string[],
  doubted: ReadonlySet<string>,
  deps: ResyncDeps,
): Promise<{ shards: number[]; verified: number }> {
  const shards = new Set<number>();
  let verified = 0;
  let failed = 0;
  for (const name of names.slice(0, MAX_READS)) {
    if (failed === MAX_FAILED_READS) break;
    try {
      const dirty = doubted.has(name) ? await settleDoubt(name, deps) : await forgetIfGone(name, deps);
      for (const shard of dirty) shards.add(shard);
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
async function settleDoubt(name: string, deps: ResyncDeps): Promise<number[]> {
  const { store, reader, selects, fingerprint, isNewer } = deps;
  const stored = await store.version(name);
  const read = await reader.read(name);
  if (!read.found || !selects(read.node)) return store.forget(name, stored);
  const backInTime = stored !== undefined && isNewer(stored.resourceVersion, read.node.resourceVersion);
  const publication = { snapshot: read.node, fingerprint: fingerprint(read.node) };
  return (await store.publish([publication], { force: backInTime })).shards;
}
