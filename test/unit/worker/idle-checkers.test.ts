import { expect, test } from "vitest";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { logIdleCheckers } from "../../../packages/worker/src/idle-checkers.ts";
import { memoryLogger } from "../runtime/log-lines.ts";
import { World } from "./world.ts";

async function logged(world: World, policy = DEFAULT_POLICY): Promise<unknown[]> {
  const { lines, logger } = memoryLogger();
  const { store: state, clock } = world;
  const done = logIdleCheckers({ state, policy, logger, clock, after: MINUTE }, new AbortController().signal);
  clock.advance(MINUTE);
  await done;
  return lines();
}

test("a cluster on which checkers never apply says so once", async () => {
  const world = new World();
  await world.seeAndJudge(aNode("node-1"));
  await world.seeAndJudge(aNode("node-2"));
  expect(await logged(world)).toEqual([
    expect.objectContaining({
      msg: "these checkers apply to no node of this cluster",
      checkers: ["GPU", "Cilium"],
      nodes: 2,
    }),
  ]);
});

test("a disabled checker, and a cluster without nodes, are nothing to tell", async () => {
  const world = new World();
  expect(await logged(world)).toEqual([]);
  await world.seeAndJudge(aNode("node-1").cilium());
  const { GPU } = DEFAULT_POLICY.checkers;
  const policy = {
    ...DEFAULT_POLICY,
    checkers: { ...DEFAULT_POLICY.checkers, GPU: { ...GPU, enabled: false } },
  };
  expect(await logged(world, policy)).toEqual([]);
});
