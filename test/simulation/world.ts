import { emptyLedger } from "@node-agent/shared/core/ledger/steps.ts";
import type { Executor } from "@node-agent/shared/ports/executor.ts";
import type { NodeLister } from "@node-agent/shared/ports/node-lister.ts";
import type { NodeReader } from "@node-agent/shared/ports/node-reader.ts";
import type { RebootLedger } from "@node-agent/shared/ports/ledger.ts";
import type { SequenceMemory } from "@node-agent/shared/ports/sequence-memory.ts";
import { MemoryLedger } from "@node-agent/shared/testing/memory-ledger.ts";
import { MemoryStore } from "@node-agent/shared/testing/memory-store.ts";
import { behindNetwork, LostError, type FaultCount, type Weather } from "./faulty.ts";
import { Random } from "./random.ts";
import { simCloud, type CloudWeather } from "./sim-cloud.ts";
import { SimQueues } from "./sim-queue.ts";
import { BOOT_TIME, LEDGER, POLICY } from "./settings.ts";
import { Truth } from "./truth.ts";
import { VirtualTime, type Incarnation } from "./virtual-time.ts";

/** How bad everything is at this moment. */
export interface WorldWeather {
  readonly redis: Weather;
  readonly api: Weather;
  readonly cloud: CloudWeather;
  apiDown: boolean;
  lostEvent: number;
}

const CALM = (): Weather => ({ lostRequest: 0, lostReply: 0, crash: 0, slowest: 20, down: false });

/** Everything the simulated processes share: truth, API server, Redis, queues, ledger, cloud. */
export class World {
  readonly random: Random;
  readonly time: VirtualTime;
  readonly truth: Truth;
  readonly queues: SimQueues;
  readonly ledger: MemoryLedger;
  readonly count: FaultCount = { faults: 0, crashes: 0 };
  readonly weather: WorldWeather;
  store: MemoryStore;
  #sequence = 0;
  #tokens = 0;
  #nextTick = 0;
  onCrash: (process: Incarnation) => void = () => undefined;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.time = new VirtualTime(this.random);
    this.truth = new Truth(this.time);
    this.queues = new SimQueues(this.time);
    this.store = this.#newStore();
    this.ledger = new MemoryLedger("sim", () => Math.floor(this.time.now / 1000) * 1000);
    // Old enough to be trusted from the start.
    this.ledger.create(emptyLedger("sim", "operator", this.time.start), this.time.start - 3_600_000);
    this.weather = {
      redis: CALM(),
      api: CALM(),
      cloud: { refused: 0, unclear: 0, late: 0, unreachable: 0, uncured: 0 },
      apiDown: false,
      lostEvent: 0,
    };
  }

  #newStore(): MemoryStore {
    const clock = {
      now: () => Math.round(this.time.now),
      monotonic: () => this.time.elapsed,
      sleep: async () => undefined,
    };
    return new MemoryStore(clock, { maxGap: POLICY.viewMaxAge });
  }

  /** True for the first to ask in each interval. */
  takeTick(interval: number): boolean {
    if (this.time.elapsed < this.#nextTick) return false;
    this.#nextTick = this.time.elapsed + interval;
    return true;
  }

  nextToken(): string {
    this.#tokens += 1;
    return `token-${this.#tokens}`;
  }

  /** Redis is empty: FLUSHALL, or a failover to a replica that had nothing. */
  flushRedis(): void {
    this.store = this.#newStore();
    this.queues.jobs.clear();
    this.queues.woken.clear();
    this.#sequence = 0;
    this.count.faults += 1;
  }

  redisFor(process: Incarnation): MemoryStore {
    // The store may be replaced by a flush: calls go to whatever stands there when they arrive.
    const current = new Proxy(this.store, {
      get: (_, key) => {
        const value: unknown = Reflect.get(this.store, key, this.store);
        return typeof value === "function" ? (value as () => unknown).bind(this.store) : value;
      },
    });
    return this.#networked(current, process, this.weather.redis);
  }

  queuesFor(process: Incarnation): SimQueues {
    return this.#networked(this.queues, process, this.weather.redis);
  }

  memoryFor(process: Incarnation): SequenceMemory {
    const memory: SequenceMemory = {
      raise: async (seq) => {
        this.#sequence = Math.max(this.#sequence, seq);
        return this.#sequence;
      },
    };
    return this.#networked(memory, process, this.weather.redis);
  }

  readerFor(process: Incarnation): NodeReader {
    const reader: NodeReader = {
      read: async (name) => {
        const node = this.truth.snapshot(name);
        return node === undefined ? { found: false } : { found: true, node };
      },
    };
    return this.#networked(reader, process, this.weather.api);
  }

  listerFor(process: Incarnation): NodeLister {
    const { truth, weather, random } = this;
    return {
      list: async function* () {
        await process.hop(random.between(0, weather.api.slowest));
        if (weather.api.down) throw new LostError("the API server is away");
        yield* truth.snapshots();
      },
    };
  }

  ledgerFor(process: Incarnation): RebootLedger {
    const networked = this.#networked(this.ledger, process, this.weather.api);
    return {
      read: async () => networked.read(),
      compareAndWrite: async (next, seen) => {
        try {
          return await networked.compareAndWrite(next, seen);
        } catch {
          return { outcome: "Unknown", why: "no answer" };
        }
      },
    };
  }

  cloudFor(process: Incarnation): Executor {
    return simCloud(process, {
      truth: this.truth,
      time: this.time,
      random: this.random,
      weather: this.weather.cloud,
      count: this.count,
      latest: LEDGER.margin,
      bootTime: BOOT_TIME,
    });
  }

  #networked<T extends object>(port: T, process: Incarnation, weather: Weather): T {
    return behindNetwork(port, process, weather, this.random, this.count, (one) => this.onCrash(one));
  }
}
