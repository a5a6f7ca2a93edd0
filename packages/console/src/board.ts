import { createBullBoard } from "@bull-board/api";
import { FastifyAdapter } from "@bull-board/fastify";
import type { Queue } from "bullmq";
import type { FastifyPluginCallback } from "fastify";
import { QUEUES } from "@node-agent/shared/contract/queues.ts";
import type { RedisClient } from "@node-agent/shared/redis/script.ts";
import { TrueTimesAdapter } from "./true-times.ts";

/** Where the dashboard lives on its server. */
export const BOARD_PATH = "/queues";

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  [QUEUES.reboots]:
    "Pending reboots: a delayed job per unhealthy node, named after it. Its progress says what it waits for and until when.",
  [QUEUES.nodeSnapshots]: "Wake-ups for workers: a shard of nodes has new snapshots to judge.",
  [QUEUES.resync]: "One tick for the whole fleet: what is seen is compared with what is stored.",
};

/** What the dashboard shows and allows. */
export interface BoardOptions {
  readonly cluster: string;
  /** Enforced on the server: actions answer 405. */
  readonly readOnly: boolean;
}

/** The queue dashboard as a Fastify plugin. Jobs open on their progress, which is where a pending reboot says why it waits. */
export function createBoard(
  queues: readonly Queue[],
  connection: RedisClient,
  { cluster, readOnly }: BoardOptions,
): FastifyPluginCallback {
  const serverAdapter = new FastifyAdapter();
  serverAdapter.setBasePath(BOARD_PATH);
  createBullBoard({
    queues: queues.map(
      (queue) =>
        new TrueTimesAdapter(queue, connection, {
          readOnlyMode: readOnly,
          allowRetries: !readOnly,
          description: DESCRIPTIONS[queue.name] ?? "",
        }),
    ),
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: `node-agent: ${cluster}`,
        jobDetails: { defaultTab: "Progress" },
        hideRedisDetails: true,
        // A link to the library's site says nothing about this agent.
        hideDocsLink: true,
      },
    },
  });
  return serverAdapter.registerPlugin();
}
