import type { Keys } from "../contract/keys.ts";
import { parseStored, workerSchema } from "../contract/stored.ts";
import type { LiveWorker } from "../core/hosting.ts";
import type { Millis } from "../core/time.ts";
import type { Registered, WorkerRegistry } from "../ports/worker-registry.ts";
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

  async beat({ id, ...said }: LiveWorker): Promise<Registered> {
    const json = JSON.stringify({ schema: 1, ...said });
    const answer = await beatScript.run(this.#client, [this.#keys.workers], [id, json, this.#silence]);
    const [now = "", ...entries] = stringsOf(answer);
    return { now: Number(now), workers: workersOf(entries) };
  }

  async leave(worker: LiveWorker): Promise<void> {
    await this.beat({ ...worker, left: true });
  }

  async live(): Promise<readonly LiveWorker[]> {
    const answer = await liveScript.run(this.#client, [this.#keys.workers], [this.#silence]);
    return workersOf(stringsOf(answer)).filter(({ left }) => left !== true);
  }
}

function workersOf(entries: readonly string[]): LiveWorker[] {
  const workers: LiveWorker[] = [];
  for (let i = 0; i < entries.length; i += 2) {
    const [id = "", json = ""] = entries.slice(i, i + 2);
    const said = parseStored(`worker ${id}`, json, workerSchema);
    // Ignore invalid entries: no worker wrote them.
    if (!said.ok) continue;
    const { node, monitorOnly, policy, rules, left } = said.value;
    workers.push({
      id,
      monitorOnly,
      ...(node === undefined ? {} : { node }),
      ...(policy === undefined ? {} : { policy }),
      ...(rules === undefined ? {} : { rules }),
      ...(left === undefined ? {} : { left }),
    });
  }
  return workers;
}
