import type { Keys } from "../contract/keys.ts";
import { parseStored, waitingSchema } from "../contract/stored.ts";
import type { Waiting } from "../core/storm/turns.ts";
import type { WaitingLine } from "../ports/waiting-line.ts";
import type { RedisClient } from "./script.ts";

/** The line on Redis: a hash of nodes. What cannot be read is nobody's place, and a key of another type is thrown away. */
export class RedisWaitingLine implements WaitingLine {
  readonly #client: RedisClient;
  readonly #key: string;

  constructor(client: RedisClient, { line }: Keys) {
    this.#client = client;
    this.#key = line;
  }

  async join(one: Waiting): Promise<void> {
    const json = JSON.stringify({ schema: 1, ...one });
    await this.#orAnew(async () => this.#client.hset(this.#key, one.node, json));
  }

  async leave(node: string): Promise<boolean> {
    return (await this.#orAnew(async () => this.#client.hdel(this.#key, node))) === 1;
  }

  async places(): Promise<readonly Waiting[]> {
    const places = (await this.#orAnew(async () => this.#client.hgetall(this.#key))) ?? {};
    return Object.entries(places).flatMap(([node, json]) => {
      const read = parseStored(`place of ${node}`, json, waitingSchema);
      return read.ok && read.value.node === node ? [read.value] : [];
    });
  }

  async #orAnew<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("WRONGTYPE")) throw error;
      await this.#client.del(this.#key);
      return undefined;
    }
  }
}
