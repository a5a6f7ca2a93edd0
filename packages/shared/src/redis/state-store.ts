import { SHARDS, shardOf, type Keys } from "../contract/keys.ts";
import type { Phase } from "../core/phase.ts";
import type { NodeRecord } from "../core/record.ts";
import type { ClusterView } from "../ports/snapshot-store.ts";
import type { StateStore, VersionedRecord } from "../ports/state-store.ts";
import { decodeRecord, needsAttention } from "./record-codec.ts";
import { RedisScript, type RedisClient } from "./script.ts";
import { parseView, stringsOf } from "./view.ts";

const getScript = new RedisScript("get-record-2");
const compareAndSetScript = new RedisScript("compare-and-set-2");

/** The phase records on Redis: one hash per shard, compare-and-set by version. */
export class RedisStateStore implements StateStore {
  readonly #client: RedisClient;
  readonly #keys: Keys;

  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
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
      const names = await this.#client.smembers(this.#keys.attention(shard));
      if (names.length === 0) continue;
      const raw = await this.#client.hmget(this.#keys.records(shard), ...names);
      names.forEach((name, i) => {
        const { record } = decodeRecord(name, raw[i] ?? "");
        if (record !== undefined && record.phase !== "Healthy") records.push(record);
      });
    }
    return records;
  }

  async countByPhase(): Promise<{ pool: string | undefined; phase: Phase; count: number }[]> {
    const counts = new Map<string, { pool: string | undefined; phase: Phase; count: number }>();
    for (let shard = 0; shard < SHARDS; shard += 1) {
      const raw = await this.#client.hgetall(this.#keys.records(shard));
      for (const [name, value] of Object.entries(raw)) {
        const { record } = decodeRecord(name, value);
        if (record === undefined) continue;
        const key = `${record.phase} ${record.pool ?? ""}`;
        const entry = counts.get(key) ?? { pool: record.pool, phase: record.phase, count: 0 };
        counts.set(key, { ...entry, count: entry.count + 1 });
      }
    }
    return [...counts.values()];
  }
}
