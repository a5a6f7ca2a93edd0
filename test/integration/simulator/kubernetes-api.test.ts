import { expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { kube, quickSimulator, watch } from "./http-client.ts";

const NODES = "/api/v1/nodes";
const MAPS = "/api/v1/namespaces/default/configmaps";
/** Kubelets that do not post during a test, so that every event has a cause in it. */
const quiet = { timings: { statusPeriod: 10_000_000_000 } };
const merge = "application/merge-patch+json";
const strategic = "application/strategic-merge-patch+json";

test("without the token, or with another, every object is 401 as a Status", async () => {
  await using simulator = await quickSimulator();
  for (const authorization of ["", "Bearer wrong", `Basic ${simulator.kubernetes.token}`]) {
    const answer = await kube(simulator, NODES, { headers: { authorization } });
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ kind: "Status", reason: "Unauthorized", code: 401 });
  }
});

test("after a rotation only the new token works", async () => {
  await using simulator = await quickSimulator();
  const old = simulator.kubernetes.token;
  await simulator.rotateToken();
  expect((await kube(simulator, NODES, { headers: { authorization: `Bearer ${old}` } })).status).toBe(401);
  expect((await kube(simulator, NODES)).status).toBe(200);
});

test("pages of a list show one moment, whatever is written meanwhile", async () => {
  await using simulator = await quickSimulator({ ...quiet, pools: [{ name: "many", count: 23 }] });
  const first = await kube(simulator, `${NODES}?limit=10`);
  expect(first.body.metadata.remainingItemCount).toBe(13);
  simulator.world.deleteNode(simulator.world.names().at(-1) ?? "");
  const names: string[] = first.body.items.map((node) => node.metadata.name);
  let token = first.body.metadata.continue;
  while (token !== undefined) {
    const page = await kube(simulator, `${NODES}?limit=10&continue=${token}`);
    expect(page.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
    names.push(...page.body.items.map((node) => node.metadata.name));
    token = page.body.metadata.continue;
  }
  expect(new Set(names).size).toBe(23);
  expect(names).toEqual(names.toSorted());
});

test("an expired continue token is 410 Expired, a false one 400", async () => {
  await using simulator = await quickSimulator();
  const first = await kube(simulator, `${NODES}?limit=1`);
  simulator.kubernetes.api.expireContinueTokens();
  const next = await kube(simulator, `${NODES}?limit=1&continue=${first.body.metadata.continue}`);
  expect([next.status, next.body.reason]).toEqual([410, "Expired"]);
  expect((await kube(simulator, `${NODES}?continue=nonsense`)).status).toBe(400);
});

test("version 0 ignores limit; a version from the future is 504 with its cause", async () => {
  await using simulator = await quickSimulator();
  expect((await kube(simulator, `${NODES}?limit=1&resourceVersion=0`)).body.items).toHaveLength(4);
  const future = await kube(simulator, `${NODES}?resourceVersion=999999`);
  expect(future.status).toBe(504);
  expect(future.body.details.causes[0]?.reason).toBe("ResourceVersionTooLarge");
  expect((await kube(simulator, `${NODES}?resourceVersion=abc`)).status).toBe(400);
});

test("list items carry neither kind nor apiVersion, watch objects carry both", async () => {
  await using simulator = await quickSimulator();
  expect((await kube(simulator, NODES)).body.items[0]?.kind).toBeUndefined();
  await using client = await watch(simulator, NODES);
  await eventually(() => expect(client.events).toHaveLength(4));
  expect(client.events[0]?.object).toMatchObject({ kind: "Node", apiVersion: "v1" });
});

test.each([
  ["pool label", (id: string) => `labelSelector=kubernetes.civo.com/civo-node-pool=${id}`, ["gpu-1"]],
  ["in", () => "labelSelector=kubernetes.io/hostname in (std-1,std-2)", ["std-1", "std-2"]],
  ["notin", () => "labelSelector=kubernetes.io/hostname notin (std-1,std-2)", ["gpu-1", "std-3"]],
  ["exists", () => "labelSelector=nvidia.com/gpu.count", ["gpu-1"]],
  ["not exists", () => "labelSelector=!nvidia.com/gpu.count", ["std-1", "std-2", "std-3"]],
  [
    "not equal",
    () => "labelSelector=topology.kubernetes.io/zone!=a,!nvidia.com/gpu.count",
    ["std-1", "std-3"],
  ],
  ["field", () => "fieldSelector=metadata.name=std-2", ["std-2"]],
])("a list is selected by %s", async (_, query, names) => {
  await using simulator = await quickSimulator();
  const pool = simulator.world.pool("gpu")?.id ?? "";
  const { body } = await kube(simulator, `${NODES}?${query(pool)}`);
  expect(body.items.map((node) => node.metadata.name)).toEqual(names);
});

test("an unknown field selector or a broken label selector is 400", async () => {
  await using simulator = await quickSimulator();
  expect((await kube(simulator, `${NODES}?fieldSelector=spec.providerID=x`)).status).toBe(400);
  expect((await kube(simulator, `${NODES}?labelSelector=a in b`)).status).toBe(400);
});

test("a watch from a list's version misses nothing and repeats nothing", async () => {
  await using simulator = await quickSimulator(quiet);
  const { body } = await kube(simulator, NODES);
  simulator.world.break("std-1", { fault: "disk-pressure" });
  await using client = await watch(simulator, `${NODES}?resourceVersion=${body.metadata.resourceVersion}`);
  simulator.world.break("std-2", { fault: "disk-pressure" });
  await eventually(() =>
    expect(new Set(client.events.map(({ object }) => object.metadata.name))).toEqual(
      new Set(["std-1", "std-2"]),
    ),
  );
  const versions = client.events.map(({ object }) => Number(object.metadata.resourceVersion));
  expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
  expect(new Set(client.types())).toEqual(new Set(["MODIFIED"]));
});

test("an object that leaves the selector is DELETED with its last content and the new version, then ADDED again", async () => {
  await using simulator = await quickSimulator(quiet);
  await using client = await watch(simulator, `${NODES}?labelSelector=team=a`);
  const label = (team: string | null) =>
    kube(simulator, `${NODES}/std-1`, {
      method: "PATCH",
      type: merge,
      body: { metadata: { labels: { team } } },
    });
  await label("a");
  const left = await label("b");
  await label("a");
  await eventually(() => expect(client.types()).toEqual(["ADDED", "DELETED", "ADDED"]));
  expect(client.events[1]?.object.metadata).toMatchObject({
    labels: { team: "a" },
    resourceVersion: left.body.metadata.resourceVersion,
  });
  expect((await kube(simulator, `${NODES}/std-1`)).status).toBe(200);
});

test("bookmarks come only to those who asked, and carry the newest version", async () => {
  await using simulator = await quickSimulator(quiet);
  const { resourceVersion } = (await kube(simulator, NODES)).body.metadata;
  await using asked = await watch(
    simulator,
    `${NODES}?resourceVersion=${resourceVersion}&allowWatchBookmarks=true`,
  );
  await using silent = await watch(simulator, `${NODES}?resourceVersion=${resourceVersion}`);
  await kube(simulator, MAPS, { method: "POST", body: { metadata: { name: "other-kind" } } });
  await eventually(() => {
    const last = asked.events.findLast(({ type }) => type === "BOOKMARK");
    expect(Number(last?.object.metadata.resourceVersion)).toBe(Number(resourceVersion) + 1);
  });
  expect(silent.events).toEqual([]);
});

test("timeoutSeconds ends a watch cleanly", async () => {
  await using simulator = await quickSimulator(quiet);
  await using client = await watch(simulator, `${NODES}?timeoutSeconds=1&resourceVersion=5000`);
  await eventually(() => expect(client.ended()).toBe("eof"));
  expect(simulator.kubernetes.api.watches).toBe(0);
});

test("a watch from before the compaction is told 410 Expired and ends", async () => {
  await using simulator = await quickSimulator(quiet);
  const { resourceVersion } = (await kube(simulator, NODES)).body.metadata;
  simulator.world.break("std-1", { fault: "disk-pressure" });
  simulator.kubernetes.api.compact();
  await using client = await watch(simulator, `${NODES}?resourceVersion=${resourceVersion}`);
  await eventually(() => expect(client.ended()).toBe("eof"));
  expect(client.events).toMatchObject([
    { type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } },
  ]);
});

