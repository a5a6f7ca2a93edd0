import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { createEventRecorder } from "@node-agent/kubernetes";
import type { ClusterEvent } from "@node-agent/shared/core/cluster-event.ts";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import { createMetrics } from "@node-agent/shared/runtime/metrics/metrics.ts";
import { MemoryEventRecorder } from "@node-agent/shared/testing/memory-event-recorder.ts";
import type { FaultEffect } from "../../../packages/simulator/src/faults/fault.ts";
import { startSimulator } from "../../../packages/simulator/src/simulator.ts";
import { EventOutbox } from "../../../packages/worker/src/event-outbox.ts";
import { eventually } from "../../support/eventually.ts";
import { memoryLogger } from "../../unit/runtime/log-lines.ts";
import { eventRecorderContract } from "./event-recorder.contract.ts";
import { testFolder } from "./support/kubeconfig-file.ts";
import { openConnection } from "./support/open-connection.ts";

const EVENTS = "/api/v1/namespaces/default/events";
const NEVER = new AbortController().signal;
const run = promisify(execFile);

/** Two workers of one simulated cluster with a node `w-07`. */
async function twoWorkers() {
  await using started = new AsyncDisposableStack();
  const simulator = started.use(
    await startSimulator({ pools: [{ name: "workers", count: 1, nodeNames: ["w-07"] }] }),
  );
  const folder = started.use(await testFolder());
  const kubeconfig = await folder.write("config", simulator.kubeconfig());
  const connection = started.use(openConnection({ kubeconfig }));
  const recorderOf = (instance: string) => createEventRecorder({ connection, instance, deadline: 500 });
  const { body } = await connection.request("/api/v1/nodes/w-07");
  const { uid } = (body as { metadata: { uid: string } }).metadata;
  const anEvent = (
    change: number,
    message = "Paused holds the reboot: fleet (ledger): OPS-31",
  ): ClusterEvent => ({
    node: "w-07",
    uid,
    reason: "RebootHeld",
    type: "Warning",
    message,
    identity: `w-07/${uid}/RebootHeld/${change}`,
    at: Date.now(),
  });
  const owned = started.move();
  return {
    simulator,
    connection,
    kubeconfig,
    recorderOf,
    anEvent,
    fault: (effect: FaultEffect, times?: number) =>
      simulator.faults.add({
        ...effect,
        api: "kubernetes",
        match: { method: "POST", path: EVENTS },
        ...(times === undefined ? {} : { times }),
      }),
    posted: () =>
      simulator.requests
        .list("kubernetes")
        .filter(({ method, path }) => method === "POST" && path === EVENTS),
    /** Events of ours, as the API server has them. */
    stored: async () => {
      const query = { fieldSelector: "reportingComponent=node-agent" };
      const answer = await connection.request(EVENTS, { query });
      return (answer.body as { items: Record<string, unknown>[] }).items;
    },
    [Symbol.asyncDispose]: async () => owned[Symbol.asyncDispose](),
  };
}

/** An outbox of one worker, with what it logs and counts. */
function outboxOf(instance: string, { recorderOf }: Awaited<ReturnType<typeof twoWorkers>>) {
  const { logger, lines } = memoryLogger();
  const metrics = createMetrics({ cluster: "c", role: "worker", monitorOnly: false, perNodeMetrics: false });
  const outbox = new EventOutbox({ recorder: recorderOf(instance), clock: systemClock, logger, metrics });
  const counted = async (result: string): Promise<number> => {
    const page = await metrics.scrape();
    const line = page.split("\n").find((one) => one.includes(`_kubernetes_events_total{result="${result}"`));
    return Number(line?.split(" ").at(-1));
  };
  return { outbox, lines, counted };
}

eventRecorderContract("memory", async () => {
  const recorder = new MemoryEventRecorder();
  return {
    recorder,
    other: recorder,
    stored: async () => recorder.told,
    [Symbol.asyncDispose]: async () => undefined,
  };
});
eventRecorderContract("a cluster", async () => {
  const cluster = await twoWorkers();
  return {
    recorder: cluster.recorderOf("worker-1"),
    other: cluster.recorderOf("worker-2"),
    stored: async () =>
      (await cluster.stored()).map(({ reason, message }) => `${String(reason)}: ${String(message)}`),
    [Symbol.asyncDispose]: cluster[Symbol.asyncDispose],
  };
});

