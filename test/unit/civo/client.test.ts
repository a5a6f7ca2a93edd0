import { inspect } from "node:util";
import { createCivoClient, type CivoClientOptions, type CivoResult } from "@node-agent/civo";
import { describe, expect, test } from "vitest";
import {
  anInstance,
  CANARY,
  clientOptions,
  CLUSTER_ID,
  INSTANCE_ID,
  type ScriptedAnswer,
  type SentRequest,
  scriptedDispatch,
  testClock,
} from "./support.ts";

function setUp(script: (request: SentRequest) => ScriptedAnswer, overrides: Partial<CivoClientOptions> = {}) {
  const { requests, dispatcher } = scriptedDispatch(script);
  const time = testClock();
  const client = createCivoClient(clientOptions({ dispatcher, clock: time.clock, ...overrides }));
  return { client, requests, ...time };
}

const answer = (status: number, body: unknown, headers: Record<string, string> = {}) => ({
  status,
  body: typeof body === "string" ? body : JSON.stringify(body),
  headers,
});
const code = (text: string) => ({ code: text, reason: "why" });
const faultOf = (result: CivoResult<unknown>) => (result.ok ? undefined : result.error);

describe("what is sent", () => {
  test("every call carries the key, the region and who asks; only the POST has a body", async () => {
    const { client, requests } = setUp(() => answer(200, { result: "success" }));
    await client.hardReboot(INSTANCE_ID);
    await client.getInstance(INSTANCE_ID);
    await client.listClusterInstances();
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toContain(
      `GET /v2/kubernetes/clusters/${CLUSTER_ID}/instances?region=LON1`,
    );
    expect(requests[0]).toEqual({
      method: "POST",
      path: `/v2/instances/${INSTANCE_ID}/hard_reboots?region=LON1`,
      headers: {
        accept: "application/json",
        authorization: `bearer ${CANARY}`,
        "content-type": "application/json",
        "user-agent": "node-agent/0.1.0",
      },
      body: '{"region":"LON1"}',
    });
    expect(requests[1]).toMatchObject({ path: `/v2/instances/${INSTANCE_ID}?region=LON1`, body: "" });
  });

  test.each(["", "node-1", "..", "../kubernetes", `${INSTANCE_ID}/stop`, INSTANCE_ID.toUpperCase()])(
    "an id that is no instance id (%s) is never sent",
    async (id) => {
      const { client, requests } = setUp(() => answer(200, { result: "success" }));
      expect(faultOf(await client.hardReboot(id))).toMatchObject({ class: "config", sent: false });
      expect(faultOf(await client.getInstance(id))).toMatchObject({ class: "config", sent: false });
      expect(requests).toEqual([]);
    },
  );
});

