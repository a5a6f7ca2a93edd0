import type { Keys } from "../contract/keys.ts";
import { parseStored, workerSchema } from "../contract/stored.ts";
import type { LiveWorker } from "../core/hosting.ts";
import type { Millis } from "../core/time.ts";
import type { WorkerRegistry } from "../ports/worker-registry.ts";
import { RedisScript, type RedisClient } from "./script.ts";
import { stringsOf } from "./view.ts";

const beatScript = new RedisScript("beat-worker-1");
const liveScript = new RedisScript("live-workers-1");

/** The workers of a cluster on Redis; `silence` is how long one may say nothing and still count as alive. */
export class RedisWorkerRegistry implements WorkerRegistry {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #silence: Millis;

  constructor(client: RedisClient, keys: Keys, silence: Millis) {
    this.#client = client;
    this.#keys = keys;
    this.#silence = Math.round(silence);
  }

  async beat({ id, ...said }: LiveWorker): Promise<void> {
    const json = JSON.stringify({ schema: 1, ...said });
    await beatScript.run(this.#client, [this.#keys.workers], [id, json, this.#silence]);
  }

  async leave(id: string): Promise<void> {
    await this.#client.hdel(this.#keys.workers, id);
  }

  async live(): Promise<readonly LiveWorker[]> {
    const answer = stringsOf(await liveScript.run(this.#client, [this.#keys.workers], [this.#silence]));
    const workers: LiveWorker[] = [];
    for (let i = 0; i < answer.length; i += 2) {
      const [id = "", json = ""] = answer.slice(i, i + 2);
      const said = parseStored(`worker ${id}`, json, workerSchema);
      // What no worker could have written is nobody who could reboot a node.
      if (!said.ok) continue;
      const { node, monitorOnly, rules } = said.value;
      workers.push({
        id,
        monitorOnly,
        ...(node === undefined ? {} : { node }),
        ...(rules === undefined ? {} : { rules }),
      });
    }
    return workers;
  }
}
