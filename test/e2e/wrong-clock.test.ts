import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { ROOT } from "../support/processes.ts";
import { useTopology } from "../support/topology.ts";
import type { Agent } from "../support/topology-agent.ts";

const HOUR = 3_600_000;
const nodeNames = ["a", "b", "c"];
const topology = useTopology({ pools: [{ name: "standard", nodeNames: [...nodeNames, "asleep", "well"] }] });

const startWrong = (by: number): Agent =>
  topology().start("worker", {
    env: {
      NODE_OPTIONS: `--import ${pathToFileURL(join(ROOT, "test/support/wrong-clock.mjs")).href}`,
      WRONG_CLOCK_MS: String(by),
    },
  });

const wrong: Agent[] = [];

beforeAll(() => {
  wrong.push(startWrong(HOUR), startWrong(-HOUR));
});

async function expectNoRepairByWrong(): Promise<void> {
  for (const agent of wrong) expect(await agent.metric("civo_node_agent_reboots_total")).toBe(0);
}

test("workers one hour ahead and one hour behind take no repairs: a good one makes them in time, and none sleeps", async () => {
  await eventually(
    async () => {
      for (const agent of wrong) {
        const { status, body } = await agent.get("/readyz");
        expect(status).toBe(503);
        expect(body).toMatch(
          /\[-\]clock .*Redis says .* when this machine says .* \(3600 s apart\).*; 2 s are allowed/u,
        );
        expect(await agent.metric("civo_node_agent_jobs_paused", { cause: "Clock" })).toBe(1);
      }
    },
    { within: 30_000 },
  );
  for (const node of nodeNames) await topology().simulator.break(node, "not-ready");
  await Promise.all(nodeNames.map(async (node) => topology().recovered(node)));
  expect(await topology().simulator.reboots()).toHaveLength(nodeNames.length);
  await expectNoRepairByWrong();
});

test("a repair that workers with wrong clocks made pending is called by the good worker that comes back", async () => {
  const [good] = topology().workers();
  await good!.kill9();
  await topology().simulator.break("asleep", "disk-pressure");
  const pending = await eventually(
    async () => {
      const job = await topology().pendingReboot("asleep");
      if (job === undefined) throw new Error("no repair is pending");
      return job;
    },
    { within: 30_000 },
  );
  // By the clock that all workers share, within seconds, and not an hour from now or an hour ago.
  expect(Math.abs(pending.timestamp + pending.delay - Date.now())).toBeLessThan(HOUR / 60);
  await topology().replace(good!);
  expect(await topology().recovered("asleep")).toHaveLength(1);
  await expectNoRepairByWrong();
});

test("their clocks are set right: they go on by themselves", async () => {
  for (const agent of wrong) agent.send("SIGUSR2");
  await eventually(
    async () => {
      for (const agent of wrong) expect((await agent.get("/readyz")).status).toBe(200);
    },
    { within: 15_000 },
  );
});
