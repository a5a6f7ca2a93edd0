import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { decodeLedger, encodeLedger } from "@node-agent/shared/contract/ledger-codec.ts";
import { keysOf, SHARDS, type Keys } from "@node-agent/shared/contract/keys.ts";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import type { Random } from "../../../packages/simulator/src/world/random.ts";
import { agentOn } from "../redis/hostile-agent.ts";
import type { Fuzz } from "./hostile.ts";
import { damage, ownBytes, replaceKey, WORKER } from "./redis-damage.ts";

const NODES = 100;
/** Values that are written between two rounds of work. */
const BATCH = 500;
/** How many of them are keys of another type. */
const REPLACED = 5;
const MOST_TICKS = 20;
const MOST_TRIES = 20;
/** Sick and rebooted before the damage is done: nothing may be called for it. */
const WAITING = "node-0";
/** Sick, and its threshold has not passed: nothing may be called before, and something must be after. */
const EARLY = "node-1";
const NAMES = Array.from({ length: NODES }, (_, i) => `node-${i}`);
const WELL = new Set(NAMES.filter((name) => name !== WAITING && name !== EARLY));

/**
 * Arbitrary values, of any type, in every key of ours: whatever stands in Redis, a healthy node is never rebooted, one in
 * its wait not again, a sick one not before its time; and resyncs heal so that it is rebooted then.
 */
export const redisValues: Fuzz = async (random, cases) => {
  const client = new Redis(process.env["REDIS_URL"] ?? "", { maxRetriesPerRequest: null });
  const wrong: string[] = [];
  const count = { faults: 0 };
  let rounds = 0;
  for (let written = 0; written < cases && wrong.length === 0; written += BATCH, rounds += 1) {
    const keys = keysOf(`fuzz-${randomUUID()}`);
    await new Round(client, keys, random, wrong, count).run();
    await forget(client, keys);
  }
  client.disconnect();
  return { wrong, told: `${rounds} rounds, ${count.faults} faults were told` };
};

class Round {
  readonly #client: Redis;
  readonly #keys: Keys;
  readonly #random: Random;
  readonly #wrong: string[];
  readonly #it: ReturnType<typeof agentOn>;
  /** What held the reboot of each node last. */
  readonly #held = new Map<string, string>();