describe("events in a cluster", () => {
  test("are the same ones in events.k8s.io/v1", async () => {
    await using cluster = await twoWorkers();
    await cluster.recorderOf("worker-1").record(cluster.anEvent(1), NEVER);
    const { body } = await cluster.connection.request("/apis/events.k8s.io/v1/namespaces/default/events");
    expect(body).toMatchObject({
      items: [
        {
          regarding: { kind: "Node", name: "w-07" },
          reason: "RebootHeld",
          reportingController: "node-agent",
        },
      ],
    });
  });

  test("about a node live in the namespace default and in no other: the server says why we write there", async () => {
    await using cluster = await twoWorkers();
    await cluster.recorderOf("worker-1").record(cluster.anEvent(1), NEVER);
    const [event] = await cluster.stored();
    const metadata = { name: "elsewhere", namespace: "kube-system" };
    await expect(
      cluster.connection.request("/api/v1/namespaces/kube-system/events", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ ...event, metadata }),
      }),
    ).rejects.toMatchObject({ code: "Invalid", status: 422 });
  });

  test.each<[string, FaultEffect, object]>([
    ["403", { effect: "status", status: 403 }, { outcome: "Forbidden" }],
    ["422", { effect: "status", status: 422 }, { outcome: "Refused" }],
    ["429", { effect: "status", status: 429, retryAfter: 7 }, { outcome: "Failed", retryAfter: 7000 }],
    ["500", { effect: "status", status: 500 }, { outcome: "Failed" }],
    ["a reset", { effect: "reset" }, { outcome: "Failed" }],
    ["silence", { effect: "hang" }, { outcome: "Failed" }],
  ])("answered with %s are lost, and nothing is thrown", async (_, effect, wanted) => {
    await using cluster = await twoWorkers();
    cluster.fault(effect);
    expect(await cluster.recorderOf("worker-1").record(cluster.anEvent(1), NEVER)).toMatchObject(wanted);
    expect(cluster.posted()).toHaveLength(1);
  });

  test("written although the answer was lost are known when they are told again", async () => {
    await using cluster = await twoWorkers();
    cluster.fault({ effect: "execute-then-reset" }, 1);
    const recorder = cluster.recorderOf("worker-1");
    expect(await recorder.record(cluster.anEvent(1), NEVER)).toMatchObject({ outcome: "Failed" });
    expect(await recorder.record(cluster.anEvent(1), NEVER)).toEqual({ outcome: "Known" });
    expect(await cluster.stored()).toHaveLength(1);
  });
});

describe("the outbox of a worker", () => {
  test("without the right to write events asks once and says so once", async () => {
    await using cluster = await twoWorkers();
    cluster.fault({ effect: "status", status: 403 });
    const { outbox, lines, counted } = outboxOf("worker-1", cluster);
    for (let change = 1; change <= 50; change += 1) outbox.offer(cluster.anEvent(change));
    await eventually(async () => expect(await counted("Dropped")).toBe(49));
    outbox.offer(cluster.anEvent(51));
    await outbox.close();
    expect(cluster.posted()).toHaveLength(1);
    expect(lines()).toMatchObject([{ level: "warn", msg: expect.stringContaining("not allowed") }]);
    expect(await counted("Forbidden")).toBe(1);
  });

  test("closes although the server hangs", async () => {
    await using cluster = await twoWorkers();
    cluster.fault({ effect: "hang" });
    const { outbox, counted } = outboxOf("worker-1", cluster);
    for (let change = 1; change <= 3; change += 1) outbox.offer(cluster.anEvent(change));
    await outbox.close();
    expect(await cluster.stored()).toEqual([]);
    expect(await counted("Created")).toBe(0);
  });
});

const hasKubectl = spawnSync("kubectl", ["version", "--client"]).status === 0;

describe.skipIf(!hasKubectl)("kubectl (skipped when it is not on PATH)", () => {
  test("shows them by describe node and by get events", async () => {
    await using cluster = await twoWorkers();
    for (const change of [1, 2]) await cluster.recorderOf("worker-1").record(cluster.anEvent(change), NEVER);
    const kubectl = async (...args: string[]): Promise<string> =>
      (await run("kubectl", ["--kubeconfig", cluster.kubeconfig, ...args])).stdout;
    const told =
      /Warning\s+RebootHeld\s+\d+s\s+node-agent\s+Paused holds the reboot: fleet \(ledger\): OPS-31/u;
    expect(await kubectl("describe", "node", "w-07")).toMatch(told);
    const listed = await kubectl("get", "events", "--sort-by=.lastTimestamp");
    expect(listed).toMatch(/\d+s\s+Warning\s+RebootHeld\s+node\/w-07\s+Paused holds the reboot/u);
  });
});
