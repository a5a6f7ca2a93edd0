import { Job, Queue } from "bullmq";
import type { Keys } from "../contract/keys.ts";
import { QUEUES, type RebootJob } from "../contract/queues.ts";
import type { QueuedReboot, RebootQueue } from "../ports/reboot-queue.ts";
import { ofRedis } from "./redis-error.ts";
import { RedisScript, type RedisClient } from "./script.ts";
import { stringsOf } from "./view.ts";

const listScript = new RedisScript("list-reboots-1");
const tellScript = new RedisScript("tell-reboots-1");

/** Jobs that one command tells: a script must not keep Redis from others for long. */
const TOLD_AT_ONCE = 500;
/** BullMQ sorts delayed jobs by their time, shifted by 12 bits that tell jobs of one millisecond apart. */
export const SCORE_PER_MILLISECOND = 0x1000;

const STATES: Readonly<Record<string, QueuedReboot["state"]>> = {
  delayed: "Delayed",
  waiting: "Waiting",
  active: "Active",
};

/** The pending reboots on BullMQ's queue, read and told in bulk. Throws `RedisError` when Redis fails. */
export class BullRebootQueue implements RebootQueue {
  readonly #client: RedisClient;
  readonly #key: string;
  readonly #queue: Queue<RebootJob>;

  constructor(client: RedisClient, keys: Keys, onError: (error: Error) => void) {
    this.#client = client;
    this.#key = `${keys.prefix}:${QUEUES.reboots}`;
    this.#queue = new Queue(QUEUES.reboots, {
      connection: client,
      prefix: keys.prefix,
      skipMetasUpdate: true,
      skipVersionCheck: true,
    });
    this.#queue.on("error", onError);
  }

  async list(): Promise<readonly QueuedReboot[]> {
    const cells = stringsOf(await listScript.run(this.#client, [this.#key], []));
    const reboots: QueuedReboot[] = [];
    for (let i = 0; i + 4 < cells.length; i += 5) {
      const [id = "", node = "", word = "", score = "", progress = ""] = cells.slice(i, i + 5);
      const state = STATES[word];
      if (state === undefined || node === "") continue;
      const at = score === "" ? undefined : Math.floor(Number(score) / SCORE_PER_MILLISECOND);
      reboots.push({ id, node, state, ...(at === undefined ? {} : { at }), progress: jsonOf(progress) });
    }
    return reboots;
  }

  async wake(reboots: readonly QueuedReboot[]): Promise<void> {
    for (const { id } of reboots) {
      const job = await ofRedis(async () => Job.fromId(this.#queue, id));
      // It ran, ended or was woken meanwhile: nothing is left to do.
      await job?.promote().catch((error: unknown) => {
        if (!(error instanceof Error) || !/is not in the delayed state|Missing key/u.test(error.message))
          throw error;
      });
    }
  }

  async tell(words: readonly { readonly reboot: QueuedReboot; readonly progress: object }[]): Promise<void> {
    for (let i = 0; i < words.length; i += TOLD_AT_ONCE) {
      const some = words.slice(i, i + TOLD_AT_ONCE);
      const args = some.flatMap(({ reboot, progress }) => [reboot.id, JSON.stringify(progress)]);
      await tellScript.run(this.#client, [this.#key], args);
    }
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
