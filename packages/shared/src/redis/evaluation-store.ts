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
import { decodeRecord, recordKind } from "./record-codec.ts";
import { RedisScript, type RedisClient } from "./script.ts";
import { parseView, stringsOf } from "./view.ts";

const loadScript = new RedisScript("load-6");
const commitScript = new RedisScript("commit-6");

/** Judgement in chunks on Redis. */
export class RedisEvaluationStore implements EvaluationStore {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #rules: string;

  /** `rules` names the rules of this process: what was judged by rules of no living worker is judged again. */
  constructor(client: RedisClient, keys: Keys, rules = "-") {
    this.#client = client;
    this.#keys = keys;
    this.#rules = rules;
  }

  async load(shard: number, limit: number): Promise<{ nodes: PendingNode[]; view: ClusterView }> {
    const keys = this.#keys;
    const answer = await loadScript.run(
      this.#client,
      [
        keys.dirty(shard),
        keys.snapshots(shard),
        keys.versions(shard),
        keys.records(shard),
        keys.view,
        keys.judged(shard),
      ],
      [limit],
    );
    const [now = "", observed = "", until = "", since = "", ...cells] = stringsOf(answer);
    const nodes: PendingNode[] = [];
    for (let i = 0; i + 4 < cells.length; i += 5) nodes.push(pendingNode(cells.slice(i, i + 5)));
    return { nodes, view: parseView(now, observed, until, since) };
  }

  async commit(shard: number, chunk: readonly JudgedNodeCommit[]): Promise<Set<string>> {
    if (chunk.length === 0) return new Set();
    const keys = this.#keys;
    const kinds = new Map<string, string>();
    const nodes = chunk.flatMap(({ name, record, recordVersion, snapshotVersion, judged, timed }) => {
      const [op, json] = typeof record === "string" ? [record, ""] : ["write", JSON.stringify(record)];
      const left = judged ?? (typeof record === "string" ? undefined : record);
      if (left === undefined) return [name, op, recordVersion, json, snapshotVersion, "keep", ""];
      const { kind, text } = recordKind(left);
      kinds.set(kind, text);
      const attention = timed === true || needsAttention(left) ? "1" : "0";
      return [name, op, recordVersion, json, snapshotVersion, attention, kind];
    });
    const answer = await commitScript.run(
      this.#client,
      [
        keys.records(shard),
        keys.versions(shard),
        keys.dirty(shard),
        keys.attention(shard),
        keys.judged(shard),
        keys.tally(shard),
      ],
      [this.#rules, kinds.size, ...[...kinds].flat(), ...nodes],
    );
    const results = Array.isArray(answer) ? answer : [];
    return new Set(chunk.filter((_, i) => results[i] !== 1).map(({ name }) => name));
  }
}

function pendingNode(cells: readonly string[]): PendingNode {
  const [name = "", snapshotJson = "", snapshotVersion = "", rawRecord = "", isRewritten = ""] = cells;
  const { record, version: recordVersion, fault } = decodeRecord(name, rawRecord);
  const faults: StoredFault[] = fault === undefined ? [] : [{ kind: "DamagedRecord", detail: fault }];
  const gone = snapshotVersion === "gone";
  const base = { name, snapshotVersion, recordVersion, record, gone, rewritten: isRewritten === "1" };
  if (snapshotJson === "") return { ...base, snapshot: undefined, faults };
  const parsed = parseStored(`snapshot of ${name}`, snapshotJson, snapshotSchema);
  const mine = parsed.ok && parsed.value.name === name;
  if (!mine) {
    const detail = parsed.ok ? `snapshot of ${name}: it is of another node` : parsed.fault;
    return { ...base, snapshot: undefined, faults: [...faults, { kind: "DamagedSnapshot", detail }] };
  }
  return { ...base, snapshot: parsed.value, faults };
}
