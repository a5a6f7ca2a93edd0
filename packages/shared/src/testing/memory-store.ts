import { SHARDS, shardOf } from "../contract/keys.ts";
import { parseStored, recordSchema, snapshotSchema } from "../contract/stored.ts";
import type { NodeSnapshot } from "../core/node.ts";
import type { NodeRecord } from "../core/record.ts";
import { countRecords, type RecordCount } from "../core/record-gauges.ts";
import { SECOND, type EpochMillis, type Millis } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type {
  EvaluationStore,
  JudgedNodeCommit,
  PendingNode,
  StoredFault,
} from "../ports/evaluation-store.ts";
import type { ClusterView, Publication, SnapshotStore, StoredVersion } from "../ports/snapshot-store.ts";
import type { StateStore, VersionedRecord } from "../ports/state-store.ts";
import { needsAttention } from "../core/attention.ts";
import { MemoryView } from "./memory-view.ts";

/** A record as it stands in memory; `json` may be damaged by a test. */
interface RecordCell {
  readonly version: number;
  readonly json: string;
}

/**
 * The twin of the three Redis stores, one memory behind all of them. Values go in and come out as JSON, so that nobody
 * shares an object with the store. The same contract suite runs against this and against Redis.
 */
export class MemoryStore implements SnapshotStore, EvaluationStore, StateStore {
  /** Open to tests: what is stored, to be damaged or lost by hand. */
  readonly snapshots = new Map<string, string>();
  readonly newest = new Map<string, string>();
  readonly dirty = new Set<string>();
  readonly records = new Map<string, RecordCell>();
  /** What was read of a cell: parsed once and frozen, so that nobody can change what others read. */
  readonly #read = new WeakMap<RecordCell, Omit<VersionedRecord, "view">>();
  readonly #view: MemoryView;
  /** Versions are never used twice, also not after a record was deleted. */
  #lastVersion = 0;

  constructor(clock: Clock, { maxGap = 90 * SECOND }: { readonly maxGap?: Millis } = {}) {
    this.#view = new MemoryView(clock, maxGap);
  }

  async publish(
    batch: readonly Publication[],
  ): Promise<{ readonly shards: number[]; readonly accepted: number }> {
    const shards = new Set<number>();
    let accepted = 0;
    for (const publication of batch) {
      const { snapshot } = publication;
      const result = this.#publishOne(publication);
      if (result !== "Known") shards.add(shardOf(snapshot.name));
      if (result === "News") accepted += 1;
    }
    return { shards: [...shards], accepted };
  }

