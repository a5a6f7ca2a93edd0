import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createEventRecorder, KubernetesApiError, type RequestOptions } from "@node-agent/kubernetes";
import type { ClusterEvent } from "@node-agent/shared/core/cluster-event.ts";
import type { EventRecording } from "@node-agent/shared/ports/event-recorder.ts";

const KEY = "canary-civo-api-key";
const NEVER = new AbortController().signal;

interface SentEvent {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly involvedObject: Readonly<Record<string, string>>;
  readonly message: string;
  readonly reportingInstance: string;
}

const anEvent = (over: Partial<ClusterEvent> = {}): ClusterEvent => ({
  node: "node-1",
  uid: "uid-1",
  reason: "RebootHeld",
  type: "Warning",
  message: "Paused holds the reboot: fleet (ledger): upgrade",
  identity: "node-1/uid-1/RebootHeld/1",
  at: Date.UTC(2026, 10, 1, 12, 30, 15, 678),
  ...over,
});

/** What one call sends, and what it comes to when the server answers with an error. */
async function sent(
  event: ClusterEvent,
  { instance = "worker-1", fault }: { instance?: string; fault?: Error } = {},
): Promise<{ body: SentEvent; options: RequestOptions; path: string; recording: EventRecording }> {
  const calls: { path: string; options: RequestOptions }[] = [];
  const connection = {
    origin: "",
    server: "",
    request: async (path: string, options: RequestOptions = {}) => {
      calls.push({ path, options });
      if (fault !== undefined) throw fault;
      return { status: 201, body: {} };
    },
    stream: async () => Promise.reject(new Error("no stream")),
    close: async () => undefined,
  };
  const recorder = createEventRecorder({ connection, instance, secrets: [KEY] });
  const recording = await recorder.record(event, NEVER);
  const [{ path, options } = { path: "", options: {} }] = calls;
  return { body: JSON.parse(options.body ?? "") as SentEvent, options, path, recording };
}

async function nameOf(over: Partial<ClusterEvent> = {}, instance = "worker-1"): Promise<string> {
  return (await sent(anEvent(over), { instance })).body.metadata.name;
}

describe("an event about a node", () => {
  test("is a core/v1 Event in the namespace default, as an API server and kubectl want it", async () => {
    const { body, path, options, recording } = await sent(anEvent());
    expect(recording).toEqual({ outcome: "Created" });
    expect(path).toBe("/api/v1/namespaces/default/events");
    expect(options).toMatchObject({ method: "POST", query: { fieldManager: "node-agent" }, deadline: 5000 });
    expect(body).toEqual({
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: expect.stringMatching(/^node-1\.[0-9a-f]{16}$/u), namespace: "default" },
      // A namespace here would be refused, and an event without the real uid is not shown by `kubectl describe`.
      involvedObject: { apiVersion: "v1", kind: "Node", name: "node-1", uid: "uid-1" },
      reason: "RebootHeld",
      type: "Warning",
      message: "Paused holds the reboot: fleet (ledger): upgrade",
      source: { component: "node-agent" },
      reportingComponent: "node-agent",
      reportingInstance: "worker-1",
      firstTimestamp: "2026-11-01T12:30:15Z",
      lastTimestamp: "2026-11-01T12:30:15Z",
      count: 1,
    });
  });

  test("has a name that follows from what it tells, and from nothing else", async () => {
    const first = await nameOf();
    expect(await nameOf({ message: "other words", at: 5, type: "Normal" }, "worker-2")).toBe(first);
    expect(await nameOf({ identity: "another" })).not.toBe(first);
  });

  test.each(["a".repeat(253), `${"a".repeat(235)}.${"b".repeat(17)}`, `${"a".repeat(234)}-.b`, "n"])(
    "has a name that is a DNS subdomain: %s",
    async (node) => {
      const { name } = (await sent(anEvent({ node }))).body.metadata;
      expect(name.length).toBeLessThanOrEqual(253);
      expect(name).toMatch(/^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/u);
    },
  );

  test("carries no secret: not one we hold, not what looks like one, not one that control characters hide", async () => {
    const token = `eyJ${"a".repeat(30)}.${"b".repeat(30)}`;
    const message = `refused: key ${KEY}, Bearer abc.def, ${token}, ${"x".repeat(64)}`;
    const { body } = await sent(anEvent({ message }));
    expect(body.message).toBe("refused: key [redacted], Bearer [redacted] [redacted], [redacted]");
  });

  test("carries no half of a secret that the limit would cut", async () => {
    const message = `${"a ".repeat(505)}${KEY}`;
    const { body } = await sent(anEvent({ message }));
    expect(body.message).not.toContain("canary");
  });

  test("that is too long is cut, in bytes and not in characters", async () => {
    const { message } = (await sent(anEvent({ message: "é ".repeat(2000) }))).body;
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1024);
    expect(message).toMatch(/^é é .*\.\.\.$/u);
  });

  test("fits, whatever the words of others are", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "binary", maxLength: 3000, size: "max" }),
        fc.string({ unit: "binary", maxLength: 300 }),
        async (message, instance) => {
          const { body } = await sent(anEvent({ message }), { instance });
          expect(Buffer.byteLength(body.message)).toBeLessThanOrEqual(1024);
          expect(Buffer.byteLength(body.reportingInstance)).toBeLessThanOrEqual(128);
          expect(body.message + body.reportingInstance).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe("an answer", () => {
  test.each<[string, Error, EventRecording]>([
    ["409", new KubernetesApiError("Conflict", "exists"), { outcome: "Known" }],
    ["403", new KubernetesApiError("Forbidden", "no"), { outcome: "Forbidden", why: "no" }],
    ["422", new KubernetesApiError("Invalid", "bad"), { outcome: "Refused", why: "bad" }],
    [
      "429",
      new KubernetesApiError("TooManyRequests", "slow", { retryAfter: 7000 }),
      { outcome: "Failed", why: "slow", retryAfter: 7000 },
    ],
    ["none in time", new KubernetesApiError("Timeout", "late"), { outcome: "Failed", why: "late" }],
    ["a fault of ours", new TypeError("oops"), { outcome: "Refused", why: "oops" }],
  ])("of %s is a value, never an exception", async (_, fault, wanted) => {
    expect((await sent(anEvent(), { fault })).recording).toEqual(wanted);
  });

  test("is not even asked for when an event cannot be written down", async () => {
    const recorder = createEventRecorder({
      connection: {
        origin: "",
        server: "",
        request: async () => Promise.reject(new Error("was asked")),
        stream: async () => Promise.reject(new Error("was asked")),
        close: async () => undefined,
      },
      instance: "worker-1",
    });
    const recording = await recorder.record(anEvent({ at: Number.NaN }), NEVER);
    expect(recording).toEqual({ outcome: "Refused", why: "Invalid time value" });
  });
});
