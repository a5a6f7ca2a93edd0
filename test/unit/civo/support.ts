import type { CivoClientOptions } from "@node-agent/civo";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { Executor } from "@node-agent/shared/ports/executor.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { Secret } from "@node-agent/shared/runtime/secret.ts";

type Dispatch = NonNullable<CivoClientOptions["dispatcher"]>["dispatch"];
type Controller = Parameters<NonNullable<Parameters<Dispatch>[1]["onRequestStart"]>>[0];

/** A key that no output may ever contain. */
export const CANARY = "cAnaryKey7f3b9e2d8c1a4650";
export const INSTANCE_ID = "15e0a7dd-744e-4558-8113-2192e4eca040";
export const OTHER_ID = "fad8638d-efac-41e0-8787-23d37d845685";
export const CLUSTER_ID = "69a23478-a89e-41d2-97b1-6f4c341cee70";

/** One answer of a scripted cloud; an Error is a failure of the transport, before or after the request was sent. */
export type ScriptedAnswer =
  | { status: number; body: string; headers?: Record<string, string> }
  | { error: Error; sent: boolean }
  | { hang: "connecting" | "answering" };

export interface SentRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** An undici dispatcher without a network: the script answers, the requests that were "written" are recorded. */
export function scriptedDispatch(script: (request: SentRequest) => ScriptedAnswer) {
  const requests: SentRequest[] = [];
  const dispatch: Dispatch = (options, handler) => {
    const request = {
      method: options.method,
      path: options.path,
      headers: options.headers as Record<string, string>,
      body: (options.body as string | undefined) ?? "",
    };
    const answer = script(request);
    let aborted = false;
    const controller = { abort: () => (aborted = true) } as unknown as Controller;
    const start = () => {
      handler.onRequestStart?.(controller, {});
      if (!aborted) requests.push(request);
    };
    if ("hang" in answer) {
      if (answer.hang === "answering") start();
      return true;
    }
    if ("error" in answer) {
      if (answer.sent) start();
      handler.onResponseError?.(controller, answer.error);
      return true;
    }
    start();
    if (aborted) return true;
    handler.onResponseStart?.(controller, answer.status, answer.headers ?? {}, "");
    if (!aborted) handler.onResponseData?.(controller, Buffer.from(answer.body));
    if (!aborted) handler.onResponseEnd?.(controller, {});
    return true;
  };
  return { requests, dispatcher: { dispatch } };
}

/**
 * A clock in which pauses between retries take no time (recorded in `pauses`) while deadlines, which are all longer,
 * pass only by `advance`.
 */
export function testClock(now = 1_700_000_000_000) {
  const pauses: Millis[] = [];
  const waiting = new Set<{ until: Millis; wake: () => void }>();
  let elapsed = 0;
  const clock: Clock = {
    now: () => now + elapsed,
    monotonic: () => elapsed,
    sleep: async (span, signal) => {
      if (span <= 2000) {
        pauses.push(span);
        return;
      }
      await new Promise<void>((resolve) => {
        const entry = { until: elapsed + span, wake: resolve };
        waiting.add(entry);
        signal?.addEventListener("abort", () => {
          waiting.delete(entry);
          resolve();
        });
      });
    },
  };
  return {
    clock,
    pauses,
    pending: () => waiting.size,
    advance: (span: Millis) => {
      elapsed += span;
      for (const entry of [...waiting].filter(({ until }) => until <= elapsed)) {
        waiting.delete(entry);
        entry.wake();
      }
    },
  };
}

/** An executor that reads the list ahead of each look, as a worker does before its send deadline starts. */
export function readingAhead(executor: Executor): Executor {
  return {
    ...executor,
    resolve: async (node, signal) => {
      await executor.readAhead(signal);
      return executor.resolve(node, signal);
    },
  };
}

/** Options of a client that talks to a script. */
export function clientOptions(
  overrides: Partial<CivoClientOptions> & Pick<CivoClientOptions, "clock">,
): CivoClientOptions {
  return {
    url: new URL("https://api.civo.test"),
    apiKey: Secret.of(CANARY),
    region: "LON1",
    clusterId: CLUSTER_ID,
    userAgent: "node-agent/0.1.0",
    random: () => 0.5,
    ...overrides,
  };
}

/** A node named `node-1` behind `INSTANCE_ID`. */
export function aNode(overrides: { name?: string; providerId?: string | undefined } = {}): NodeSnapshot {
  const { name = "node-1" } = overrides;
  const providerId = "providerId" in overrides ? overrides.providerId : `civo://${INSTANCE_ID}`;
  return {
    schema: 1,
    name,
    uid: "7c9f1f0e-0000-4000-8000-000000000001",
    resourceVersion: "100",
    unschedulable: false,
    labels: {},
    annotations: {},
    taints: [],
    conditions: [],
    capacity: {},
    allocatable: {},
    ...(providerId === undefined ? {} : { providerId }),
  };
}

/** An instance as the API sends it, secrets included (sample of civogo's pool_test.go). */
export function anInstance(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: INSTANCE_ID,
    name: "node-1",
    hostname: "node-1",
    account_id: "eaef1dd6-1cec-4d9c-8480-96452bd94dea",
    size: "g4s.kube.small",
    initial_user: "root",
    initial_password: "hunter2-initial",
    rescue_password: "hunter2-rescue",
    civostatsd_token: "hunter2-token",
    script: "hunter2-script",
    status: "ACTIVE",
    public_ip: null,
    created_at: "2023-09-15T10:48:13Z",
    ...overrides,
  };
}

/** A cloud of instances that answers the two reads; unknown ids are answered as the API does. */
export function cloudOf(
  listed: readonly Record<string, unknown>[],
  known: readonly Record<string, unknown>[] = listed,
): (request: SentRequest) => ScriptedAnswer {
  return ({ method, path }) => {
    const [route = ""] = path.split("?");
    if (method === "POST") return { status: 200, body: '{"result":"success"}' };
    if (route.startsWith("/v2/kubernetes/clusters/")) return { status: 200, body: JSON.stringify(listed) };
    const instance = known.find(({ id }) => route === `/v2/instances/${String(id)}`);
    if (instance) return { status: 200, body: JSON.stringify(instance) };
    return { status: 404, body: '{"code":"database_instance_find","reason":"Failed to find the instance"}' };
  };
}