  #publishOne({ snapshot, fingerprint, over }: Publication): "News" | "Waiting" | "Known" {
    const { name, resourceVersion, uid } = snapshot;
    const stored = this.#stored(name);
    const comparable = /^\d+$/u.test(stored.resourceVersion);
    const replaces = over !== undefined && over.raw === stored.raw;
    if (comparable && !replaces && !isNewer(resourceVersion, stored.resourceVersion)) return "Known";
    this.newest.set(name, `${resourceVersion} ${uid} ${fingerprint}`);
    const same = stored.uid === uid && stored.fingerprint === fingerprint;
    if (same && this.snapshots.has(name)) return this.dirty.has(name) ? "Waiting" : "Known";
    this.snapshots.set(name, JSON.stringify(snapshot));
    this.dirty.add(name);
    return "News";
  }

  async version(name: string): Promise<StoredVersion | undefined> {
    return this.newest.has(name) ? this.#stored(name) : undefined;
  }

  #stored(name: string): StoredVersion {
    const raw = this.newest.get(name) ?? "";
    const [resourceVersion = "", uid = "", fingerprint = ""] = raw.split(" ");
    return { resourceVersion, uid, fingerprint, gone: raw === "gone", raw };
  }

  async forget(name: string, seen: StoredVersion | undefined): Promise<number[]> {
    if (this.#stored(name).raw !== (seen?.raw ?? "")) return [];
    this.snapshots.delete(name);
    this.newest.set(name, "gone");
    this.dirty.add(name);
    return [shardOf(name)];
  }

  async versions(shard: number): Promise<Map<string, StoredVersion>> {
    const names = new Set([...this.records.keys(), ...this.newest.keys()]);
    return new Map(
      [...names].filter((name) => shardOf(name) === shard).map((name) => [name, this.#stored(name)]),
    );
  }

  async markAttention(audited?: number): Promise<number[]> {
    for (const name of this.records.keys()) {
      const { record } = this.#recordOf(name);
      if (record === undefined || needsAttention(record)) this.dirty.add(name);
    }
    for (const name of this.newest.keys()) {
      if (shardOf(name) === audited || !this.records.has(name)) this.dirty.add(name);
    }
    const shards = new Set([...this.dirty].map((name) => shardOf(name)));
    return Array.from({ length: SHARDS }, (_, shard) => shard).filter((shard) => shards.has(shard));
  }

  async beat(age: Millis, asOf?: EpochMillis): Promise<ClusterView> {
    return this.#view.beat(age, asOf);
  }

  async load(shard: number, limit: number): Promise<{ nodes: PendingNode[]; view: ClusterView }> {
    const names = [...this.dirty].filter((name) => shardOf(name) === shard).slice(0, limit);
    return { nodes: names.map((name) => this.#pending(name)), view: this.#view.read() };
  }

  #pending(name: string): PendingNode {
    const { record, version: recordVersion, fault } = this.#recordOf(name);
    const snapshotVersion = this.newest.get(name) ?? "";
    const base = { name, snapshotVersion, recordVersion, record, gone: snapshotVersion === "gone" };
    const faults: StoredFault[] = fault === undefined ? [] : [{ kind: "DamagedRecord", detail: fault }];
    const json = this.snapshots.get(name);
    if (json === undefined) return { ...base, snapshot: undefined, faults };
    const parsed = parseStored(`snapshot of ${name}`, json, snapshotSchema);
    if (!parsed.ok) {
      const unreadable = { kind: "DamagedSnapshot", detail: parsed.fault } as const;
      return { ...base, snapshot: undefined, faults: [...faults, unreadable] };
    }
    return { ...base, snapshot: parsed.value, faults };
  }

  async commit(_shard: number, chunk: readonly JudgedNodeCommit[]): Promise<Set<string>> {
    return new Set(chunk.filter((node) => !this.#commitOne(node)).map(({ name }) => name));
  }

  #commitOne({ name, record, recordVersion, snapshotVersion }: JudgedNodeCommit): boolean {
    const newest = this.newest.get(name) ?? "";
    if (record === "delete" && newest !== "gone") return false;
    if (typeof record === "string") {
      if (this.#recordOf(name).version !== recordVersion) return false;
    } else if (!this.#write(name, recordVersion, record)) return false;
    if (record === "delete") {
      this.records.delete(name);
      this.newest.delete(name);
    }
    if (record === "discard" && newest === snapshotVersion) this.newest.delete(name);
    if (newest === snapshotVersion) this.dirty.delete(name);
    return true;
  }

  async get(name: string): Promise<VersionedRecord> {
    return { ...this.#recordOf(name), view: this.#view.read() };
  }

  #recordOf(name: string): Omit<VersionedRecord, "view"> {
    const cell = this.records.get(name);
    if (cell === undefined) return { record: undefined, version: "0", fault: undefined };
    const known = this.#read.get(cell) ?? readCell(name, cell);
    this.#read.set(cell, known);
    return known;
  }

  async compareAndSet(name: string, version: string, next: NodeRecord): Promise<boolean> {
    return this.#write(name, version, next);
  }
  /** The same bytes again are a command whose reply was lost: written already. */
  #write(name: string, version: string, next: NodeRecord): boolean {
    const json = JSON.stringify(next);
    const cell = this.records.get(name);
    if (cell?.json === json) return true;
    if (String(cell?.version ?? 0) !== version) return false;
    this.#lastVersion += 1;
    this.records.set(name, { version: this.#lastVersion, json });
    return true;
  }

  async view(): Promise<ClusterView> {
    return this.#view.read();
  }

  async listUnhealthy(): Promise<NodeRecord[]> {
    return this.#readable().filter(({ phase }) => phase !== "Healthy");
  }

  async snapshotsOf(names: readonly string[]): Promise<ReadonlyMap<string, NodeSnapshot>> {
    const found = names.flatMap((name): [string, NodeSnapshot][] => {
      const parsed = parseStored(`snapshot of ${name}`, this.snapshots.get(name) ?? "", snapshotSchema);
      return parsed.ok ? [[name, parsed.value]] : [];
    });
    return new Map(found);
  }

  async getMany(names: readonly string[]): Promise<NodeRecord[]> {
    return this.#readable().filter(({ name }) => names.includes(name));
  }

  async countRecords(): Promise<readonly RecordCount[]> {
    return countRecords(this.#readable());
  }

  #readable(): NodeRecord[] {
    return [...this.records.keys()]
      .map((name) => this.#recordOf(name).record)
      .filter((record) => record !== undefined);
  }
}

function readCell(name: string, cell: RecordCell): Omit<VersionedRecord, "view"> {
  const parsed = parseStored(`record of ${name}`, cell.json, recordSchema);
  const version = String(cell.version);
  if (!parsed.ok) return { record: undefined, version, fault: parsed.fault };
  return { record: frozen(parsed.value), version, fault: undefined };
}

function frozen<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === "object" && inner !== null) frozen(inner);
  return Object.freeze(value);
}

function isNewer(one: string, other: string): boolean {
  return one.length === other.length ? one > other : one.length > other.length;
}