test("history is bounded: a version that fell out of the window is 410", async () => {
  await using simulator = await quickSimulator({ ...quiet, history: 10 });
  const { resourceVersion } = (await kube(simulator, NODES)).body.metadata;
  for (let round = 0; round < 30; round += 1)
    simulator.world.break("std-1", { fault: round % 2 ? "not-ready" : "disk-pressure" });
  for (let round = 0; round < 30; round += 1) simulator.world.heal("std-1");
  await using client = await watch(simulator, `${NODES}?resourceVersion=${resourceVersion}`);
  await eventually(() => expect(client.events[0]?.object.code).toBe(410));
});

test("two writers with the same resourceVersion: one wins, the other is 409 Conflict", async () => {
  await using simulator = await quickSimulator();
  const created = await kube(simulator, MAPS, {
    method: "POST",
    body: { metadata: { name: "ledger" }, data: { n: "0" } },
  });
  expect(created.status).toBe(201);
  const write = (n: string) =>
    kube(simulator, `${MAPS}/ledger`, { method: "PUT", body: { ...created.body, data: { n } } });
  const statuses = (await Promise.all([write("1"), write("2")])).map(({ status }) => status);
  expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 409]);
  const patch = (resourceVersion: string) =>
    kube(simulator, `${MAPS}/ledger`, {
      method: "PATCH",
      type: merge,
      body: { metadata: { resourceVersion }, data: { n: "3" } },
    });
  expect((await patch(created.body.metadata.resourceVersion)).body).toMatchObject({
    code: 409,
    reason: "Conflict",
  });
  const now = await kube(simulator, `${MAPS}/ledger`);
  expect((await patch(now.body.metadata.resourceVersion)).status).toBe(200);
});

