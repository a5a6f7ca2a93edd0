import { createCivoClient, createCivoExecutor } from "@node-agent/civo";
import { describe, expect, test } from "vitest";
import {
  anInstance,
  aNode,
  clientOptions,
  cloudOf,
  INSTANCE_ID,
  OTHER_ID,
  readingAhead,
  type ScriptedAnswer,
  type SentRequest,
  scriptedDispatch,
  testClock,
} from "./support.ts";

const { signal } = new AbortController();
const target = { instanceId: INSTANCE_ID, hostname: "node-1" };

function setUp(script: (request: SentRequest) => ScriptedAnswer) {
  const { requests, dispatcher } = scriptedDispatch(script);
  const time = testClock();
  const { clock } = time;
  const client = createCivoClient(clientOptions({ dispatcher, clock }));
  const bare = createCivoExecutor({ client, clock });
  return { bare, executor: readingAhead(bare), requests, ...time };
}

/** Answers the list of the cluster with one thing and everything else with another. */
function listOr(list: ScriptedAnswer, other: ScriptedAnswer) {
  return ({ path }: SentRequest) => (path.includes("/clusters/") ? list : other);
}

const ok = (body: unknown): ScriptedAnswer => ({ status: 200, body: JSON.stringify(body) });
const refused = (status: number, code = "", headers = {}): ScriptedAnswer => ({
  status,
  body: JSON.stringify({ code, reason: "why" }),
  headers,
});
const unreachable: ScriptedAnswer = { error: Object.assign(new Error(), { code: "ENOTFOUND" }), sent: false };

