import { expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { civo, kube, quickSimulator, watch } from "./http-client.ts";

const NODES = "/api/v1/nodes";
const quiet = { timings: { statusPeriod: 10_000_000_000 } };
const soon = () => AbortSignal.timeout(300);

test("a status fault answers with its status, Retry-After and body, as often as it was told", async () => {
  await using simulator = await quickSimulator();
  simulator.faults.add({ api: "kubernetes", effect: "status", status: 429, retryAfter: 7, times: 2 });
  const first = await kube(simulator, NODES);
  expect([first.status, first.headers.get("retry-after"), first.body.reason]).toEqual([
    429,
    "7",
    "TooManyRequests",
  ]);
  expect((await kube(simulator, NODES)).status).toBe(429);
  expect((await kube(simulator, NODES)).status).toBe(200);
});

test("a fault takes only what it matches: API, method, path, watch", async () => {
  await using simulator = await quickSimulator();
  const match = { method: "GET", path: "/api/v1/nodes", watch: false };
  simulator.faults.add({ api: "kubernetes", effect: "status", status: 500, match });
  expect((await kube(simulator, NODES)).status).toBe(500);
  expect((await kube(simulator, "/api/v1/namespaces")).status).toBe(200);
  expect((await civo(simulator, "/v2/regions")).status).toBe(200);
  await using client = await watch(simulator, NODES);
  await eventually(() => expect(client.events).toHaveLength(4));
});

test("a hang answers nothing and executes nothing", async () => {
  await using simulator = await quickSimulator();
  const { id } = simulator.world.machine("std-1").instance;
  simulator.faults.add({ api: "civo", effect: "hang", times: 1 });
  await expect(
    civo(simulator, `/v2/instances/${id}/hard_reboots`, { method: "POST", signal: soon() }),
  ).rejects.toThrow(/timeout|fetch failed/);
  expect(simulator.world.reboots).toEqual([]);
});

test("a reset closes the connection without an answer and executes nothing", async () => {
  await using simulator = await quickSimulator();
  const { id } = simulator.world.machine("std-1").instance;
  simulator.faults.add({ api: "civo", effect: "reset", times: 1 });
  await expect(civo(simulator, `/v2/instances/${id}/hard_reboots`, { method: "POST" })).rejects.toThrow(
    /fetch failed/,
  );
  expect(simulator.world.reboots).toEqual([]);
});

test.each([{ effect: "execute-then-reset" } as const, { effect: "execute-then-hang" } as const])(
  "$effect reboots, but the client never hears of it",
  async (effect) => {
    await using simulator = await quickSimulator();
    const { id } = simulator.world.machine("std-1").instance;
    simulator.faults.add({ api: "civo", ...effect, times: 1 });
    await expect(
      civo(simulator, `/v2/instances/${id}/hard_reboots`, { method: "POST", signal: soon() }),
    ).rejects.toThrow(/timeout|fetch failed/);
    expect(simulator.world.reboots).toHaveLength(1);
  },
);

test("execute-then-status reboots and answers nginx' page", async () => {
  await using simulator = await quickSimulator();
  const { id } = simulator.world.machine("std-1").instance;
  simulator.faults.add({ api: "civo", effect: "execute-then-status", status: 502 });
  const answer = await civo(simulator, `/v2/instances/${id}/hard_reboots`, { method: "POST" });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([502, "text/html"]);
  expect(answer.body).toMatch(/<center>nginx<\/center>/);
  expect(simulator.world.reboots).toHaveLength(1);
});

test("a delay executes late, also for a client that has given up; the log tells both times", async () => {
  await using simulator = await quickSimulator();
  const { id } = simulator.world.machine("std-1").instance;
  simulator.faults.add({ api: "civo", effect: "delay", by: 600 });
  await expect(
    civo(simulator, `/v2/instances/${id}/hard_reboots`, { method: "POST", signal: soon() }),
  ).rejects.toThrow(/timeout|fetch failed/);
  expect(simulator.world.reboots).toEqual([]);
  const [reboot] = await eventually(() => {
    expect(simulator.world.reboots).toHaveLength(1);
    return simulator.world.reboots;
  });
  expect((reboot?.at ?? 0) - (reboot?.requestAt ?? 0)).toBeGreaterThanOrEqual(500);
});

test("a truncated answer ends in the middle of its body", async () => {
  await using simulator = await quickSimulator();
  simulator.faults.add({ api: "kubernetes", effect: "truncate", times: 1 });
  await expect(kube(simulator, NODES)).rejects.toThrow(/terminated|fetch failed/);
  expect((await kube(simulator, NODES)).status).toBe(200);
});

test("a watch can be cut inside a line, after some whole ones", async () => {
  await using simulator = await quickSimulator(quiet);
  simulator.faults.add({ api: "kubernetes", effect: "truncate", afterEvents: 2, match: { watch: true } });
  await using client = await watch(simulator, NODES);
  await eventually(() => expect(client.ended()).toBe("error"));
  expect(client.events).toHaveLength(2);
  expect(client.rest().length).toBeGreaterThan(10);
});

test("a watch can send an ERROR event of any code and end", async () => {
  await using simulator = await quickSimulator(quiet);
  const message = "etcdserver: mvcc: required revision has been compacted";
  simulator.faults.add({
    api: "kubernetes",
    effect: "error-event",
    code: 500,
    message,
    afterEvents: 4,
    match: { watch: true },
  });
  await using client = await watch(simulator, NODES);
  await eventually(() => expect(client.ended()).toBe("eof"));
  expect(client.events[4]).toMatchObject({ type: "ERROR", object: { code: 500, message } });
});

test("a watch can end at once, every time: an EOF storm", async () => {
  await using simulator = await quickSimulator(quiet);
  simulator.faults.add({ api: "kubernetes", effect: "end", match: { watch: true } });
  for (let round = 0; round < 3; round += 1) {
    await using client = await watch(simulator, `${NODES}?resourceVersion=1020`);
    await eventually(() => expect(client.ended()).toBe("eof"));
    expect(client.events).toEqual([]);
  }
});

test("watches that run can be ended, reset, failed or frozen from outside", async () => {
  await using simulator = await quickSimulator(quiet);
  const { api } = simulator.kubernetes;
  await using first = await watch(simulator, NODES);
  await eventually(() => expect(first.events).toHaveLength(4));
  expect(api.disturbWatches("end")).toBe(1);
  await eventually(() => expect(first.ended()).toBe("eof"));

  await using second = await watch(simulator, NODES);
  await eventually(() => expect(second.events).toHaveLength(4));
  api.disturbWatches("reset");
  await eventually(() => expect(second.ended()).toBe("error"));

  await using third = await watch(simulator, NODES);
  await eventually(() => expect(third.events).toHaveLength(4));
  api.failWatches(410, "too old resource version", "Expired");
  await eventually(() => expect(third.events.at(-1)).toMatchObject({ type: "ERROR", object: { code: 410 } }));

  await using frozen = await watch(simulator, NODES);
  await using fresh = await watch(simulator, NODES);
  await eventually(() => expect([frozen.events.length, fresh.events.length]).toEqual([4, 4]));
  api.disturbWatches("freeze");
  await using thawed = await watch(
    simulator,
    `${NODES}?resourceVersion=${simulator.world.names().length + 1000}`,
  );
  simulator.world.break("std-1", { fault: "disk-pressure" });
  await eventually(() => expect(thawed.events.length).toBeGreaterThan(0));
  expect([frozen.events.length, frozen.ended()]).toEqual([4, undefined]);
});

test("an API that refuses is back on the same port afterwards; its watches were reset", async () => {
  await using simulator = await quickSimulator({ ...quiet, tls: false });
  await using client = await watch(simulator, NODES);
  await eventually(() => expect(client.events).toHaveLength(4));
  await simulator.outage("kubernetes", "refuse");
  await eventually(() => expect(client.ended()).toBe("error"));
  await expect(kube(simulator, NODES)).rejects.toThrow(/terminated|fetch failed/);
  expect((await civo(simulator, "/v2/regions")).status).toBe(200);
  await simulator.outage("kubernetes", "off");
  expect((await kube(simulator, NODES)).status).toBe(200);
});

test("an API that hangs accepts connections and says nothing, on its watches neither", async () => {
  await using simulator = await quickSimulator(quiet);
  await using client = await watch(simulator, `${NODES}?allowWatchBookmarks=true`);
  await eventually(() => expect(client.types()).toContain("BOOKMARK"));
  await simulator.outage("kubernetes", "hang");
  const heard = client.events.length;
  await expect(kube(simulator, NODES, { signal: soon() })).rejects.toThrow(/timeout|fetch failed/);
  expect([client.events.length, client.ended()]).toEqual([heard, undefined]);
  await simulator.outage("kubernetes", "off");
  expect((await kube(simulator, NODES)).status).toBe(200);
});

test("every request is in the log with its answer and without credentials", async () => {
  await using simulator = await quickSimulator();
  const { id } = simulator.world.machine("std-1").instance;
  await kube(simulator, `${NODES}?limit=2`);
  await civo(simulator, `/v2/instances/${id}/hard_reboots`, { method: "POST", body: { region: "LON1" } });
  await eventually(() => expect(simulator.requests.list().map(({ status }) => status)).toEqual([200, 200]));
  expect(simulator.requests.list("civo")).toMatchObject([
    {
      method: "POST",
      path: `/v2/instances/${id}/hard_reboots`,
      query: "region=LON1",
      body: '{"region":"LON1"}',
    },
  ]);
  const text = JSON.stringify(simulator.requests.list());
  expect(text).not.toContain(simulator.civo.apiKey);
  expect(text).not.toContain(simulator.kubernetes.token);
});
