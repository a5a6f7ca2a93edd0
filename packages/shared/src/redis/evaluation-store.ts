import { needsAttention } from "../core/attention.ts";
import type { Keys } from "../contract/keys.ts";
import { parseStored, snapshotSchema } from "../contract/stored.ts";
import type {
  EvaluationStore,
  JudgedNodeCommit,
  PendingNode,
  StoredFault,
} from "../ports/evaluation-store.ts";
import type { ClusterView } from "../ports/snapshot-store.ts";
import { decodeRecord } from "./record-codec.ts";
import { RedisScript, type RedisClient } from "./script.ts";
import { parseView, stringsOf } from "./view.ts";

const loadScript = new RedisScript("load-5");
const commitScript = new RedisScript("commit-4");

/** Judgement in chunks on Redis. */
export class RedisEvaluationStore implements EvaluationStore {
  readonly #client: RedisClient;
  readonly #keys: Keys;

  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
  }

  async load(shard: number, limit: number): Promise<{ nodes: PendingNode[]; view: ClusterView }> {
    const keys = this.#keys;
    const answer = await loadScript.run(
      this.#client,
      [keys.dirty(shard), keys.snapshots(shard), keys.versions(shard), keys.records(shard), keys.view],
      [limit],
    );
    const [now = "", observed = "", until = "", since = "", ...cells] = stringsOf(answer);
    const nodes: PendingNode[] = [];
    for (let i = 0; i + 3 < cells.length; i += 4) {
      nodes.push(pendingNode(cells[i] ?? "", cells[i + 1] ?? "", cells[i + 2] ?? "", cells[i + 3] ?? ""));
    }
    return { nodes, view: parseView(now, observed, until, since) };
  }

  async commit(shard: number, chunk: readonly JudgedNodeCommit[]): Promise<Set<string>> {
    if (chunk.length === 0) return new Set();
    const keys = this.#keys;
    const args = chunk.flatMap(({ name, record, recordVersion, snapshotVersion }) => {
      if (typeof record === "string") return [name, record, recordVersion, "", snapshotVersion, "keep"];
      const attention = needsAttention(record) ? "1" : "0";
      return [name, "write", recordVersion, JSON.stringify(record), snapshotVersion, attention];
    });
    const answer = await commitScript.run(
      this.#client,
      [keys.records(shard), keys.versions(shard), keys.dirty(shard), keys.attention(shard)],
      args,
    );
    const results = Array.isArray(answer) ? answer : [];
    return new Set(chunk.filter((_, i) => results[i] !== 1).map(({ name }) => name));
  }
}

function pendingNode(
  name: string,
  snapshotJson: string,
  snapshotVersion: string,
  rawRecord: string,
): PendingNode {
  const { record, version: recordVersion, fault } = decodeRecord(name, rawRecord);
  const faults: StoredFault[] = fault === undefined ? [] : [{ kind: "DamagedRecord", detail: fault }];
  const base = { name, snapshotVersion, recordVersion, record, gone: snapshotVersion === "gone" };
  if (snapshotJson === "") return { ...base, snapshot: undefined, faults };
  const parsed = parseStored(`snapshot of ${name}`, snapshotJson, snapshotSchema);
  const mine = parsed.ok && parsed.value.name === name;
  if (!mine) {
    const detail = parsed.ok ? `snapshot of ${name}: it is of another node` : parsed.fault;
    return { ...base, snapshot: undefined, faults: [...faults, { kind: "DamagedSnapshot", detail }] };
  }
  return { ...base, snapshot: parsed.value, faults };
}
