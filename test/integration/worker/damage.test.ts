import { expect, test } from "vitest";
import { SHARDS, shardOf } from "../../../packages/shared/src/contract/keys.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { useRedis } from "../../support/redis.ts";
import { Fleet } from "./fleet.ts";

const redis = useRedis();
const ELSEWHERE = Array.from({ length: SHARDS * 4 }, (_, i) => `node-${i}`).find(
  (name) => shardOf(name) !== shardOf("node-1"),
);

test("records of another type in one shard: the fault is told, the other shards are judged, the shard heals with its key", async () => {
  await using fleet = new Fleet(redis);
  fleet.startWorker();
  const elsewhere = ELSEWHERE ?? "";
  await fleet.client.set(fleet.recordsKeyOf("node-1"), "not ours");
  await fleet.see(aNode("node-1"), aNode(elsewhere));
  await eventually(async () => expect(await fleet.phase(elsewhere)).toBe("Healthy"));
  await eventually(() => {
    const faults = fleet.journal.lines
      .filter(({ kind }) => kind === "fault")
      .map(({ args }) => String(args[1]));
    expect(faults).toContainEqual(expect.stringContaining("WRONGTYPE"));
  });
  await fleet.client.del(fleet.recordsKeyOf("node-1"));
  await fleet.resync();
  await eventually(async () => expect(await fleet.phase("node-1")).toBe("Healthy"));
});

test("jobs with a payload nobody could have written end, are told, and stop no other job", async () => {
  await using fleet = new Fleet(redis);
  fleet.startWorker();
  for (const data of [{}, { schema: 2 }, { schema: 1, shard: "0" }, { schema: 1, shard: -1 }, null]) {
    await fleet.wakeUps.add("evaluate", data);
  }
  await fleet.reboots.add("n", { schema: 1, node: "" });
  await fleet.see(aNode("node-1"));
  await eventually(async () => expect(await fleet.phase("node-1")).toBe("Healthy"));
  await eventually(() => expect(fleet.journal.count("fault")).toBe(6));
  await eventually(async () => expect(await fleet.pending()).toEqual([]));
});
