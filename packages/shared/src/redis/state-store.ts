import { needsAttention } from "../core/attention.ts";
import type { ChainableCommander } from "ioredis";
import { SHARDS, shardOf, type Keys } from "../contract/keys.ts";
import { parseStored, snapshotSchema } from "../contract/stored.ts";
import type { NodeSnapshot } from "../core/node.ts";
import type { NodeRecord } from "../core/record.ts";
import { countRecords, type RecordCount } from "../core/record-gauges.ts";
import type { ClusterView } from "../ports/snapshot-store.ts";
import type { StateStore, VersionedRecord } from "../ports/state-store.ts";
import { decodeRecord } from "./record-codec.ts";
import { ofRedis, RedisError } from "./redis-error.ts";
import { isOfAnotherType, RedisScript, type RedisClient } from "./script.ts";
import { parseView, stringsOf } from "./view.ts";

const getScript = new RedisScript("get-record-2");
const compareAndSetScript = new RedisScript("compare-and-set-2");

const ALL_SHARDS = Array.from({ length: SHARDS }, (_, shard) => shard);

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
    const attended = await this.#ofShards(ALL_SHARDS, (pipeline, shard) =>
      pipeline.smembers(this.#keys.attention(shard)),
    );
    const names = new Map([...attended].map(([shard, members]) => [shard, stringsOf(members)]));
    return (await this.#recordsOf(names)).filter(({ phase }) => phase !== "Healthy");
  }

  async #recordsOf(names: ReadonlyMap<number, readonly string[]>): Promise<NodeRecord[]> {
    const stored = await this.#fieldsOf(names, (shard) => this.#keys.records(shard));
    return stored.flatMap(([name, raw]) => decodeRecord(name, raw).record ?? []);
  }

  /** The fields of these names in a hash per shard; one that is missing is "". */
  async #fieldsOf(
    names: ReadonlyMap<number, readonly string[]>,
    keyOf: (shard: number) => string,
  ): Promise<[name: string, raw: string][]> {
    const some = ALL_SHARDS.filter((shard) => (names.get(shard) ?? []).length > 0);
    if (some.length === 0) return [];
    const stored = await this.#ofShards(some, (pipeline, shard) =>
      pipeline.hmget(keyOf(shard), ...(names.get(shard) ?? [])),
    );
    return [...stored].flatMap(([shard, values]) => {
      const raw = Array.isArray(values) ? values : [];
      return (names.get(shard) ?? []).map((name, i): [string, string] => [name, String(raw[i] ?? "")]);
    });
  }

  async snapshotsOf(names: readonly string[]): Promise<ReadonlyMap<string, NodeSnapshot>> {
    const byShard = Map.groupBy(names, shardOf);
    const stored = await this.#fieldsOf(byShard, (shard) => this.#keys.snapshots(shard));
    const found = new Map<string, NodeSnapshot>();
    for (const [name, json] of stored) {
      const parsed = parseStored(`snapshot of ${name}`, json, snapshotSchema);
      if (parsed.ok && parsed.value.name === name) found.set(name, parsed.value);
    }
    return found;
  }

  async getMany(names: readonly string[]): Promise<NodeRecord[]> {
    return this.#recordsOf(Map.groupBy(names, shardOf));
  }

  async countRecords(): Promise<readonly RecordCount[]> {
    return countRecords(await this.#all());
  }

  /** Every record that can be read, Healthy ones included: for a page on the whole fleet, not for a hot path. */
  async listAll(): Promise<NodeRecord[]> {
    return [...(await this.#all())];
  }

  async #all(): Promise<Iterable<NodeRecord>> {
    const stored = await this.#ofShards(ALL_SHARDS, (pipeline, shard) =>
      pipeline.hgetall(this.#keys.records(shard)),
    );
    return recordsIn(stored.values());
  }

  /**
   * One command per shard, all in one round trip: every look at a node that is due asks for all shards. A shard that
   * cannot be read must not hold up all others; the next resync builds it anew.
   */
  async #ofShards(
    shards: readonly number[],
    command: (pipeline: ChainableCommander, shard: number) => void,
  ): Promise<Map<number, unknown>> {
    const pipeline = this.#client.pipeline();
    for (const shard of shards) command(pipeline, shard);
    const answers = (await ofRedis(async () => pipeline.exec())) ?? [];
    const found = new Map<number, unknown>();
    for (const [i, shard] of shards.entries()) {
      const [error, answer] = answers[i] ?? [new Error("Redis answered less than it was asked")];
      if (error === null) found.set(shard, answer);
      else this.#leftOut(shard, error);
    }
    return found;
  }

  #leftOut(shard: number, error: Error): void {
    if (!isOfAnotherType(error)) throw RedisError.of(error);
    this.#onFault(`shard ${shard} is left out: ${error.message}`);
  }
}

/** The records of whole shards as HGETALL returns them; what cannot be read is left out. */
function* recordsIn(shards: Iterable<unknown>): Generator<NodeRecord> {
  for (const raw of shards) {
    for (const [name, value] of Object.entries(raw ?? {})) {
      const { record } = decodeRecord(name, String(value));
      if (record !== undefined) yield record;
    }
  }
}
