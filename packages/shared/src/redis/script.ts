import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Cluster, Redis } from "ioredis";
import { ofRedis } from "./redis-error.ts";

/** A connection to one Redis, Sentinel-managed Redis or Redis Cluster. */
export type RedisClient = Redis | Cluster;

/** A Lua script from `commands/`, named `<name>-<number of keys>.lua`; its header tells keys, arguments and output. */
export class RedisScript {
  readonly #body: string;
  readonly #sha: string;
  readonly #keyCount: number;

  constructor(file: string) {
    this.#body = readFileSync(new URL(`./commands/${file}.lua`, import.meta.url), "utf8");
    this.#sha = createHash("sha1").update(this.#body).digest("hex");
    this.#keyCount = Number(file.slice(file.lastIndexOf("-") + 1));
  }

  /**
   * Runs the script by its hash, sending the body only to a server that does not know it. Rejects with a
   * `RedisError` when Redis does not carry it out.
   */
  async run(
    client: RedisClient,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    if (keys.length !== this.#keyCount)
      throw new RangeError(`Expected ${this.#keyCount} keys, got ${keys.length}`);
    return ofRedis(async () => {
      try {
        return await client.evalsha(this.#sha, keys.length, ...keys, ...args);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
        return client.eval(this.#body, keys.length, ...keys, ...args);
      }
    });
  }
}

/** Whether Redis refused a command because a key is of another type than ours: somebody else wrote it. */
export function isOfAnotherType(error: unknown): boolean {
  return error instanceof Error && error.message.includes("WRONGTYPE");
}
