import { SHARDS, shardOf, type Keys } from "../contract/keys.ts";
import type { Phase } from "../core/phase.ts";
import type { NodeRecord } from "../core/record.ts";
import type { ClusterView } from "../ports/snapshot-store.ts";
import type { StateStore, VersionedRecord } from "../ports/state-store.ts";
import { decodeRecord, needsAttention } from "./record-codec.ts";
import { isOfAnotherType, RedisScript, type RedisClient } from "./script.ts";
import { parseView, stringsOf } from "./view.ts";

const getScript = new RedisScript("get-record-2");
const compareAndSetScript = new RedisScript("compare-and-set-2");

/** The phase records on Redis: one hash per shard, compare-and-set by version. */
export class RedisStateStore implements StateStore {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #onFault: (detail: string) => void;

  /** `onFault` hears of shards that lists and counts left out, because a key of another type stands there. */
  constructor(client: RedisClient, keys: Keys, onFault: (detail: string) => void = () => {}) {
    this.#client = client;
    this.#keys = keys;
    this.#onFault = onFault;
  }

  async get(name: string): Promise<VersionedRecord> {
    const keys = [this.#keys.records(shardOf(name)), this.#keys.view];
    const [now = "", observed = "", until = "", since = "", raw = ""] = stringsOf(
      await getScript.run(this.#client, keys, [name]),
    );
    const { record, version, fault } = decodeRecord(name, raw);
    return { record, version, fault, view: parseView(now, observed, until, since) };
  }

  async view(): Promise<ClusterView> {
    // A name that no node can have: the script answers with the view alone.
    return (await this.get("")).view;
  }

  async compareAndSet(name: string, version: string, next: NodeRecord): Promise<boolean> {
    const shard = shardOf(name);
    const keys = [this.#keys.records(shard), this.#keys.attention(shard)];
    const args = [name, version, JSON.stringify(next), needsAttention(next) ? "1" : "0"];
    return (await compareAndSetScript.run(this.#client, keys, args)) === 1;
  }

  async listUnhealthy(): Promise<NodeRecord[]> {
    const records: NodeRecord[] = [];
    for (let shard = 0; shard < SHARDS; shard += 1) {
      const stored = await this.#ofShard(shard, async () => this.#attended(shard));
      for (const [name, raw] of stored ?? []) {
        const { record } = decodeRecord(name, raw);
        if (record !== undefined && record.phase !== "Healthy") records.push(record);
      }
    }
    return records;
  }

  async countByPhase(): Promise<{ pool: string | undefined; phase: Phase; count: number }[]> {
    const counts = new Map<string, { pool: string | undefined; phase: Phase; count: number }>();
    for (let shard = 0; shard < SHARDS; shard += 1) {
      const raw = await this.#ofShard(shard, async () => this.#client.hgetall(this.#keys.records(shard)));
      for (const [name, value] of Object.entries(raw ?? {})) {
        const { record } = decodeRecord(name, value);
        if (record === undefined) continue;
        const key = `${record.phase} ${record.pool ?? ""}`;
        const entry = counts.get(key) ?? { pool: record.pool, phase: record.phase, count: 0 };
        counts.set(key, { ...entry, count: entry.count + 1 });
      }
    }
    return [...counts.values()];
  }

  async #attended(shard: number): Promise<[name: string, raw: string][]> {
    const names = await this.#client.smembers(this.#keys.attention(shard));
    if (names.length === 0) return [];
    const raw = await this.#client.hmget(this.#keys.records(shard), ...names);
    return names.map((name, i) => [name, raw[i] ?? ""]);
  }

  /** One shard that cannot be read must not hold up all others; the next resync builds it anew. */
  async #ofShard<T>(shard: number, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!isOfAnotherType(error)) throw error;
      this.#onFault(`shard ${shard} is left out: ${error.message}`);
      return undefined;
    }
  }
}
