import { beforeAll, describe, expect, test } from "vitest";
import { TIMES } from "../support/agent-config.ts";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";

/** An answer to the reboot call that leaves open what happened, and what then really had happened. */
const unclear = [
  { node: "error-500", executed: false, fault: { effect: "status", status: 500 } },
  {
    node: "error-502",
    executed: false,
    fault: { effect: "status", status: 502, body: "<html>Bad Gateway</html>", contentType: "text/html" },
  },
  { node: "hang", executed: false, fault: { effect: "hang" } },
  { node: "reset", executed: false, fault: { effect: "reset" } },
  { node: "done-then-500", executed: true, fault: { effect: "execute-then-status", status: 500 } },
  { node: "done-then-hang", executed: true, fault: { effect: "execute-then-hang" } },
  { node: "done-then-reset", executed: true, fault: { effect: "execute-then-reset" } },
  { node: "done-late", executed: true, fault: { effect: "delay", by: `${TIMES.callDeadline + 500}ms` } },
  { node: "done-then-cut", executed: true, fault: { effect: "truncate" } },
] as const;

const topology = useTopology({
  pools: [
    {
      name: "standard",
      nodeNames: [...unclear.map(({ node }) => node), "busy", "asked-to-wait", "refused", "well"],
    },
  ],
  watchers: 1,
  workers: 2,
});
const within = 60_000;

async function callPath(node: string): Promise<string> {
  return `/v2/instances/${(await topology().simulator.node(node)).instanceId}/hard_reboots`;
}

/** The next reboot call of this node meets the fault; all others are answered well. */
async function faultOnCall(node: string, fault: Readonly<Record<string, unknown>>): Promise<void> {
  const match = { method: "POST", path: await callPath(node) };
  await topology().simulator.command({ do: "fault", fault: { api: "civo", times: 1, match, ...fault } });
}

describe("a reboot call without a clear answer counts as a reboot and is not repeated within the wait", () => {
  beforeAll(async () => {
    for (const { node, fault } of unclear) {
      await faultOnCall(node, fault);
      await topology().simulator.break(node, "not-ready");
    }
  });

  test.each(unclear)("$node: $fault.effect", async ({ node, executed }) => {
    await eventually(
      () =>
        expect(topology().logs({ event: "RebootAnswered", node })[0]).toMatchObject({ outcome: "Unknown" }),
      { within },
    );
    const reboots = await topology().recovered(node);
    expect(reboots).toHaveLength(1);
    const calls = await topology().rebootCalls(node);
    expect(calls).toHaveLength(executed ? 1 : 2);
    const gaps = calls.slice(1).map(({ at }, i) => at - (calls[i]?.at ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(TIMES.wait.standard);
    // What may have happened counts as an attempt; what proves not to have been carried out is given back.
    expect((await topology().record(node))?.lastReboot?.number).toBe(1);
  });
});

describe("a clear no is no reboot and is asked again later", () => {
  test("429 with Retry-After: not before the time that the cloud names, and without a lost attempt", async () => {
    await faultOnCall("asked-to-wait", { effect: "status", status: 429, retryAfter: 3 });
    await topology().simulator.break("asked-to-wait", "not-ready");
    expect(await topology().recovered("asked-to-wait")).toHaveLength(1);
    const [refused, made, ...more] = await topology().rebootCalls("asked-to-wait");
    expect(more).toEqual([]);
    expect(refused?.status).toBe(429);
    expect(made?.at).toBeGreaterThanOrEqual((refused?.at ?? Infinity) + 3000);
    expect((await topology().record("asked-to-wait"))?.lastReboot).toMatchObject({
      number: 1,
      outcome: "Accepted",
    });
  });

  test("409, the instance is busy: after the pause, and without a lost attempt", async () => {
    const body = { code: "instance_state_must_be_active_or_shutoff", reason: "busy" };
    await faultOnCall("busy", { effect: "status", status: 409, body });
    await topology().simulator.break("busy", "not-ready");
    expect(await topology().recovered("busy")).toHaveLength(1);
    const [refused, made, ...more] = await topology().rebootCalls("busy");
    expect(more).toEqual([]);
    expect(made?.at).toBeGreaterThanOrEqual((refused?.at ?? Infinity) + TIMES.retryPause);
    expect((await topology().record("busy"))?.lastReboot).toMatchObject({ number: 1, outcome: "Accepted" });
  });

  test("a wrong API key: no reboot, a clear log, a metric, and a pending reboot that names its blocker", async () => {
    const { civo } = topology().simulator;
    await topology().simulator.command({ do: "rotate-api-key", apiKey: "another-key-of-the-same-account" });
    await topology().simulator.break("refused", "not-ready");
    await eventually(
      async () => {
        const job = await topology().pendingReboot("refused");
        expect(job?.progress).toMatchObject({
          waitsFor: "Cloud",
          why: expect.stringMatching(/^Unauthorized/u),
        });
      },
      { within },
    );
    const refused = { operation: "resolve", result: "Unauthorized" };
    expect(
      await topology().sum("worker", "civo_node_agent_cloud_api_requests_total", refused),
    ).toBeGreaterThan(0);
    expect(
      await topology().sum("worker", "civo_node_agent_reconcile_errors_total", { reason: "Cloud" }),
    ).toBeGreaterThan(0);
    expect(topology().logs({ event: "Fault", node: "refused", reason: "Cloud" })[0]).toMatchObject({
      level: "error",
      detail: expect.stringMatching(/^Unauthorized: HTTP 401/u),
    });
    expect(await topology().rebootCalls("refused")).toEqual([]);

    await topology().simulator.command({ do: "rotate-api-key", apiKey: civo.apiKey });
    expect(await topology().recovered("refused")).toHaveLength(1);
  });
});