describe("resolve", () => {
  test("names the instance of the provider id, with its GPUs", async () => {
    const { executor } = setUp(
      cloudOf([anInstance({ gpu_count: 8 }), anInstance({ id: OTHER_ID, hostname: "node-2" })]),
    );
    expect(await executor.resolve(aNode(), signal)).toEqual({ ok: true, target, gpuCount: 8 });
  });

  test("the larger GPU count counts: a GPU node must not become a standard node", async () => {
    const { executor } = setUp(cloudOf([anInstance({ gpu_count: 8 })], [anInstance({ gpu_count: 0 })]));
    expect(await executor.resolve(aNode(), signal)).toMatchObject({ gpuCount: 8 });
  });

  test.each([undefined, ""])(
    "without a provider id (%j) the exact host name names it",
    async (providerId) => {
      const { executor } = setUp(cloudOf([anInstance({ id: OTHER_ID, hostname: "node-10" }), anInstance()]));
      expect(await executor.resolve(aNode({ providerId }), signal)).toEqual({ ok: true, target });
    },
  );

  test.each(["NODE-1", "Node-1"])(
    "a host name in another letter case (%s) is the node's, next to its exact provider id",
    async (hostname) => {
      const { executor } = setUp(cloudOf([anInstance({ hostname })]));
      expect(await executor.resolve(aNode(), signal)).toEqual({
        ok: true,
        target: { instanceId: INSTANCE_ID, hostname },
      });
    },
  );

  test("without a provider id the letter case of the host name counts", async () => {
    const { executor } = setUp(cloudOf([anInstance({ hostname: "Node-1" })]));
    expect(await executor.resolve(aNode({ providerId: undefined }), signal)).toMatchObject({
      failure: "IdentityMismatch",
      detail: `instance ${INSTANCE_ID} has the host name Node-1: without a provider id the letter case must match too`,
    });
  });

  test.each([undefined, `civo://${INSTANCE_ID}`])(
    "two host names that differ in letter case only are two claimants (provider id %j)",
    async (providerId) => {
      const { executor } = setUp(cloudOf([anInstance(), anInstance({ id: OTHER_ID, hostname: "NODE-1" })]));
      expect(await executor.resolve(aNode({ providerId }), signal)).toMatchObject({
        failure: "IdentityMismatch",
        detail: "2 instances of the cluster have the node's name",
      });
    },
  );

  test("an instance that is gone while another has the name in another letter case is a contradiction", async () => {
    const { executor } = setUp(cloudOf([anInstance({ id: OTHER_ID, hostname: "NODE-1" })]));
    expect(await executor.resolve(aNode(), signal)).toMatchObject({
      failure: "IdentityMismatch",
      detail: `the node's name belongs to instance ${OTHER_ID}, not to ${INSTANCE_ID}`,
    });
  });

  test("letter case is that of ASCII: the Kelvin sign is no k", async () => {
    const { executor } = setUp(cloudOf([anInstance({ hostname: "\u212Anode" })]));
    expect(await executor.resolve(aNode({ name: "knode" }), signal)).toMatchObject({
      failure: "IdentityMismatch",
    });
  });

  test("list and instance that disagree on the letter case are refused", async () => {
    const { executor } = setUp(listOr(ok([anInstance()]), ok(anInstance({ hostname: "NODE-1" }))));
    expect(await executor.resolve(aNode(), signal)).toMatchObject({ failure: "IdentityMismatch" });
  });

  test.each(["node-10", "N-1", "node-1.", "ode-1", "node", "node-1 ", "", "xnode-1"])(
    "node-1 whose instance is gone is never found in %j",
    async (hostname) => {
      const others = [anInstance({ id: OTHER_ID, hostname, name: "node-1" })];
      const { executor } = setUp(cloudOf(others));
      expect(await executor.resolve(aNode(), signal)).toMatchObject({ ok: false, failure: "NotFound" });
      expect(await executor.resolve(aNode({ providerId: undefined }), signal)).toMatchObject({
        failure: "NotFound",
      });
    },
  );

  test.each([
    "k3s://node-1",
    "aws:///eu-west-1a/i-0abc",
    INSTANCE_ID,
    `CIVO://${INSTANCE_ID}`,
    `civo:///${INSTANCE_ID}`,
    `civo://${INSTANCE_ID.toUpperCase()}`,
    `civo://${INSTANCE_ID}/x`,
    `civo://${INSTANCE_ID}\n`,
    ` civo://${INSTANCE_ID}`,
    "civo://node-1",
    "civo://../../../v2/instances/aaaaaaaaaaaaaaa",
  ])("the provider id %j is not one of ours: refused without a call", async (providerId) => {
    const { bare, requests } = setUp(cloudOf([anInstance()]));
    expect(await bare.resolve(aNode({ providerId }), signal)).toMatchObject({
      failure: "IdentityMismatch",
    });
    expect(requests).toEqual([]);
  });

  test.each([
    ["another host name", [anInstance({ hostname: "node-2" })]],
    ["no host name", [anInstance({ hostname: null })]],
    ["a second claimant of the name", [anInstance(), anInstance({ id: OTHER_ID })]],
    ["the same id twice", [anInstance(), anInstance({ hostname: "node-2" })]],
    ["the node's name on another instance only", [anInstance({ id: OTHER_ID })]],
  ])("an instance with %s is refused", async (_name, listed) => {
    const { executor } = setUp(cloudOf(listed));
    expect(await executor.resolve(aNode(), signal)).toMatchObject({ ok: false, failure: "IdentityMismatch" });
  });

  test("two instances with the node's name are refused without a provider id too", async () => {
    const { executor } = setUp(cloudOf([anInstance(), anInstance({ id: OTHER_ID })]));
    const resolved = await executor.resolve(aNode({ providerId: undefined }), signal);
    expect(resolved).toMatchObject({ failure: "IdentityMismatch" });
  });

  test.each([
    ["host name", { hostname: "node-2" }],
    ["id", { id: OTHER_ID }],
  ])("list and instance that disagree on the %s are refused", async (_name, difference) => {
    const { executor } = setUp(listOr(ok([anInstance()]), ok(anInstance(difference))));
    expect(await executor.resolve(aNode(), signal)).toMatchObject({ failure: "IdentityMismatch" });
    const byName = await executor.resolve(aNode({ providerId: undefined }), signal);
    expect(byName).toMatchObject({ failure: "IdentityMismatch" });
  });

  test("the fresh answer about another instance is refused even when its name is right", async () => {
    const { executor } = setUp(listOr(ok([anInstance()]), ok(anInstance({ id: OTHER_ID }))));
    expect(await executor.resolve(aNode(), signal)).toMatchObject({ failure: "IdentityMismatch" });
  });

  test("an instance outside our cluster is refused", async () => {
    const { executor } = setUp(cloudOf([], [anInstance()]));
    expect(await executor.resolve(aNode(), signal)).toMatchObject({ failure: "IdentityMismatch" });
  });

  test("an instance with the node's name but an odd id is refused", async () => {
    const { executor, requests } = setUp(cloudOf([anInstance({ id: "../x" })]));
    const resolved = await executor.resolve(aNode({ providerId: undefined }), signal);
    expect(resolved).toMatchObject({ failure: "IdentityMismatch" });
    expect(requests).toHaveLength(1);
  });

  test.each([
    "BUILDING",
    "SHUTOFF",
    "REBOOTING",
    "STOPPING",
    "MIGRATING",
    "INSTALLING",
    "DELETING",
    "active",
    "WEIRD",
    "",
  ])("an instance in state %j is not rebooted", async (status) => {
    const { executor } = setUp(cloudOf([anInstance({ status })]));
    expect(await executor.resolve(aNode(), signal)).toMatchObject({ ok: false, failure: "BadState" });
  });

  test("the state of the fresh read counts, not that of the list", async () => {
    const { executor } = setUp(cloudOf([anInstance()], [anInstance({ status: "REBOOTING" })]));
    expect(await executor.resolve(aNode(), signal)).toMatchObject({ failure: "BadState" });
  });

  test("gone means: the list succeeded without it and the instance is not found", async () => {
    const { executor } = setUp(cloudOf([]));
    expect(await executor.resolve(aNode(), signal)).toMatchObject({ failure: "NotFound" });
  });

  test.each([
    ["the list fails", listOr(refused(500), refused(404, "database_instance_find")), "Unavailable"],
    ["the list is not JSON", listOr({ status: 200, body: "<html>" }, refused(404)), "Unavailable"],
    ["the list knows it", listOr(ok([anInstance()]), refused(404, "database_instance_find")), "Unavailable"],
    [
      "the cluster is not found",
      listOr(refused(404, "database_kubernetes_cluster_not_found"), refused(404)),
      "Misconfigured",
    ],
    ["the region is wrong", () => refused(404, "database_region_not_found"), "Misconfigured"],
    ["the instance cannot be read", listOr(ok([]), refused(500)), "Unavailable"],
  ])("an instance that is not found is no ghost when %s", async (_name, script, failure) => {
    const { executor } = setUp(script);
    expect(await executor.resolve(aNode(), signal)).toMatchObject({ ok: false, failure });
  });

  test.each([
    [refused(401), { failure: "Unauthorized" }],
    [refused(404, "database_account_not_found"), { failure: "Unauthorized" }],
    [refused(429, "", { "retry-after": "7" }), { failure: "RateLimited", retryAfter: 7000 }],
    [refused(503), { failure: "Unavailable" }],
    [unreachable, { failure: "Unavailable" }],
  ])("a cloud that answers %j is passed on as such", async (answer, expected) => {
    const { executor } = setUp(() => answer);
    expect(await executor.resolve(aNode(), signal)).toMatchObject(expected);
    expect(await executor.resolve(aNode({ providerId: undefined }), signal)).toMatchObject(expected);
  });

  test("free text of the cloud does not reach the detail", async () => {
    const { executor } = setUp(cloudOf([anInstance({ status: "x\nfake log line" })]));
    const resolved = await executor.resolve(aNode(), signal);
    expect(resolved).toMatchObject({ detail: expect.not.stringContaining("fake") as string });
  });
});

