import { describe, expect, test } from "vitest";
import type { KubernetesConnection, RequestOptions } from "@node-agent/kubernetes";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { createMetrics } from "@node-agent/shared/runtime/metrics/metrics.ts";
import type { RoleParts } from "@node-agent/shared/runtime/role.ts";
import { ManualClock } from "@node-agent/shared/testing/manual-clock.ts";
import { withEvents } from "../../../packages/worker/src/event-journal.ts";
import { configOf } from "../runtime/config/load-support.ts";
import { memoryLogger } from "../runtime/log-lines.ts";
import { RecordingJournal } from "./recording-journal.ts";

const record: NodeRecord = {
  schema: 1,
  name: "node-1",
  uid: "uid-1",
  phase: "Unhealthy",
  phaseSince: 0,
  firstSeenAt: 0,
  everReady: true,
  gpuNode: false,
  gpuHighWater: 0,
  monitorOnly: true,
  failing: {},
  incident: { id: "uid-1@0", startedAt: 0, attempts: 0 },
};

/** What a worker of this environment sends when it holds a reboot for these words. */
async function sentBy(env: Readonly<Record<string, string>>, why: string): Promise<string[]> {
  const sent: string[] = [];
  const kubernetes: KubernetesConnection = {
    origin: "",
    server: "",
    request: async (_path: string, { body = "" }: RequestOptions = {}) => {
      sent.push(body);
      return { status: 201, body: {} };
    },
    stream: async () => Promise.reject(new Error("no stream")),
    close: async () => undefined,
  };
  const parts: RoleParts = {
    config: configOf({ env }),
    logger: memoryLogger().logger,
    metrics: createMetrics({ cluster: "c", role: "worker", monitorOnly: true, perNodeMetrics: false }),
    clock: new ManualClock(),
    signal: new AbortController().signal,
  };
  const inner = new RecordingJournal();
  const { journal, components } = withEvents(inner, parts, kubernetes);
  journal.held("node-1", { step: "WaitUntil", at: 0, gate: "Cloud", why }, record, 1);
  expect(inner.count("held")).toBe(1);
  for (const { stop } of components) await stop();
  return sent;
}

describe("a worker", () => {
  test("tells events unless it is told not to", async () => {
    expect(await sentBy({}, "away")).toHaveLength(1);
    expect(await sentBy({ CIVO_NODE_AGENT_EVENTS: "false" }, "away")).toEqual([]);
  });

  test("lets none of its own secrets out in one", async () => {
    const env = { CIVO_API_KEY: "short-civo-key", REDIS_PASSWORD: "short-redis-password" };
    const [body] = await sentBy(env, "short-civo-key, short-redis-password");
    expect(body).toContain("[redacted], [redacted]");
    expect(body).not.toContain("short");
  });
});
