import { SHARDS, shardOf, type Keys } from "../contract/keys.ts";
import type { EpochMillis, Millis } from "../core/time.ts";
import type { ClusterView, Publication, SnapshotStore, StoredVersion } from "../ports/snapshot-store.ts";
import { ofRedis } from "./redis-error.ts";
import { RedisScript, type RedisClient } from "./script.ts";
import { parseView, stringsOf } from "./view.ts";

const publishScript = new RedisScript("publish-3");
const forgetScript = new RedisScript("forget-3");
const beatScript = new RedisScript("beat-1");
const markAttentionScript = new RedisScript("mark-attention-7");
const versionsScript = new RedisScript("versions-2");

/** Snapshots per script call: keeps the longest block of Redis short. */
const PUBLISH_CHUNK = 250;

/** Of the nodes of one call: how many were news, and how many wait for judgement. */
interface Published {
  readonly news: number;
  readonly waiting: number;
}

/** The snapshot store on Redis. `maxGap`: the longest silence between two beats that still counts as observed. */
export class RedisSnapshotStore implements SnapshotStore {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #maxGap: Millis;
  readonly #onFault: (detail: string) => void;

  /** `onFault` hears of records that were thrown away, because a key of another type stood in their place. */
  constructor(client: RedisClient, keys: Keys, maxGap: Millis, onFault: (detail: string) => void = () => {}) {
    this.#client = client;
    this.#keys = keys;
    this.#maxGap = maxGap;
    this.#onFault = onFault;
  }

  async publish(batch: readonly Publication[]): Promise<{ shards: number[]; accepted: number }> {
    const shards = [...Map.groupBy(batch, ({ snapshot }) => shardOf(snapshot.name))];
    // The shards together: a batch waits for one round trip instead of one per shard.
    const results = await Promise.all(
      shards.map(async ([shard, publications]) => this.#publishShard(shard, publications)),
    );
    return {
      shards: shards.map(([shard]) => shard).filter((_, i) => (results[i]?.waiting ?? 0) > 0),
      accepted: results.reduce((sum, { news }) => sum + news, 0),
    };
  }

  async #publishShard(shard: number, publications: readonly Publication[]): Promise<Published> {
    const total = { news: 0, waiting: 0 };
    for (let i = 0; i < publications.length; i += PUBLISH_CHUNK) {
      const chunk = await this.#publishChunk(shard, publications.slice(i, i + PUBLISH_CHUNK));
      total.news += chunk.news;
      total.waiting += chunk.waiting;
    }
    return total;
  }

  async #publishChunk(shard: number, publications: readonly Publication[]): Promise<Published> {
    const keys = [this.#keys.snapshots(shard), this.#keys.versions(shard), this.#keys.dirty(shard)];
    const args = publications.flatMap(({ snapshot, fingerprint, over }) => [
      snapshot.name,
      snapshot.resourceVersion,
      snapshot.uid,
      fingerprint,
      JSON.stringify(snapshot),
      over?.raw ?? "",
    ]);
    const answer = await publishScript.run(this.#client, keys, args);
    const [news, waiting] = countsOf(answer);
    return { news, waiting };
  }

  async forget(name: string, seen: StoredVersion | undefined): Promise<number[]> {
    const shard = shardOf(name);
    const keys = [this.#keys.snapshots(shard), this.#keys.versions(shard), this.#keys.dirty(shard)];
    const removed = await forgetScript.run(this.#client, keys, [name, seen?.raw ?? ""]);
    return removed === 1 ? [shard] : [];
  }

  async version(name: string): Promise<StoredVersion | undefined> {
    const raw = await ofRedis(async () => this.#client.hget(this.#keys.versions(shardOf(name)), name));
    return raw === null ? undefined : parseVersion(raw);
  }

  async versions(shard: number): Promise<Map<string, StoredVersion>> {
    const keys = [this.#keys.versions(shard), this.#keys.records(shard)];
    const [pairs, recorded] = listsOf(await versionsScript.run(this.#client, keys, []));
    const versions = new Map(recorded.map((name) => [name, parseVersion("")]));
    for (let i = 0; i + 1 < pairs.length; i += 2)
      versions.set(pairs[i] ?? "", parseVersion(pairs[i + 1] ?? ""));
    // A name in a shard that is not its own is nobody's: whoever looks it up finds another entry.
    for (const name of versions.keys()) if (shardOf(name) !== shard) versions.delete(name);
    return versions;
  }

  async markAttention(): Promise<number[]> {
    const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
    const counts = await Promise.all(
      shards.map(async (shard) =>
        markAttentionScript.run(
          this.#client,
          [
            this.#keys.attention(shard),
            this.#keys.dirty(shard),
            this.#keys.records(shard),
            this.#keys.versions(shard),
            this.#keys.judged(shard),
            this.#keys.tally(shard),
            this.#keys.workers,
          ],
          [],
        ),
      ),
    );
    return shards.filter((shard) => {
      const [dirty, thrown] = countsOf(counts[shard]);
      if (thrown > 0)
        this.#onFault(`records of shard ${shard}: another type stood there and was thrown away`);
      return dirty > 0;
    });
  }

  async beat(age: Millis, asOf?: EpochMillis): Promise<ClusterView> {
    const answer = await beatScript.run(
      this.#client,
      [this.#keys.view],
      [Math.max(0, Math.round(age)), Math.round(this.#maxGap), asOf === undefined ? "" : Math.floor(asOf)],
    );
    const [now = "", observed = "", until = "", since = ""] = stringsOf(answer);
    return parseView(now, observed, until, since);
  }
}

function countsOf(answer: unknown): [number, number] {
  if (!Array.isArray(answer)) throw new TypeError("Expected two counts from a Redis script");
  return [Number(answer[0]), Number(answer[1])];
}

function listsOf(answer: unknown): [string[], string[]] {
  if (!Array.isArray(answer)) throw new TypeError("Expected two lists from a Redis script");
  return [stringsOf(answer[0]), stringsOf(answer[1])];
}

/** Unreadable bytes give a version that equals nothing, so the next resync writes it anew. */
function parseVersion(raw: string): StoredVersion {
  const [resourceVersion = "", uid = "", fingerprint = ""] = raw.split(" ");
  return { resourceVersion, uid, fingerprint, gone: raw === "gone", raw };
}
