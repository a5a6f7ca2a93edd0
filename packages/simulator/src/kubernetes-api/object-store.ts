import type { KubeObject, ObjectMeta } from "./kube-object.ts";

/** One change, kept in the history for watches that resume. */
export interface StoredChange {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly version: number;
  readonly object: KubeObject;
  /** The object before the change; what a selector watch shows when the object leaves the selector. */
  readonly previous?: KubeObject;
  /** The event as one line of JSON, made once for all watches; kept only while they are being told. */
  line?: string | undefined;
}

/** The one counter of versions of a cluster: every write of any kind takes the next number. */
export class VersionCounter {
  #current: number;

  /** Starts like a cluster that has lived a little. */
  constructor(start = 1000) {
    this.#current = start;
  }

  /** The version of the newest write. */
  get current(): number {
    return this.#current;
  }

  /** Takes the next version. */
  next(): number {
    this.#current += 1;
    return this.#current;
  }

  /** Goes on from an earlier version, as after a restore: the versions after it are given out a second time. */
  backTo(version: number): void {
    this.#current = version;
  }
}

/** `namespace/name`, or the name alone for cluster-scoped kinds. */
export function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** An object on its way into the store, which gives it its version. */
export interface Draft {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Omit<ObjectMeta, "resourceVersion" | "name" | "uid" | "creationTimestamp"> & {
    readonly name: string;
    readonly uid: string;
    readonly creationTimestamp: string;
  };
  readonly [field: string]: unknown;
}

/** The objects of one kind with a window of history, newest last. */
export class ObjectStore {
  readonly #versions: VersionCounter;
  readonly #historySize: number;
  readonly #items = new Map<string, KubeObject>();
  readonly #listeners = new Set<(change: StoredChange) => void>();
  #history: StoredChange[] = [];
  #compactedAt: number;

  /** `historySize` changes are kept at least; a watch from before them is too old (410). */
  constructor(versions: VersionCounter, historySize = 10_000) {
    this.#versions = versions;
    this.#historySize = historySize;
    this.#compactedAt = versions.current;
  }

  /** Objects now in the store. */
  get size(): number {
    return this.#items.size;
  }

  /** The newest version of the whole cluster, as a list carries it. */
  get version(): number {
    return this.#versions.current;
  }

  /** Changes up to this version can no longer be replayed. */
  get compactedAt(): number {
    return this.#compactedAt;
  }

  get(key: string): KubeObject | undefined {
    return this.#items.get(key);
  }

  /** All objects in the order of their keys' creation. */
  values(): MapIterator<KubeObject> {
    return this.#items.values();
  }

  /** Creates or replaces an object under a new version and tells the watches. */
  put(key: string, draft: Draft): KubeObject {
    const previous = this.#items.get(key);
    const version = this.#versions.next();
    const object: KubeObject = {
      ...draft,
      metadata: { ...draft.metadata, resourceVersion: String(version) },
    };
    this.#items.set(key, object);
    this.#record(
      previous === undefined
        ? { type: "ADDED", version, object }
        : { type: "MODIFIED", version, object, previous },
    );
    return object;
  }

  /** Removes an object; the last content is told under a new version. */
  delete(key: string): KubeObject | undefined {
    const previous = this.#items.get(key);
    if (previous === undefined) return undefined;
    this.#items.delete(key);
    const version = this.#versions.next();
    const object: KubeObject = {
      ...previous,
      metadata: { ...previous.metadata, resourceVersion: String(version) },
    };
    this.#record({ type: "DELETED", version, object, previous });
    return object;
  }

  /** Changes after `version`, oldest first. The caller has checked `compactedAt`. */
  since(version: number): StoredChange[] {
    let index = this.#history.length;
    while (index > 0 && (this.#history[index - 1]?.version ?? 0) > version) index -= 1;
    return this.#history.slice(index);
  }

  /** Forgets all history: a watch from an older version gets 410. */
  compact(): void {
    this.#history = [];
    this.#compactedAt = this.#versions.current;
  }

  /** The objects as they were at a version, by undoing the history. The caller has checked `compactedAt`. */
  copyAt(version: number): ReadonlyMap<string, KubeObject> {
    const items = new Map(this.#items);
    for (const { object, previous } of this.since(version).toReversed()) {
      const { namespace, name } = object.metadata;
      if (previous === undefined) items.delete(keyOf(namespace, name));
      else items.set(keyOf(namespace, name), previous);
    }
    return items;
  }

  /** Puts a backup in place of everything, and tells nobody: no watch hears of a restore. */
  restore(items: ReadonlyMap<string, KubeObject>, version: number): void {
    this.#items.clear();
    for (const [key, object] of items) this.#items.set(key, object);
    this.#history = this.#history.filter((change) => change.version <= version);
    this.#compactedAt = Math.min(this.#compactedAt, version);
  }

  /** Calls `listener` for every change from now on; the returned function ends it. */
  subscribe(listener: (change: StoredChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #record(change: StoredChange): void {
    this.#history.push(change);
    // Trimmed in halves, so that the cost per change stays constant.
    if (this.#history.length > 2 * this.#historySize) {
      const dropped = this.#history.length - this.#historySize;
      this.#compactedAt = this.#history[dropped - 1]?.version ?? this.#compactedAt;
      this.#history = this.#history.slice(dropped);
    }
    for (const listener of this.#listeners) listener(change);
    change.line = undefined;
  }
}