describe("reboot", () => {
  test.each([
    [ok({ result: "success" }), { outcome: "Accepted" }],
    [{ status: 202, body: '{"result":"success"}' }, { outcome: "Accepted" }],
    [ok({ result: "ok" }), { outcome: "Unknown" }],
    [{ status: 200, body: "<html>" }, { outcome: "Unknown" }],
    [{ status: 204, body: "" }, { outcome: "Unknown" }],
    [refused(302), { outcome: "Unknown" }],
    [refused(307), { outcome: "Unknown" }],
    [refused(408), { outcome: "Unknown" }],
    [refused(418), { outcome: "Unknown" }],
    [refused(499), { outcome: "Unknown" }],
    [refused(500), { outcome: "Unknown" }],
    [refused(502), { outcome: "Unknown" }],
    [refused(503, "region_unavailable"), { outcome: "Unknown" }],
    [refused(500, "openstack_server_reboot"), { outcome: "Unknown" }],
    // A server that failed half-way does not know what it did, whatever code it gives its fault.
    [refused(500, "database_instance_find"), { outcome: "Unknown" }],
    [refused(502, "quota_limit_reached"), { outcome: "Unknown" }],
    [refused(504, "parameter_x"), { outcome: "Unknown" }],
    [{ status: 500, body: '{"result":"requires_authentication"}' }, { outcome: "Unknown" }],
    [refused(408, "database_instance_find"), { outcome: "Unknown" }],
    [{ status: 200, body: '{"code":"database_instance_find"}' }, { outcome: "Unknown" }],
    [{ error: Object.assign(new Error(), { code: "ECONNRESET" }), sent: true }, { outcome: "Unknown" }],
    [unreachable, { outcome: "NotSent" }],
    [refused(400), { outcome: "Rejected", failure: "Misconfigured" }],
    [refused(422, "parameter_region_invalid"), { outcome: "Rejected", failure: "Misconfigured" }],
    [refused(401), { outcome: "Rejected", failure: "Unauthorized" }],
    [refused(403), { outcome: "Rejected", failure: "Unauthorized" }],
    [refused(404, "database_instance_find"), { outcome: "Rejected", failure: "NotFound" }],
    [refused(404), { outcome: "Rejected", failure: "NotFound" }],
    [refused(409), { outcome: "Rejected", failure: "BadState" }],
    [refused(400, "instance_state_must_be_active_or_shutoff"), { outcome: "Rejected", failure: "BadState" }],
    [refused(402, "quota_limit_reached"), { outcome: "Rejected", failure: "Unavailable" }],
    [
      refused(429, "", { "retry-after": "30" }),
      { outcome: "Rejected", failure: "RateLimited", retryAfter: 30_000 },
    ],
  ] as [ScriptedAnswer, Record<string, unknown>][])("%j means %j", async (answer, expected) => {
    const { executor } = setUp(() => answer);
    const { detail, ...receipt } = await executor.reboot(target, signal);
    expect(receipt).toEqual(expected);
    expect(detail).not.toBe("");
  });

  test("no answer in time is unknown, no connection in time is not sent", async () => {
    const answering = setUp(() => ({ hang: "answering" }));
    const unknown = answering.executor.reboot(target, signal);
    answering.advance(10_000);
    expect(await unknown).toMatchObject({ outcome: "Unknown" });
    const connecting = setUp(() => ({ hang: "connecting" }));
    const notSent = connecting.executor.reboot(target, signal);
    connecting.advance(10_000);
    expect(await notSent).toMatchObject({ outcome: "NotSent" });
  });

  test("an abort is NotSent before the request is on its way and Unknown after", async () => {
    const { executor } = setUp(() => ({ hang: "answering" }));
    expect(await executor.reboot(target, AbortSignal.abort())).toMatchObject({ outcome: "NotSent" });
    const abort = new AbortController();
    const receipt = executor.reboot(target, abort.signal);
    abort.abort();
    expect(await receipt).toMatchObject({ outcome: "Unknown" });
  });
});