test("creating twice is 409 AlreadyExists, in a namespace that is not there 404, without a name 422", async () => {
  await using simulator = await quickSimulator();
  const create = (path: string, name?: string) =>
    kube(simulator, path, { method: "POST", body: { metadata: { name } } });
  await create(MAPS, "once");
  expect((await create(MAPS, "once")).body).toMatchObject({ code: 409, reason: "AlreadyExists" });
  expect((await create("/api/v1/namespaces/nowhere/configmaps", "x")).status).toBe(404);
  expect((await create(MAPS)).body.details.causes[0]?.field).toBe("metadata.name");
});

test("a write that changes nothing makes no version and no event", async () => {
  await using simulator = await quickSimulator(quiet);
  const body = { metadata: { labels: { a: "b" } } };
  const first = await kube(simulator, `${NODES}/std-1`, { method: "PATCH", type: merge, body });
  const second = await kube(simulator, `${NODES}/std-1`, { method: "PATCH", type: merge, body });
  expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
});

test("dryRun=All answers what would be and stores nothing", async () => {
  await using simulator = await quickSimulator();
  const dry = await kube(simulator, `${NODES}/std-1?dryRun=All`, {
    method: "PATCH",
    type: strategic,
    body: { spec: { unschedulable: true } },
  });
  expect(dry.body.spec.unschedulable).toBe(true);
  expect((await kube(simulator, `${NODES}/std-1`)).body.spec.unschedulable).toBeUndefined();
  await kube(simulator, `${NODES}/std-1?dryRun=All`, { method: "DELETE" });
  expect((await kube(simulator, `${NODES}/std-1`)).status).toBe(200);
});

test("status is written only through /status, spec only beside it", async () => {
  await using simulator = await quickSimulator(quiet);
  const body = {
    spec: { unschedulable: true },
    status: { conditions: [{ type: "Ours", status: "True" }] },
  };
  const patch = (path: string) => kube(simulator, path, { method: "PATCH", type: strategic, body });
  const viaStatus = await patch(`${NODES}/std-1/status`);
  expect(viaStatus.body.spec.unschedulable).toBeUndefined();
  expect(viaStatus.body.status.conditions.map(({ type }) => type)).toEqual(
    expect.arrayContaining(["Ours", "Ready", "DiskPressure"]),
  );
  const viaSpec = await patch(`${NODES}/std-2`);
  expect(viaSpec.body.spec.unschedulable).toBe(true);
  expect(viaSpec.body.status.conditions.some(({ type }) => type === "Ours")).toBe(false);
});

test("a merge patch of conditions or taints replaces the whole list, as the real server does", async () => {
  await using simulator = await quickSimulator({
    ...quiet,
    pools: [{ name: "p", count: 1, nodeNames: ["n"], taints: [{ key: "keep", effect: "NoSchedule" }] }],
  });
  const conditions = [{ type: "Ours", status: "True" }];
  const status = await kube(simulator, `${NODES}/n/status`, {
    method: "PATCH",
    type: merge,
    body: { status: { conditions } },
  });
  expect(status.body.status.conditions).toEqual(conditions);
  const taints = [{ key: "mine", effect: "NoSchedule" }];
  const spec = await kube(simulator, `${NODES}/n`, {
    method: "PATCH",
    type: strategic,
    body: { spec: { taints } },
  });
  expect(spec.body.spec.taints).toEqual(taints);
});

