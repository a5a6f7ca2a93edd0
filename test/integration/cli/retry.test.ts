import { expect, test } from "vitest";
import { createNodeReader } from "@node-agent/kubernetes";
import { retryOrderedAt } from "@node-agent/shared/core/retry.ts";
import { toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { useCliWorld } from "./cli-world.ts";

const world = useCliWorld();

test("retry writes the order and its audit on the node, in a form that the workers read", async () => {
  const run = await world().cli(["retry", "node-1", "--reason", "mainboard replaced, RMA-17"]);
  expect(run).toMatchObject({ code: 0, err: "" });
  expect(run.out).toMatch(
    /^node node-1: attempts before \S+Z do not count any more, by admin \(ann@desk\): mainboard replaced, RMA-17\n$/u,
  );
  const read = await createNodeReader({ connection: world().kubernetes, project: toSnapshot }).read("node-1");
  if (!read.found) throw new Error("the node is gone");
  expect(retryOrderedAt(read.node, Date.now())).toBeGreaterThan(Date.now() - 60_000);
  const { body } = await world().kubernetes.request("/api/v1/nodes/node-1");
  expect(body).toMatchObject({
    metadata: {
      annotations: {
        "audit.node-agent.civo.com/retry": expect.stringMatching(
          /^by admin \(ann@desk\) at \S+Z: mainboard/u,
        ) as unknown,
      },
    },
  });
});

test("retry needs a node that exists", async () => {
  const run = await world().cli(["retry", "node-99", "--reason", "x"]);
  expect(run.code).toBe(1);
  expect(run.err).toContain("there is no node node-99");
});
