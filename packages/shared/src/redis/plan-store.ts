import type { z } from "zod";
import { SHARDS, type Keys } from "../contract/keys.ts";
import { QUEUES } from "../contract/queues.ts";
import { censusSchema, publishedPlanSchema } from "../contract/stored-plan.ts";
import { parseStored } from "../contract/stored.ts";
import type { Census } from "../core/plan/census.ts";
import type { Millis } from "../core/time.ts";
import type { PlanStore, PublishedPlan } from "../ports/plan-store.ts";
import { ofRedis } from "./redis-error.ts";
import { isOfAnotherType, type RedisClient } from "./script.ts";

/** The parts of a plan that processes share, on Redis. All of it is a hint: what cannot be read is made anew. */
export class RedisPlanStore implements PlanStore {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  /** The census as it was told last by this process. */
  #told = "";

  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
  }

  async takeTurn(span: Millis): Promise<boolean> {
    const { planTurn } = this.#keys;
    const px = Math.max(1, Math.round(span));
    return ofRedis(async () => {
      if ((await this.#client.set(planTurn, "1", "PX", px, "NX")) === "OK") return true;
      // A key without an end, or with a far one, is no turn of ours, and would keep every worker from planning.
      const left = await this.#client.pttl(planTurn);
      if (left === -1 || left > px) await this.#client.del(planTurn);
      return false;
    });
  }

  /** One command, however many nodes there are. */
  async isIdle(): Promise<boolean> {
    const { attention, prefix } = this.#keys;
    const shards = Array.from({ length: SHARDS }, (_, shard) => attention(shard));
    const queues = ["delayed", "wait", "prioritized", "active", "paused"].map(
      (list) => `${prefix}:${QUEUES.reboots}:${list}`,
    );
    return (await ofRedis(async () => this.#client.exists(...shards, ...queues))) === 0;
  }

  async census(): Promise<Census | undefined> {
    return this.#read(this.#keys.census, censusSchema);
  }

  async tellCensus(census: Census): Promise<void> {
    const text = JSON.stringify(census);
    const stands = text === this.#told && (await ofRedis(async () => this.#client.exists(this.#keys.census)));
    if (stands === 1) return;
    await ofRedis(async () => this.#client.set(this.#keys.census, text));
    this.#told = text;
  }

  async publish(plan: PublishedPlan): Promise<void> {
    await ofRedis(async () => this.#client.set(this.#keys.plan, JSON.stringify(plan)));
  }

  async latest(): Promise<PublishedPlan | undefined> {
    return this.#read(this.#keys.plan, publishedPlanSchema);
  }

  async #read<T>(key: string, schema: z.ZodType<T>): Promise<T | undefined> {
    try {
      const text = await ofRedis(async () => this.#client.get(key));
      const parsed = parseStored(key, text ?? "", schema);
      return parsed.ok ? parsed.value : undefined;
    } catch (error) {
      // A key of another type: the next SET replaces it.
      if (isOfAnotherType(error)) return undefined;
      throw error;
    }
  }
}