test("a JSON patch whose test fails is 422 and changes nothing; an object as JSON patch is 400; another type 415", async () => {
  await using simulator = await quickSimulator();
  const json = "application/json-patch+json";
  const send = (type: string, body: unknown) =>
    kube(simulator, `${NODES}/std-1`, { method: "PATCH", type, body });
  const failing = [
    { op: "test", path: "/metadata/name", value: "other" },
    { op: "add", path: "/metadata/labels/a", value: "b" },
  ];
  expect((await send(json, failing)).status).toBe(422);
  expect((await send(json, failing.slice(1))).body.metadata.labels.a).toBe("b");
  expect((await send(json, { metadata: {} })).status).toBe(400);
  expect((await send("application/json", {})).status).toBe(415);
});

test("a provider id that is set cannot be changed", async () => {
  await using simulator = await quickSimulator();
  const answer = await kube(simulator, `${NODES}/std-1`, {
    method: "PATCH",
    type: merge,
    body: { spec: { providerID: "civo://x" } },
  });
  expect(answer.body).toMatchObject({ code: 422, reason: "Invalid" });
  expect(answer.body.details.causes[0]?.field).toBe("spec.providerID");
});

test("a deletion honours its preconditions; what is not there is 404 with details", async () => {
  await using simulator = await quickSimulator();
  const remove = (uid: string) =>
    kube(simulator, `${NODES}/std-1`, { method: "DELETE", body: { preconditions: { uid } } });
  expect((await remove("other")).status).toBe(409);
  const { uid } = (await kube(simulator, `${NODES}/std-1`)).body.metadata;
  expect((await remove(uid)).body.status).toBe("Success");
  expect((await kube(simulator, `${NODES}/std-1`)).body).toMatchObject({
    code: 404,
    details: { name: "std-1", kind: "nodes" },
  });
});

test("a node deleted through the API is registered again by its living kubelet, under a new uid", async () => {
  await using simulator = await quickSimulator();
  const { uid } = (await kube(simulator, `${NODES}/std-1`)).body.metadata;
  await kube(simulator, `${NODES}/std-1`, { method: "DELETE" });
  const again = await eventually(async () => {
    const answer = await kube(simulator, `${NODES}/std-1`);
    expect(answer.status).toBe(200);
    return answer;
  });
  expect(again.body.metadata.uid).not.toBe(uid);
});

test("an event is one object in two API versions, found by what it is about", async () => {
  await using simulator = await quickSimulator();
  const event = {
    metadata: { name: "std-1.1", namespace: "default" },
    eventTime: "2026-11-23T07:00:00.000000Z",
    reportingController: "node-agent",
    reportingInstance: "worker-1",
    action: "Reboot",
    reason: "RebootRequested",
    type: "Normal",
    note: "reboot requested",
    regarding: { kind: "Node", name: "std-1", uid: "u" },
  };
  const path = "/apis/events.k8s.io/v1/namespaces/default/events";
  expect((await kube(simulator, path, { method: "POST", body: event })).status).toBe(201);
  const core = await kube(
    simulator,
    "/api/v1/events?fieldSelector=involvedObject.name=std-1,involvedObject.uid=u,involvedObject.namespace=",
  );
  expect(core.body.items).toMatchObject([
    { message: "reboot requested", involvedObject: { name: "std-1" }, source: { component: "node-agent" } },
  ]);
  expect((await kube(simulator, path, { method: "POST", body: { ...event, action: "" } })).status).toBe(422);
});

test("the lease of a living kubelet is renewed, that of a dead one is not", async () => {
  await using simulator = await quickSimulator();
  const renewed = async (name: string) =>
    (await kube(simulator, `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`)).body
      .spec.renewTime;
  simulator.world.break("std-2", { fault: "kubelet-dead" });
  const [living, dead] = [await renewed("std-1"), await renewed("std-2")];
  await eventually(async () => expect(await renewed("std-1")).not.toBe(living));
  expect(await renewed("std-2")).toBe(dead);
});

test("sendInitialEvents is refused, as by a server without WatchList", async () => {
  await using simulator = await quickSimulator();
  expect((await kube(simulator, `${NODES}?watch=true&sendInitialEvents=true`)).status).toBe(422);
});

test("hostile patches and bodies are answered, and the server lives on", async () => {
  await using simulator = await quickSimulator();
  const bodies = [
    "",
    "{",
    "null",
    "[]",
    '{"__proto__":{"polluted":true}}',
    '{"metadata":null}',
    '{"status":5}',
    '{"spec":[1]}',
  ];
  for (const body of bodies) {
    for (const type of [merge, strategic, "application/json-patch+json"]) {
      const { status } = await kube(simulator, `${NODES}/std-1/status`, { method: "PATCH", type, body });
      expect(status).toBeLessThan(500);
    }
  }
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  simulator.world.break("std-1", { fault: "not-ready" });
  expect((await kube(simulator, NODES)).body.items).toHaveLength(4);
});
