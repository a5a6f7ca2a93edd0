import type { Keys } from "../contract/keys.ts";
import type { SequenceMemory } from "../ports/sequence-memory.ts";
import { RedisScript, type RedisClient } from "./script.ts";

const raiseScript = new RedisScript("raise-1");

/** The memory on Redis: a hint that is shared by all workers; each also keeps what it saw itself. */
export class RedisSequenceMemory implements SequenceMemory {
  readonly #client: RedisClient;
  readonly #keys: Keys;

  constructor(client: RedisClient, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
  }

  async raise(seq: number): Promise<number> {
    return Number(await raiseScript.run(this.#client, [this.#keys.sequence], [seq]));
  }
}