describe("the class of a refusal", () => {
  test.each([
    [401, { result: "requires_authentication", status: 401 }, "auth"],
    [200, { result: "requires_authentication" }, "auth"],
    [403, "", "auth"],
    [500, code("authentication_invalid_key"), "auth"],
    [404, code("database_account_not_found"), "auth"],
    [400, code("organisation_access_denied"), "auth"],
    [400, code("account_not_enabled_kubernetes"), "auth"],
    [404, code("database_region_not_found"), "config"],
    [403, code("disabled_service"), "config"],
    [500, code("parameter_region_invalid"), "config"],
    [400, "", "config"],
    [422, {}, "config"],
    [302, "", "config"],
    [307, "", "config"],
    [404, code("database_instance_find"), "not_found"],
    [500, code("openstack_instance_find"), "not_found"],
    [400, code("database_kubernetes_node_not_found"), "not_found"],
    [400, code("database_cluster_pool_not_found"), "not_found"],
    [400, code("database_cluster_pool_instance_not_found"), "not_found"],
    [400, code("database_kubernetes_cluster_not_found"), "not_found"],
    [404, "a standard page of text", "not_found"],
    [409, {}, "bad_state"],
    [400, code("instance_state_must_be_active_or_shutoff"), "bad_state"],
    [400, code("cannot_scale_already_rescaling_cluster"), "bad_state"],
    [402, code("quota_limit_reached"), "capacity"],
    [500, code("out_of_capacity"), "capacity"],
    [400, code("database_quota_lock_failed"), "transient"],
    [429, "", "rate_limited"],
    [429, code("database_instance_find"), "rate_limited"],
    [500, { status: 500, error: "Internal Server Error" }, "transient"],
    [502, "<html><body>nginx</body></html>", "transient"],
    [400, code("region_unavailable"), "transient"],
    [400, code("openstack_server_reboot"), "transient"],
    [400, code("marshaling_json"), "transient"],
    [408, "", "transient"],
    [418, code("never_seen_before"), "transient"],
    [200, "<html>a captive portal</html>", "transient"],
    [200, {}, "transient"],
    [200, "", "transient"],
  ])("HTTP %i %j is %s", async (status, body, expected) => {
    const { client } = setUp(() => answer(status, body));
    expect(faultOf(await client.hardReboot(INSTANCE_ID))).toMatchObject({
      class: expected,
      status,
      sent: true,
    });
    expect(faultOf(await client.getInstance(INSTANCE_ID))).toMatchObject({ class: expected, status });
  });

  test.each([
    [{ result: "Success" }],
    [{ result: "success", code: "database_instance_find" }],
    [["success"]],
    ["success"],
    [{ result: "accepted" }],
    [null],
  ])("a 200 that says %j is no success", async (body) => {
    const { client } = setUp(() => answer(200, body));
    expect((await client.hardReboot(INSTANCE_ID)).ok).toBe(false);
  });

  test.each([
    ["7", 7000],
    ["Tue, 14 Nov 2023 22:13:50 GMT", 30_000],
    ["Tue, 14 Nov 2000 22:13:50 GMT", 0],
    ["999999999", 3_600_000],
    ["soon", undefined],
    ["", undefined],
  ])("Retry-After %j asks for %s ms", async (header, expected) => {
    const { client } = setUp(() => answer(429, "", { "retry-after": header }));
    expect(faultOf(await client.hardReboot(INSTANCE_ID))?.retryAfter).toBe(expected);
  });
});

describe("retries", () => {
  test("a GET is tried four times with a growing, jittered pause, then gives the last fault", async () => {
    const { client, requests, pauses } = setUp(() => answer(502, "<html>"));
    expect(faultOf(await client.listClusterInstances())).toMatchObject({ class: "transient", status: 502 });
    expect(requests).toHaveLength(4);
    expect(pauses).toEqual([100, 200, 400]);
  });

  test("a GET that succeeds at the second try is a success", async () => {
    let calls = 0;
    const { client } = setUp(() => ((calls += 1) === 1 ? answer(503, "") : answer(200, anInstance())));
    expect(await client.getInstance(INSTANCE_ID)).toMatchObject({ ok: true });
  });

  test("an abort between two tries ends them and keeps the fault that was seen", async () => {
    const abort = new AbortController();
    const { client, requests } = setUp(() => {
      queueMicrotask(() => abort.abort());
      return answer(502, "<html>");
    });
    expect(faultOf(await client.getInstance(INSTANCE_ID, abort.signal))).toMatchObject({ status: 502 });
    expect(requests).toHaveLength(1);
  });

  test.each([401, 404, 409, 422, 429])("a GET is not repeated after HTTP %i", async (status) => {
    const { client, requests } = setUp(() => answer(status, ""));
    await client.getInstance(INSTANCE_ID);
    expect(requests).toHaveLength(1);
  });

  test.each([
    ["HTTP 500", answer(500, "")],
    ["HTTP 429", answer(429, "")],
    ["a reset connection", { error: Object.assign(new Error(), { code: "ECONNRESET" }), sent: true }],
    ["a refused connection", { error: Object.assign(new Error(), { code: "ECONNREFUSED" }), sent: false }],
  ])("a reboot is never repeated, whatever comes back: %s", async (_name, scripted) => {
    let dispatched = 0;
    const { client } = setUp(() => {
      dispatched += 1;
      return scripted;
    });
    await client.hardReboot(INSTANCE_ID);
    expect(dispatched).toBe(1);
  });
});

