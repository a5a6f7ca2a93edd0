import type { Keys } from "../contract/keys.ts";
import type { EpochMillis, Millis } from "../core/time.ts";
import type { CallLimiter } from "../ports/job-queues.ts";
import { RedisScript, type RedisClient } from "./script.ts";

const takeScript = new RedisScript("take-call-1");

/** The shared limit on reboot calls: `max` in any window of `per`. It counts calls, not activations of jobs. */
export class RedisCallLimiter implements CallLimiter {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #limit: { readonly max: number; readonly per: Millis };

  constructor(client: RedisClient, keys: Keys, limit: { readonly max: number; readonly per: Millis }) {
    this.#client = client;
    this.#keys = keys;
    this.#limit = limit;
  }

  async take(token: string): Promise<EpochMillis | undefined> {
    const answer = await takeScript.run(
      this.#client,
      [this.#keys.calls],
      [token, this.#limit.max, Math.round(this.#limit.per)],
    );
    return answer === "" ? undefined : Number(answer);
  }
}