  constructor(client: Redis, keys: Keys, random: Random, wrong: string[], count: { faults: number }) {
    this.#client = client;
    this.#keys = keys;
    this.#random = random;
    this.#wrong = wrong;
    this.#it = agentOn(client, keys, {
      judged: nothing,
      held: (node, { gate, why }) => void this.#held.set(node, `${gate}: ${why}`),
      requested: nothing,
      answered: nothing,
      verified: nothing,
      recalled: nothing,
      fault: () => (count.faults += 1),
    });
  }

  async run(): Promise<void> {
    this.#place(1000, [WAITING]);
    await this.#work();
    await this.#becomeDue(WAITING);
    this.#place(1500, [WAITING, EARLY]);
    await this.#work();
    await this.#activateSome();
    this.#expectCalls([WAITING], "before any damage");

    const own = await ownBytes(this.#client, this.#keys, NAMES);
    const writes = this.#client.pipeline();
    for (let i = 0; i < BATCH - REPLACED; i += 1) damage(this.#random, writes, this.#keys, NAMES, EARLY, own);
    for (let i = 0; i < REPLACED; i += 1) replaceKey(this.#random, writes, this.#keys, NAMES);
    await writes.exec();
    await this.#activateSome();
    // Damage that stands where nobody looks is found with the next change of the node.
    this.#place(2000, [WAITING, EARLY]);
    // One tick makes good what it can with a limited number of reads; so much damage takes some.
    for (let tick = 0; tick < MOST_TICKS && (tick < 3 || (await this.#unhealed()).length > 0); tick += 1)
      await this.#work();
    await this.#activateSome();
    this.#expectCalls([WAITING], "by damaged bytes");
    for (const name of await this.#unhealed())
      this.#wrong.push(`${name} is not judged right after ${MOST_TICKS} resyncs`);

    await this.#passWaitsOfDamage();
    await this.#becomeDue(EARLY);
    await this.#it.activate(WAITING);
    this.#expectCalls([WAITING, EARLY], "when its time had come");
  }

  #place(version: number, sick: readonly string[]): void {
    const nodes = NAMES.map((name, i): NodeSnapshot => {
      const node = aNode(name)
        .resourceVersion(version + i)
        .label("topology.kubernetes.io/zone", `z${version}`);
      return (sick.includes(name) ? node.notReady() : node).snapshot();
    });
    this.#it.place(...nodes);
  }

  async #work(): Promise<void> {
    await this.#it.snapshots.beat(0);
    await this.#it.registry.beat({ id: WORKER, monitorOnly: false });
    await this.#it.resync();
    await this.#it.judgeAll();
  }

  async #activateSome(): Promise<void> {
    const { length } = NAMES;
    const some = Array.from({ length: 20 }, () => NAMES[this.#random.integer(length)] ?? "");
    for (const name of [...some, WAITING, EARLY]) await this.#it.activate(name);
  }

  /** Observed time passes, as it would in minutes; a machine that is slow misses the send deadline and tries again. */
  async #becomeDue(name: string): Promise<void> {
    await this.#client.hincrby(this.#keys.view, "observed", 10 * MINUTE);
    const { calls } = this.#it.executor;
    const before = calls.length;
    for (let tries = 0; tries < MOST_TRIES && calls.length === before; tries += 1) {
      if (tries > 0) await delay(100);
      await this.#passHolds();
      await this.#it.activate(name);
    }
  }

  /**
   * Damage may put a reboot off, as it should, for a wait at most: by a record that could not be read, by a boot that a
   * forged snapshot told of, by a sequence number that a ledger may have reached. What it put off is over now; the wait
   * of the reboot that was made is not.
   */
  async #passWaitsOfDamage(): Promise<void> {
    const { store } = this.#it;
    const { record, version } = await store.get(EARLY);
    if (record === undefined) return;
    const { lastReboot: _reboot, bootSeenAt: _boot, foreignBootAt: _foreign, incident: _, ...rest } = record;
    await store.compareAndSet(EARLY, version, { ...rest, phase: "Unknown", failing: {} });
    await this.#work();
  }

  /** A quarantine is over, and a worker that was made up has been silent for long enough. */
  async #passHolds(): Promise<void> {
    const { ledger } = this.#it;
    await this.#client.del(this.#keys.workers);
    const decoded = decodeLedger(ledger.data ?? {});
    if (!decoded.ok) throw new Error(decoded.why);
    const meta = { ...decoded.ledger.meta, quarantineUntil: 0 };
    ledger.overwrite(encodeLedger({ ...decoded.ledger, meta }));
  }

  /** Nodes whose record does not say what is the case. */
  async #unhealed(): Promise<string[]> {
    const states = await Promise.all(
      NAMES.map(async (name) => [name, (await this.#it.store.get(name)).record] as const),
    );
    return states
      .filter(([name, record]) =>
        WELL.has(name) ? record?.phase !== "Healthy" : record === undefined || record.phase === "Healthy",
      )
      .map(([name]) => name);
  }

  #expectCalls(names: readonly string[], when: string): void {
    const called = this.#it.executor.calls.map(({ target }) => target.hostname);
    if (called.join() !== names.join())
      this.#wrong.push(
        `${when}: called for ${called.join()}, expected ${names.join()}; ${EARLY} was held by ${this.#held.get(EARLY)}`,
      );
  }
}

async function forget(client: Redis, keys: Keys): Promise<void> {
  const sharded = [keys.snapshots, keys.versions, keys.dirty, keys.records, keys.attention];
  const all = Array.from({ length: SHARDS }, (_, shard) => sharded.map((key) => key(shard))).flat();
  await client.del(...all, keys.view, keys.sequence, keys.workers, keys.census, keys.plan, keys.planTurn);
}

const nothing = (): void => {};
