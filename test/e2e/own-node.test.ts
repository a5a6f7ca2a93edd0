import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { untilReady, type Agent } from "../support/topology-agent.ts";
import { useTopology } from "../support/topology.ts";

const topology = useTopology({
  pools: [{ name: "standard", nodeNames: ["host-a", "host-b", "well-1", "well-2", "well-3"] }],
  workers: 0,
});

/** A worker that the downward API told its node. */
async function workerOn(node: string): Promise<Agent> {
  const agent = topology().start("worker", { env: { NODE_NAME: node } });
  await untilReady(agent);
  return agent;
}

const calls = async (agent: Agent): Promise<number> =>
  agent.metric("civo_node_agent_reboots_total", { outcome: "Accepted" });

test("the node of a worker is rebooted by another; and by itself when the other was killed", async () => {
  const [own, other] = await Promise.all([workerOn("host-a"), workerOn("host-b")]);
  await eventually(async () => expect((await topology().record("host-a"))?.phase).toBe("Healthy"), {
    within: 30_000,
  });
  await topology().simulator.break("host-a", "not-ready");
  expect(await topology().recovered("host-a")).toHaveLength(1);
  expect([await calls(own), await calls(other)]).toEqual([0, 1]);

  await other.kill9();
  await topology().simulator.break("host-a", "not-ready");
  expect(await topology().recovered("host-a")).toHaveLength(2);
  expect(await calls(own)).toBe(1);
});
