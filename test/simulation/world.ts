import { emptyLedger } from "@node-agent/shared/core/ledger/steps.ts";
import { shardOf } from "@node-agent/shared/contract/keys.ts";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { Executor } from "@node-agent/shared/ports/executor.ts";
import { joined } from "@node-agent/shared/core/ledger/sequence.ts";
import type { NodeLister } from "@node-agent/shared/ports/node-lister.ts";
import type { NodeReader } from "@node-agent/shared/ports/node-reader.ts";
import type { RebootLedger } from "@node-agent/shared/ports/ledger.ts";
import type { SequenceMemory } from "@node-agent/shared/ports/sequence-memory.ts";
import { HOUR, SECOND, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { MemoryLedger } from "@node-agent/shared/testing/memory-ledger.ts";
import type { PlanStore } from "@node-agent/shared/ports/plan-store.ts";
import type { RebootQueue } from "@node-agent/shared/ports/reboot-queue.ts";
import { MemoryPlanStore } from "@node-agent/shared/testing/memory-plan-store.ts";
import { MemoryStore } from "@node-agent/shared/testing/memory-store.ts";
import type { Incarnation } from "./incarnation.ts";
import {
  behindNetwork,
  calmWeather,
  FaultCount,
  LostError,
  type NetworkDeps,
  type Weather,
} from "./network.ts";
import { Random } from "./random.ts";
import { AttemptLog } from "./attempt-log.ts";
import { simCloud, type CloudWeather } from "./sim-cloud.ts";
import { SimQueues } from "./sim-queue.ts";
import { SMALL, type Settings } from "./settings.ts";
import type { EventFault } from "./sim-watch.ts";
import { Story } from "./story.ts";
import { Truth } from "./truth.ts";
import type { Twist } from "./twist.ts";
import { VirtualTime } from "./virtual-time.ts";

/** How bad everything is at this moment. */
export interface WorldWeather {
  readonly redis: Weather;
  readonly api: Weather;
  readonly cloud: CloudWeather;
  lostEvent: number;
  doubledEvent: number;
  reorderedEvent: number;
  slowestEvent: Millis;
}

/** What a world is made of. */
export interface WorldOptions {
  readonly seed: number;
  readonly settings?: Settings;
  readonly twist?: Twist;
  readonly told?: boolean;
}

/** Everything the simulated processes share: truth, API server, Redis, queues, ledger, cloud. */
export class World {
  readonly seed: number;
  readonly random: Random;
  readonly time: VirtualTime;
  readonly truth: Truth;
  readonly queues: SimQueues;
  readonly ledger: MemoryLedger;
  readonly network: NetworkDeps;
  readonly weather: WorldWeather;
  /** What the oracle holds the system to. */
  readonly promised: Settings;
  /** What the system is given: the same, unless a guard was taken away. */
  readonly settings: Settings;
  readonly twist: Twist;
  /** How often each outcome and verification was told. */
  readonly outcomes = new Map<string, number>();
  /** What processes share of plans, in Redis. */
  plans: MemoryPlanStore;
  /** The intents that reached the store. */
  readonly attempts: AttemptLog;
  store: MemoryStore;
  /** The highest sequence number, as Redis remembers it. */
  sequence = 0;
  #redisSkew: Millis = 0;
  /** How far the clocks of the API server's replicas may be off the truth, either way. */
  apiSkew: Millis = 0;
  /** All clocks there are go wrong together, by this much; no two of them are further apart than is allowed. */
  drift: Millis | undefined;
  /** Since when the API server has been away. */
  apiDownSince: Millis | undefined;
  /** Somebody wrote bytes into Redis that no process of ours wrote: thresholds are no longer promised. */
  forged = false;
  /** The nodes that the agent was told to look at. */
  selects: (snapshot: NodeSnapshot) => boolean = () => true;
  /** The API server answers every list with none, and reads of single nodes as ever. */
  listsNothing = false;
  eventFault: ((process: Incarnation, node: string) => EventFault | undefined) | undefined;
  #tokens = 0;

  /** How far Redis' clock is off the truth. */
  get redisSkew(): Millis {
    return this.#redisSkew;
  }

  set redisSkew(skew: Millis) {
    this.#redisSkew = skew;
    this.truth.darkness.redisIsOffBy(skew);
  }

  constructor({ seed, settings = SMALL, twist = {}, told = false }: WorldOptions) {
    this.seed = seed;
    this.promised = settings;
    this.twist = twist;
    this.settings = twist.settings?.(settings) ?? settings;
    this.random = new Random(seed);
    this.time = new VirtualTime(this.random);
    const story = new Story(this.time, told);
    this.truth = new Truth(this.time, settings, story);
    this.queues = new SimQueues(this.time, this.random, settings.lock);
    this.network = {
      random: this.random,
      story,
      count: new FaultCount(),
      crash: () => undefined,
      freeze: (process) => this.freeze(process, this.random.between(1, 4) * settings.lock),
      fault: undefined,
    };
    this.attempts = new AttemptLog(() => this.time.now);
    this.store = this.newStore();
    this.plans = this.newPlans();
    this.ledger = new MemoryLedger("sim", () => this.#apiNow());
    // Old enough to be trusted from the start.
    this.ledger.create(emptyLedger("sim", "operator", this.time.start), this.time.start - 24 * HOUR);
    this.weather = {
      redis: calmWeather(),
      api: calmWeather(),
      cloud: { refused: 0, unclear: 0, late: 0, latest: false, unreachable: 0, uncured: 0 },
      lostEvent: 0,
      doubledEvent: 0,
      reorderedEvent: 0,
      slowestEvent: 250,
    };
  }

  get story(): Story {
    return this.network.story;
  }

  /** The Date header of whichever replica answers, in whole seconds. */
  #apiNow(): EpochMillis {
    const replica = this.apiSkew === 0 ? 0 : this.random.pick([-this.apiSkew, 0, this.apiSkew]);
    const skew = this.drift ?? replica;
    return Math.floor((this.time.now + skew) / SECOND) * SECOND;
  }

  get #redisClock(): Clock {
    return {
      now: () => Math.round(this.time.now + this.redisSkew),
      monotonic: () => this.time.elapsed,
      sleep: async () => undefined,
    };
  }

  newStore(): MemoryStore {
    return new MemoryStore(this.#redisClock, {
      maxGap: this.twist.maxGap ?? this.settings.policy.viewMaxAge,
    });
  }

  freeze(process: Incarnation, span: Millis): void {
    this.network.count.add("Freeze");
    this.story.tell(() => `${process.name} stands still for ${Math.round(span)} ms`);
    process.freeze(span);
    this.time.at(span + 1, () => this.queues.prune());
  }

  nextToken(): string {
    this.#tokens += 1;
    return `token-${this.#tokens}`;
  }

  redisFor(process: Incarnation, part: string): MemoryStore {
    // The store may be replaced by a flush: calls go to whatever stands there when they arrive.
    const current = new Proxy(this.store, {
      get: (_, key) => {
        const { store } = this;
        const twisted = this.twist.store?.(store, this) ?? store;
        if (key === "compareAndSet") {
          return async (...args: Parameters<MemoryStore["compareAndSet"]>) =>
            this.attempts.compareAndSet(twisted, args);
        }
        const value: unknown = Reflect.get(twisted, key, twisted);
        return typeof value === "function" ? (value as () => unknown).bind(twisted) : value;
      },
    });
    const networked = this.#networked(current, process, part, this.weather.redis);
    return new Proxy(networked, {
      get: (target, key) => {
        if (key !== "versions") return Reflect.get(target, key, target);
        // A shard that no node belongs to is empty for ever: asking for it would be time without events.
        return async (shard: number) => (this.#hasNodes(shard) ? target.versions(shard) : new Map());
      },
    });
  }

  #hasNodes(shard: number): boolean {
    for (const name of this.truth.machines.keys()) if (shardOf(name) === shard) return true;
    return false;
  }

  queuesFor(process: Incarnation, part: string): SimQueues {
    return this.#networked(this.queues, process, part, this.weather.redis);
  }

  newPlans(): MemoryPlanStore {
    return new MemoryPlanStore(this.#redisClock);
  }

  plansFor(process: Incarnation, part: string): PlanStore {
    // A flush replaces them: calls go to whatever stands there when they arrive.
    const current: PlanStore = {
      takeTurn: async (span) => this.plans.takeTurn(span),
      isIdle: async () => this.plans.isIdle(),
      census: async () => this.plans.census(),
      tellCensus: async (census) => this.plans.tellCensus(census),
      publish: async (plan) => this.plans.publish(plan),
      latest: async () => this.plans.latest(),
    };
    return this.#networked(current, process, part, this.weather.redis);
  }

  rebootQueueFor(process: Incarnation): RebootQueue {
    const { reboots } = this.queues;
    return this.#networked(this.twist.reboots?.(reboots) ?? reboots, process, "plan", this.weather.redis);
  }

  memoryFor(process: Incarnation): SequenceMemory {
    const memory: SequenceMemory = {
      raise: async (seq) => {
        const highest = joined(this.sequence, seq, this.time.now + this.redisSkew);
        if (seq > 0) this.sequence = highest;
        return highest;
      },
    };
    return this.#networked(this.twist.memory?.(memory) ?? memory, process, "reboot", this.weather.redis);
  }

  readerFor(process: Incarnation, part: string): NodeReader {
    const reader: NodeReader = {
      read: async (name) => {
        const node = this.truth.snapshot(name);
        return node === undefined ? { found: false } : { found: true, node };
      },
    };
    const twisted = part === "reboot" ? this.twist.reader?.(reader, this) : undefined;
    return this.#networked(twisted ?? reader, process, part, this.weather.api);
  }

  /** The nodes that a list shows. */
  listed(): NodeSnapshot[] {
    return this.listsNothing ? [] : this.truth.snapshots();
  }

  listerFor(process: Incarnation): NodeLister {
    const { weather, network } = this;
    const list = async (): Promise<NodeSnapshot[]> => this.listed();
    const networked = behindNetwork({ list }, { process, part: "reboot" }, weather.api, network);
    return {
      list: async function* () {
        yield* await networked.list();
      },
    };
  }

  ledgerFor(process: Incarnation): RebootLedger {
    const twisted = this.twist.ledger?.(this.ledger, this) ?? this.ledger;
    const networked = this.#networked(twisted, process, "reboot", this.weather.api);
    return {
      read: async (signal) => networked.read(signal),
      compareAndWrite: async (next, seen, signal) => {
        try {
          return await networked.compareAndWrite(next, seen, signal);
        } catch (error) {
          if (!(error instanceof LostError)) throw error;
          return { outcome: "Unknown", why: "no answer" };
        }
      },
    };
  }

  cloudFor(process: Incarnation, askedFor: () => string): Executor {
    const { callDeadline, margin } = this.promised.ledger;
    const cloud = simCloud(process, {
      truth: this.truth,
      time: this.time,
      weather: this.weather.cloud,
      network: this.weather.api,
      deps: this.network,
      latest: callDeadline + margin,
      askedFor,
    });
    return this.twist.executor?.(cloud, this) ?? cloud;
  }

  #networked<T extends object>(port: T, process: Incarnation, part: string, weather: Weather): T {
    return behindNetwork(port, { process, part }, weather, this.network);
  }
}
