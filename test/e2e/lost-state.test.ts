import { Queue, type Job } from "bullmq";
import { describe, expect, test } from "vitest";
import { QUEUES } from "@node-agent/shared/contract/queues.ts";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";

const well = ["well-1", "well-2", "well-3"];
const losses = [
  { how: "obliterated with the whole queue", node: "obliterated" },
  { how: "cleaned by a dashboard", node: "cleaned" },
  { how: "removed by hand", node: "removed" },
] as const;

const topology = useTopology({
  pools: [
    {
      name: "standard",
      nodeNames: [...well, ...losses.map(({ node }) => node), "flushed", "unheard"],
    },
  ],
  watchers: 2,
  workers: 2,
});
const within = 30_000;

async function pending(node: string): Promise<Job> {
  return eventually(
    async () => {
      const found = await topology().pendingReboot(node);
      if (found === undefined) throw new Error(`no reboot of ${node} is pending`);
      return found;
    },
    { within },
  );
}

async function lose(how: (typeof losses)[number]["node"], job: Job): Promise<void> {
  const { rebootQueue } = topology();
  switch (how) {
    case "obliterated":
      await rebootQueue.obliterate({ force: true });
      return;
    case "cleaned":
      await rebootQueue.clean(0, 1000, "delayed");
      return;
    case "removed":
      await rebootQueue.remove(job.id ?? "");
      return;
    default:
      return how satisfies never;
  }
}

describe("what is lost from Redis comes back with the next resync", () => {
  test.each(losses)("a pending reboot that was $how", async ({ node }) => {
    await topology().simulator.break(node, "disk-pressure");
    const lost = await pending(node);
    // A job that runs just then is passed over by a dashboard's buttons: whoever wants it gone presses again.
    await eventually(async () => {
      await lose(node, lost);
      const found = await pending(node);
      // Ids may begin anew after an obliteration; the time of its making tells one job from another.
      expect(found.timestamp).toBeGreaterThan(lost.timestamp);
    });
    expect(await topology().recovered(node)).toHaveLength(1);
  });

  test("wake-ups of nodes that changed", async () => {
    const connection = topology().redis.client.duplicate();
    const queue = new Queue(QUEUES.nodeSnapshots, { connection, prefix: topology().keys.prefix });
    await queue.pause();
    await topology().simulator.break("unheard", "not-ready");
    await eventually(async () => expect(await queue.count()).toBeGreaterThan(0));
    await queue.obliterate({ force: true });
    await queue.resume();
    expect(await topology().recovered("unheard")).toHaveLength(1);
    await queue.close();
    connection.disconnect();
  });

  test("everything, by FLUSHALL: a sick node is rebooted, a healthy one never", async () => {
    const before = await topology().simulator.reboots();
    await topology().simulator.break("flushed", "disk-pressure");
    await pending("flushed");
    await topology().redis.client.flushall();
    expect(await topology().recovered("flushed")).toHaveLength(1);
    const truth = await topology().simulator.truth();
    await eventually(async () => expect(await topology().records()).toHaveLength(truth.length), { within });
    for (const { name } of truth) expect((await topology().record(name))?.phase).toBe("Healthy");
    expect(await topology().simulator.reboots()).toHaveLength(before.length + 1);
    for (const node of well) expect(await topology().simulator.reboots(node)).toEqual([]);
  });
});