describe("what was sent and what was not", () => {
  test.each([
    ["ENOTFOUND", false],
    ["ECONNREFUSED", false],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", false],
    ["UND_ERR_SOCKET", true],
    ["ECONNRESET", true],
  ])("%s: sent = %s", async (failure, sent) => {
    const error = Object.assign(new Error(`header bearer ${CANARY}`), { code: failure });
    const { client } = setUp(() => ({ error, sent }));
    expect(faultOf(await client.hardReboot(INSTANCE_ID))).toEqual({
      class: "transient",
      detail: failure,
      sent,
    });
  });

  test("a connection that is not there within 5 s: nothing was sent", async () => {
    const { client, advance, pending } = setUp(() => ({ hang: "connecting" }));
    const result = client.hardReboot(INSTANCE_ID);
    advance(5000);
    expect(faultOf(await result)).toMatchObject({ class: "transient", sent: false });
    expect(pending()).toBe(0);
  });

  test("no answer to a reboot within 10 s: it may have been sent", async () => {
    const { client, advance, pending } = setUp(() => ({ hang: "answering" }));
    const result = client.hardReboot(INSTANCE_ID);
    advance(9999);
    expect(pending()).toBe(1);
    advance(1);
    expect(faultOf(await result)).toMatchObject({ class: "transient", sent: true });
    expect(pending()).toBe(0);
  });

  test("an abort before the request is on its way: nothing was sent, nothing is left", async () => {
    const abort = new AbortController();
    const { client, pending } = setUp(() => ({ hang: "connecting" }));
    const result = client.hardReboot(INSTANCE_ID, abort.signal);
    abort.abort();
    expect(faultOf(await result)).toMatchObject({ detail: "aborted", sent: false });
    expect(pending()).toBe(0);
  });

  test("an abort after the request is on its way: it may have been sent", async () => {
    const abort = new AbortController();
    const { client } = setUp(() => ({ hang: "answering" }));
    const result = client.hardReboot(INSTANCE_ID, abort.signal);
    abort.abort();
    expect(faultOf(await result)).toMatchObject({ detail: "aborted", sent: true });
  });

  test("a call whose signal has fired is not dispatched at all", async () => {
    const { client, requests } = setUp(() => answer(200, { result: "success" }));
    expect(faultOf(await client.hardReboot(INSTANCE_ID, AbortSignal.abort()))).toMatchObject({ sent: false });
    expect(requests).toEqual([]);
  });

  test("a request given up while it waited for a connection is not written when the connection comes", async () => {
    let connect: (() => void) | undefined;
    let aborted = false;
    const dispatch: NonNullable<CivoClientOptions["dispatcher"]>["dispatch"] = (_options, handler) => {
      connect = () => handler.onRequestStart?.({ abort: () => (aborted = true) } as never, {});
      return true;
    };
    const { client, advance } = setUp(() => ({ hang: "connecting" }), { dispatcher: { dispatch } });
    const result = client.hardReboot(INSTANCE_ID);
    advance(5000);
    await result;
    connect?.();
    expect(aborted).toBe(true);
  });

  test("a transport that starts the same POST again is stopped before the second write", async () => {
    let aborts = 0;
    const dispatch: NonNullable<CivoClientOptions["dispatcher"]>["dispatch"] = (_options, handler) => {
      const controller = { abort: () => (aborts += 1) } as never;
      handler.onRequestStart?.(controller, {});
      handler.onRequestStart?.(controller, {});
      return true;
    };
    const { client } = setUp(() => ({ hang: "connecting" }), { dispatcher: { dispatch } });
    expect(faultOf(await client.hardReboot(INSTANCE_ID))).toMatchObject({ sent: true });
    expect(aborts).toBeGreaterThan(0);
  });

  test("a transport that throws is a fault, not an exception", async () => {
    const { client } = setUp(() => {
      throw new Error(`bearer ${CANARY}`);
    });
    expect(faultOf(await client.hardReboot(INSTANCE_ID))).toEqual({
      class: "transient",
      detail: "Error",
      sent: false,
    });
  });
});

