import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { untilReady } from "../support/topology-agent.ts";
import { useTopology } from "../support/topology.ts";

const within = 30_000;
const monitorOnly = { config: { monitorOnly: true } };

describe("a rollout stuck half-way between modes", () => {
  const topology = useTopology({
    pools: [{ name: "standard", nodeNames: ["first", "second", "third"] }],
    config: { monitorOnly: true },
  });

  test("the active worker wins at once: what is due is repaired, and the monitor-only worker says why it stands back", async () => {
    const [monitor] = topology().workers();
    // As the documents say: a user without the dangerous commands, but INFO.
    const { client, url } = topology().redis;
    const rights = ["~{node-agent:*", "&*", "+@all", "-@dangerous", "+info"];
    await client.call("ACL", "SETUSER", "narrow", "on", ">pw", ...rights);
    const env = { REDIS_URL: url.replace("redis://", "redis://narrow:pw@") };
    const active = topology().start("worker", { env, config: { monitorOnly: false } });
    await untilReady(active);
    await eventually(
      async () => {
        const { status, body } = await monitor!.get("/readyz");
        expect(status).toBe(503);
        expect(body).toContain(`/${active.pid} is in active mode`);
        expect(await monitor!.metric("civo_node_agent_jobs_paused", { cause: "Mode" })).toBe(1);
        expect(await active.metric("civo_node_agent_unlike_workers")).toBe(1);
      },
      { within },
    );
    expect((await active.get("/readyz?verbose")).body).toContain("another policy or mode");
    await topology().simulator.break("first", "not-ready");
    expect(await topology().recovered("first")).toHaveLength(1);
    expect(topology().logs({ msg: "takes no jobs" })).toHaveLength(1);
  });

  test("a monitor-only worker that starts beside it judges nothing, and takes over when the active one is gone", async () => {
    const [monitor, active] = topology().workers();
    await monitor!.kill9();
    const late = topology().start("worker", monitorOnly);
    await eventually(async () => expect((await late.get("/readyz")).body).toContain("[-]mode"), { within });
    await topology().simulator.break("first", "not-ready");
    expect(await topology().recovered("first")).toHaveLength(2);
    expect(await late.metric("civo_node_agent_health_check_total")).toBe(0);
    await active!.kill9();
    await untilReady(late);
    await topology().simulator.break("third", "not-ready");
    await eventually(
      async () =>
        expect(await topology().record("third")).toMatchObject({
          monitorOnly: true,
          lastReboot: { outcome: "Simulated" },
        }),
      { within },
    );
  });
});

describe("a rollout stuck half-way between configurations", () => {
  const topology = useTopology({
    pools: [{ name: "standard", nodeNames: ["pending", "first", "second", "third", "twice", "well"] }],
  });
  const newer = { checkers: { NodeReady: { threshold: "1500ms" } }, rebootWait: { standard: "6s" } };

  test("both workers go on and name each other, and each repair that is due is called once per window", async () => {
    const { simulator, start, workers, recovered, rebootCalls, pendingReboot } = topology();
    await simulator.break("pending", "disk-pressure");
    await eventually(async () => expect(await pendingReboot("pending")).toBeDefined(), { within });
    await untilReady(start("worker", { config: newer }));
    await simulator.break("twice", "not-ready", { curedByReboot: 2 });
    for (const node of ["first", "second", "third"]) await simulator.break(node, "not-ready");
    for (const node of ["pending", "first", "second", "third"]) {
      expect(await recovered(node)).toHaveLength(1);
      expect(await rebootCalls(node)).toHaveLength(1);
    }
    expect(await recovered("twice")).toHaveLength(2);
    for (const worker of workers()) {
      await untilReady(worker);
      expect(await worker.metric("civo_node_agent_unlike_workers")).toBe(1);
    }
    expect(await rebootCalls("well")).toEqual([]);
  });
});
