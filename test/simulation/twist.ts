import type { Settings } from "./settings.ts";
import type { RebootLedger } from "@node-agent/shared/ports/ledger.ts";
import type { MemoryStore } from "@node-agent/shared/testing/memory-store.ts";
import type { SequenceMemory } from "@node-agent/shared/ports/sequence-memory.ts";
import type { NodeReader } from "@node-agent/shared/ports/node-reader.ts";
import type { Executor } from "@node-agent/shared/ports/executor.ts";
import type { RebootQueue } from "@node-agent/shared/ports/reboot-queue.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { World } from "./world.ts";

/** How a run's system differs from the one that is promised: a guard that is taken away must be missed. */
export interface Twist {
  readonly settings?: (settings: Settings) => Settings;
  readonly ledger?: (ledger: RebootLedger, world: World) => RebootLedger;
  readonly store?: (store: MemoryStore, world: World) => MemoryStore;
  readonly memory?: (memory: SequenceMemory) => SequenceMemory;
  readonly reader?: (reader: NodeReader, world: World) => NodeReader;
  readonly executor?: (executor: Executor, world: World) => Executor;
  /** The pending repairs, as plans read, wake and tell them. */
  readonly reboots?: (queue: RebootQueue) => RebootQueue;
  /** The longest gap between two beats that counts as observed. */
  readonly maxGap?: Millis;
  /** No watcher makes good what was missed. */
  readonly withoutResync?: boolean;
}
