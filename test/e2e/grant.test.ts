import { join } from "node:path";
import { expect, test } from "vitest";
import { eventsIn } from "../support/cluster-events.ts";
import { eventually } from "../support/eventually.ts";
import { startProcess } from "../support/processes.ts";
import { useTopology } from "../support/topology.ts";
import { samplesOf } from "../support/topology-agent.ts";

const topology = useTopology({ pools: [{ name: "standard", nodeNames: ["sick", "well"] }] });

/** Runs an order as an operator does who has the configuration of the workers. */
async function order(...args: string[]): Promise<void> {
  const config = join(topology().dir, "worker-1.yaml");
  await using cli = startProcess({
    name: "order",
    script: "packages/cli/src/main.ts",
    args: [...args, "--config", config],
    env: { REDIS_URL: topology().redis.url, USER: "ann" },
  });
  expect(await cli.exited).toMatchObject({ code: 0 });
}

/** The series of a metric that the worker shows, by their scope. */
async function shown(name: string): Promise<Readonly<Record<string, number>>> {
  const page = (await topology().workers()[0]?.get("/metrics"))?.body ?? "";
  const samples = samplesOf(page).filter((sample) => sample.name === name);
  return Object.fromEntries(samples.map(({ labels, value }) => [labels["scope"], value]));
}

test("a grant is shown by the worker while it lasts: metrics, log, and the Event of a repair under it", async () => {
  const none = { fleet: 0, zone: 0, pool: 0, checker: 0, several: 0 };
  await eventually(async () => expect(await shown("civo_node_agent_grants")).toEqual(none));
  expect(await shown("civo_node_agent_grant_remaining_seconds")).toEqual({});

  await order("grant", "--reason", "power is back", "--for", "1h", "--force");
  await eventually(async () => expect(await shown("civo_node_agent_grants")).toEqual({ ...none, fleet: 1 }), {
    within: 30_000,
  });
  const { fleet } = await shown("civo_node_agent_grant_remaining_seconds");
  expect(fleet).toBeGreaterThan(3000);
  expect(fleet).toBeLessThanOrEqual(3600);
  expect(topology().logs({ event: "GrantBegan" })).toMatchObject([
    { scope: "fleet", by: expect.stringMatching(/^admin \(ann@/u), reason: "power is back" },
  ]);

  await topology().simulator.break("sick", "not-ready");
  expect(await topology().recovered("sick")).toHaveLength(1);
  const [{ grant } = { grant: undefined }] = topology().logs({ event: "RebootRequested" });
  expect(grant).toBe(topology().logs({ event: "GrantBegan" })[0]?.["grant"]);
  await eventually(async () => {
    const events = await eventsIn(topology().simulator.kubeconfig);
    expect(events.find(({ reason }) => reason === "RebootRequested")?.message).toMatch(
      /; under the grant of admin \(ann@.*\): power is back$/u,
    );
  });

  await order("revoke");
  await eventually(async () => expect(await shown("civo_node_agent_grants")).toEqual(none), {
    within: 30_000,
  });
  expect(await shown("civo_node_agent_grant_remaining_seconds")).toEqual({});
  expect(topology().logs({ event: "GrantEnded" })).toMatchObject([
    { grant, used: 1, why: expect.stringMatching(/^ended by admin \(ann@/u) },
  ]);
});
