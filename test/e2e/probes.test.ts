import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";
import type { Agent, AgentRole } from "../support/topology-agent.ts";

const topology = useTopology({ pools: [{ name: "standard", nodeNames: ["node"] }] });
const within = 30_000;

function agentOf(role: AgentRole): Agent {
  const [agent] = role === "watcher" ? topology().watchers() : topology().workers();
  if (agent === undefined) throw new Error(`no ${role} runs`);
  return agent;
}

async function readiness(agent: Agent): Promise<{ status: number; lines: string[] }> {
  const { status, body } = await agent.get("/readyz?verbose");
  return { status, lines: body.trimEnd().split("\n") };
}

describe.each(["watcher", "worker"] as const)("the probes of a %s", (role) => {
  const other = role === "watcher" ? "watch" : "queues";

  test("say that it is ready, check by check", async () => {
    // The other role's tests took Redis away a moment ago.
    const lines = await eventually(
      async () => {
        const ready = await readiness(agentOf(role));
        expect(ready.status).toBe(200);
        return ready.lines;
      },
      { within },
    );
    expect(lines).toContainEqual(expect.stringMatching(/^\[\+\]redis /u));
    expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^\\[\\+\\]${other} `, "u")));
    expect(await agentOf(role).get("/livez")).toMatchObject({ status: 200 });
    expect(await agentOf(role).get("/healthz")).toMatchObject({ status: 200 });
  });

  test("name Redis while it is away, without asking for a restart, and forget it afterwards", async () => {
    await topology().redis.stop("SIGKILL");
    await eventually(
      async () => {
        const { status, lines } = await readiness(agentOf(role));
        expect(status).toBe(503);
        expect(lines).toContainEqual(expect.stringMatching(/^\[-\]redis /u));
      },
      { within },
    );
    // A probe that fails tells why even when nobody asked it to be verbose.
    expect((await agentOf(role).get("/readyz")).body).toContain("[-]redis");
    expect(await agentOf(role).get("/livez")).toMatchObject({ status: 200 });
    // A scrape does not wait for Redis for ever: the counters are there without the gauges.
    expect((await agentOf(role).get("/metrics")).body).toContain("civo_node_agent_info");
    await topology().redis.start();
    await eventually(async () => expect((await readiness(agentOf(role))).status).toBe(200), { within });
    expect(agentOf(role).exit()).toBeUndefined();
  });
});

test("a watcher names the API server while it is away, and forgets it afterwards", async () => {
  const { simulator } = topology();
  await simulator.command({ do: "outage", api: "kubernetes", kind: "refuse" });
  await eventually(
    async () => {
      const { status, lines } = await readiness(agentOf("watcher"));
      expect(status).toBe(503);
      expect(lines).toContainEqual(expect.stringMatching(/^\[-\]watch /u));
    },
    { within },
  );
  expect(await agentOf("watcher").get("/livez")).toMatchObject({ status: 200 });
  await simulator.command({ do: "outage", api: "kubernetes", kind: "off" });
  await eventually(async () => expect((await readiness(agentOf("watcher"))).status).toBe(200), { within });
});
