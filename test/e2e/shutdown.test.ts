import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";
import type { Agent } from "../support/topology-agent.ts";

// A call may hang for much longer than a test waits: only what a signal does ends a process here.
const ENDLESS = "10m";

const topology = useTopology({
  pools: [{ name: "standard", nodeNames: ["finished", "cut-off", "abandoned"] }],
  watchers: 1,
  workers: 1,
});
const within = 30_000;

/** A worker of its own for one test, beside the one that serves the topology; the latter is stopped. */
async function onlyWorker(timings: Readonly<Record<string, string>>): Promise<Agent> {
  const { simulator, start, workers } = topology();
  for (const worker of workers()) await worker.kill9();
  await simulator.clearFaults();
  const worker = start("worker", { args: [], config: { timings } });
  await eventually(async () => expect((await worker.get("/readyz")).status).toBe(200), { within });
  return worker;
}

async function breakAndFault(node: string, fault: Readonly<Record<string, unknown>>): Promise<void> {
  const { simulator, rebootCalls } = topology();
  const { instanceId } = await simulator.node(node);
  const match = { method: "POST", path: `/v2/instances/${instanceId}/hard_reboots` };
  await simulator.command({ do: "fault", fault: { api: "civo", times: 1, match, ...fault } });
  await simulator.break(node, "not-ready");
  await eventually(async () => expect(await rebootCalls(node)).toHaveLength(1), { within });
}

function said(agent: Agent, message: string): boolean {
  return agent.logs().some(({ msg }) => msg === message);
}

describe("SIGTERM", () => {
  test("finishes the active jobs, says that it drains, and exits 0", async () => {
    const worker = await onlyWorker({ shutdownGrace: "20s", cloudCallDeadline: "15s" });
    await breakAndFault("finished", { effect: "delay", by: "1500ms" });
    worker.send("SIGTERM");
    await eventually(async () => {
      expect(await worker.get("/readyz?verbose")).toMatchObject({
        status: 503,
        body: expect.stringContaining("[-]shutdown"),
      });
    });
    expect(await worker.exited).toEqual({ code: 0, signal: null });
    // The answer came after the signal, and was written down.
    expect((await topology().record("finished"))?.lastReboot).toMatchObject({ outcome: "Accepted" });
    expect(said(worker, "stopped")).toBe(true);
    expect(said(worker, "did not stop within the grace time; left behind")).toBe(false);
  });

  test("exits 0 when the grace is over, whatever hangs, and the call counts as a reboot", async () => {
    const worker = await onlyWorker({ shutdownGrace: "1s", cloudCallDeadline: ENDLESS });
    await breakAndFault("cut-off", { effect: "execute-then-hang" });
    worker.send("SIGTERM");
    expect(await worker.exited).toEqual({ code: 0, signal: null });
    expect((await topology().record("cut-off"))?.lastReboot).toMatchObject({ outcome: "Intent", number: 1 });
  });

  test("a second signal exits at once", async () => {
    const worker = await onlyWorker({ shutdownGrace: ENDLESS, cloudCallDeadline: ENDLESS });
    await breakAndFault("abandoned", { effect: "execute-then-hang" });
    worker.send("SIGTERM");
    await eventually(() => expect(said(worker, "stopping")).toBe(true));
    expect(worker.exit()).toBeUndefined();
    worker.send("SIGTERM");
    expect(await worker.exited).toEqual({ code: 143, signal: null });
    expect((await topology().record("abandoned"))?.lastReboot).toMatchObject({
      outcome: "Intent",
      number: 1,
    });
  });

  test("ends a watcher with 0", async () => {
    const watcher = topology().start("watcher");
    await eventually(async () => expect((await watcher.get("/readyz")).status).toBe(200), { within });
    watcher.send("SIGTERM");
    expect(await watcher.exited).toEqual({ code: 0, signal: null });
  });

  test.each(["watcher", "worker"] as const)("ends a %s with 0 while Redis is away", async (role) => {
    const agent = topology().start(role);
    await eventually(async () => expect((await agent.get("/readyz")).status).toBe(200), { within });
    await topology().redis.stop("SIGKILL");
    await eventually(async () => expect((await agent.get("/readyz")).status).toBe(503), { within });
    agent.send("SIGTERM");
    expect(await agent.exited).toEqual({ code: 0, signal: null });
    await topology().redis.start();
  });

  test("ends a process with 0 that still waits for Redis to start", async () => {
    const agent = topology().start("worker", { env: { REDIS_URL: "redis://127.0.0.1:1" } });
    await eventually(() => expect(said(agent, "Redis connection error; retrying")).toBe(true), { within });
    agent.send("SIGINT");
    expect(await agent.exited).toEqual({ code: 0, signal: null });
  });
});
