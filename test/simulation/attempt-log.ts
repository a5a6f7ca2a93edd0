import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import type { MemoryStore } from "@node-agent/shared/testing/memory-store.ts";

/** An intent to reboot a node that the store accepted. */
interface Attempt {
  readonly node: string;
  readonly at: EpochMillis;
}

/** Every intent that reached the store, noted on its way: what attempts are counted by when the records are not asked. */
export class AttemptLog {
  readonly #attempts: Attempt[] = [];
  readonly #tokens = new Set<string>();
  readonly #now: () => EpochMillis;

  constructor(now: () => EpochMillis) {
    this.#now = now;
  }

  /** Writes to the store, and notes the intent that was accepted. */
  async compareAndSet(
    store: MemoryStore,
    [name, version, next]: Parameters<MemoryStore["compareAndSet"]>,
  ): Promise<boolean> {
    const written = await store.compareAndSet(name, version, next);
    const token = next?.lastReboot?.token;
    if (written && token !== undefined && !this.#tokens.has(token)) {
      this.#tokens.add(token);
      this.#attempts.push({ node: name, at: this.#now() });
    }
    return written;
  }

  /** Intents since then, for one node or for all. */
  count(since: EpochMillis, node?: string): number {
    return this.#attempts.filter((one) => one.at >= since && (node === undefined || one.node === node))
      .length;
  }
}