describe("what comes out of the parser", () => {
  test("an instance loses its passwords, tokens and scripts", async () => {
    const { client } = setUp(() => answer(200, anInstance({ gpu_count: 8 })));
    expect(await client.getInstance(INSTANCE_ID)).toEqual({
      ok: true,
      value: { id: INSTANCE_ID, hostname: "node-1", status: "ACTIVE", gpuCount: 8 },
    });
  });

  test("null and missing fields of one instance do not hide the others", async () => {
    const list = [{ id: "x" }, anInstance({ hostname: null, status: null, gpu_count: "many" })];
    const { client } = setUp(() => answer(200, list));
    expect(await client.listClusterInstances()).toEqual({
      ok: true,
      value: [
        { id: "x", hostname: "", status: "" },
        { id: INSTANCE_ID, hostname: "", status: "" },
      ],
    });
  });

  test.each([
    ["a body", { body: "x".repeat(2000) }],
    ["an announced length", { headers: { "content-length": "2000" } }],
  ])("%s beyond the limit is dropped", async (_name, part) => {
    const { client } = setUp(() => ({ status: 200, body: "", ...part }), { maxBodyBytes: 1999 });
    const fault = faultOf(await client.getInstance(INSTANCE_ID));
    expect(fault).toMatchObject({ class: "transient", detail: "answer larger than 1999 bytes" });
  });
});

describe("the key", () => {
  test.each([
    ["reason", { code: "parameter_x", reason: `no such key: ${CANARY}` }],
    ["code", { code: CANARY, reason: "" }],
    ["result", { result: `bearer ${CANARY.toLowerCase()}` }],
    ["reason, cut by the limit of the detail", { reason: "x".repeat(180) + CANARY }],
    ["reason, behind invisible characters", { reason: `\u001B[31m\u200B${CANARY}\u202E` }],
  ])("echoed in the %s is not in the fault", async (_name, body) => {
    const { client } = setUp(() => answer(400, body));
    const result = await client.hardReboot(INSTANCE_ID);
    const printed = inspect(result, { depth: 9 }) + JSON.stringify(result) + inspect(client, { depth: 9 });
    expect(printed.toLowerCase()).not.toContain(CANARY.toLowerCase().slice(0, 12));
  });

  test("the detail of a fault is one short line without control characters", async () => {
    const { client } = setUp(() =>
      answer(400, { reason: `first\nsecond\u001B[2J\u2028${"x".repeat(4000)}` }),
    );
    const detail = faultOf(await client.hardReboot(INSTANCE_ID))?.detail ?? "";
    expect(detail).toMatch(/^HTTP 400 first second \[2J x+$/);
    expect(detail.length).toBeLessThanOrEqual(200);
  });
});

test("a list has no limit of bytes, only one of instances and of the size of each", async () => {
  const long = Array.from({ length: 300 }, () => anInstance({ script: "x".repeat(60_000) }));
  const { client } = setUp(() => answer(200, long));
  const listed = await client.listClusterInstances();
  expect(listed.ok && listed.value.length).toBe(300);
  const few = setUp(() => answer(200, long), { listLimits: { instances: 299, instanceBytes: 100_000 } });
  expect(faultOf(await few.client.listClusterInstances())).toMatchObject({
    class: "transient",
    detail: "more than 299 instances",
  });
});
