import { createServer, type AddressInfo, type Socket } from "node:net";
import { inspect } from "node:util";
import { createCivoClient, createCivoExecutor, parseCivoUrl } from "@node-agent/civo";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import { Secret } from "@node-agent/shared/runtime/secret.ts";
import { expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import {
  type RecordedRequest,
  type Script,
  startScriptedServer,
} from "../../support/scripted-http-server.ts";
import { aNode, anInstance, CANARY, CLUSTER_ID, INSTANCE_ID, readingAhead } from "../../unit/civo/support.ts";

const target = { instanceId: INSTANCE_ID, hostname: "node-1" };
const { signal } = new AbortController();

/** A client on real sockets, with deadlines of a test. */
function startExecutor(url: string, { reboot = 5000, connect = 2000 } = {}) {
  const client = createCivoClient({
    url: parseCivoUrl(url),
    apiKey: Secret.of(CANARY),
    region: "LON1",
    clusterId: CLUSTER_ID,
    userAgent: "node-agent/test",
    clock: systemClock,
    deadlines: { connect, reboot, read: 5000 },
    maxBodyBytes: 1_000_000,
    random: () => 0,
  });
  const executor = readingAhead(createCivoExecutor({ client, clock: systemClock }));
  return { executor, [Symbol.asyncDispose]: async () => client[Symbol.asyncDispose]() };
}

/** Answers as the real API does for one ACTIVE instance, if the key and the region are right. */
const civo: Script = (request, response) => {
  const { status, body } = answerOf(request);
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
};

function answerOf(request: RecordedRequest): { status: number; body: unknown } {
  if (request.headers.authorization !== `bearer ${CANARY}`) {
    return { status: 401, body: { result: "requires_authentication", status: 401 } };
  }
  if (request.query.get("region") !== "LON1") {
    return { status: 404, body: { code: "database_region_not_found" } };
  }
  if (request.method === "POST") return { status: 200, body: { result: "success" } };
  return { status: 200, body: request.path.includes("/clusters/") ? [anInstance()] : anInstance() };
}

test("resolves and reboots over connections that stay open, and leaves none behind", async () => {
  await using server = await startScriptedServer(civo);
  await using cloud = startExecutor(server.url);
  for (let round = 0; round < 8; round += 1) {
    expect(await cloud.executor.resolve(aNode(), signal)).toEqual({ ok: true, target });
    expect(await cloud.executor.reboot(target, signal)).toMatchObject({ outcome: "Accepted" });
  }
  expect(server.requests.filter(({ method }) => method === "POST")).toHaveLength(8);
  expect(server.requests.at(-1)).toMatchObject({
    body: '{"region":"LON1"}',
    path: `/v2/instances/${INSTANCE_ID}/hard_reboots`,
  });
  expect(server.connectionsAccepted()).toBeLessThan(server.requests.length / 2);
  await cloud[Symbol.asyncDispose]();
  await eventually(() => expect(server.openConnections()).toBe(0));
});

const page =
  (status: number, body: string, headers: Record<string, string> = {}): Script =>
  (_request, response) => {
    response.writeHead(status, headers).end(body);
  };
const raw =
  (bytes: string): Script =>
  (_request, _response, socket) => {
    socket.end(bytes);
  };
const reset: Script = (_request, _response, socket) => {
  socket.resetAndDestroy();
};
const endless: Script = (_request, response) => {
  response.writeHead(200);
  const timer = setInterval(() => response.write(" ".repeat(100_000)), 1);
  response.on("close", () => clearInterval(timer));
};
const hang: Script = () => {};

test.each([
  ["502 with a page of HTML", "Unknown", page(502, "<html>nginx</html>")],
  ["500", "Unknown", page(500, '{"status":500,"error":"Internal Server Error"}')],
  ["a connection reset after it accepted the request", "Unknown", reset],
  ["a connection closed in the middle of the head", "Unknown", raw("HTTP/1.1 200 O")],
  [
    "a connection closed in the middle of the body",
    "Unknown",
    raw('HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{"result":'),
  ],
  ["no HTTP at all", "Unknown", raw("\u0000\u0001 what?\r\n\r\n")],
  ["a body without an end", "Unknown", endless],
  ["success in a head of 1 MB", "Unknown", page(200, '{"result":"success"}', { x: "y".repeat(1_000_000) })],
  ["401", "Rejected", page(401, '{"result":"requires_authentication","status":401}')],
])("a reboot answered by %s is %s and was sent once", async (_name, outcome, script) => {
  await using server = await startScriptedServer(script);
  await using cloud = startExecutor(server.url);
  const receipt = await cloud.executor.reboot(target, signal);
  expect(receipt).toMatchObject({ outcome });
  expect(inspect(receipt, { depth: 9 })).not.toContain(CANARY);
  expect(server.requests).toHaveLength(1);
  await eventually(() => expect(server.openConnections()).toBeLessThanOrEqual(1));
});

test.each([301, 302, 303, 307, 308])(
  "a redirect (%i) of a reboot is not followed: the key goes nowhere else",
  async (status) => {
    await using elsewhere = await startScriptedServer(civo);
    await using server = await startScriptedServer(page(status, "", { location: `${elsewhere.url}/x` }));
    await using cloud = startExecutor(server.url);
    expect(await cloud.executor.reboot(target, signal)).toMatchObject({ outcome: "Unknown" });
    expect(await cloud.executor.resolve(aNode(), signal)).toMatchObject({
      ok: false,
      failure: "Misconfigured",
    });
    expect(server.requests.filter(({ method }) => method === "POST")).toHaveLength(1);
    expect(elsewhere.requests).toEqual([]);
  },
);

test("a reboot that hangs is Unknown when its deadline is over, and its connection is closed", async () => {
  await using server = await startScriptedServer(hang);
  await using cloud = startExecutor(server.url, { reboot: 100 });
  expect(await cloud.executor.reboot(target, signal)).toMatchObject({
    outcome: "Unknown",
    detail: "no answer within 100 ms",
  });
  expect(server.requests).toHaveLength(1);
  await eventually(() => expect(server.openConnections()).toBe(0));
});

test("an abort after the request has left is Unknown", async () => {
  await using server = await startScriptedServer(hang);
  await using cloud = startExecutor(server.url);
  const abort = new AbortController();
  const receipt = cloud.executor.reboot(target, abort.signal);
  await eventually(() => expect(server.requests).toHaveLength(1));
  abort.abort();
  expect(await receipt).toMatchObject({ outcome: "Unknown", detail: "aborted" });
});

test("connections that the server closed while idle are not mistaken for a lost reboot", async () => {
  const sockets = new Set<Socket>();
  await using server = await startScriptedServer((request, response, socket) => {
    sockets.add(socket);
    return civo(request, response, socket);
  });
  await using cloud = startExecutor(server.url);
  expect(await cloud.executor.resolve(aNode(), signal)).toMatchObject({ ok: true });
  for (const socket of sockets) socket.end();
  await eventually(() => expect(server.openConnections()).toBe(0));
  expect(await cloud.executor.reboot(target, signal)).toMatchObject({ outcome: "Accepted" });
  expect(server.requests.filter(({ method }) => method === "POST")).toHaveLength(1);
});

test("nobody listens: nothing was sent", async () => {
  const server = await startScriptedServer(civo);
  const { url } = server;
  await server[Symbol.asyncDispose]();
  await using cloud = startExecutor(url);
  expect(await cloud.executor.reboot(target, signal)).toMatchObject({
    outcome: "NotSent",
    detail: "ECONNREFUSED",
  });
  expect(await cloud.executor.resolve(aNode(), signal)).toMatchObject({ ok: false, failure: "Unavailable" });
});

test("TLS that fails: nothing was sent", async () => {
  await using server = await startScriptedServer(civo);
  await using cloud = startExecutor(server.url.replace("http:", "https:"));
  expect(await cloud.executor.reboot(target, signal)).toMatchObject({ outcome: "NotSent" });
  expect(server.requests).toEqual([]);
});

test("TLS that hangs: nothing was sent, and nothing is sent later", async () => {
  const received: Buffer[] = [];
  const server = createServer((socket) => socket.on("data", (chunk: Buffer) => received.push(chunk)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await using cloud = startExecutor(`https://127.0.0.1:${port}`, { connect: 100 });
  const receipt = await cloud.executor.reboot(target, signal);
  expect(receipt).toEqual({ outcome: "NotSent", detail: "no connection within 100 ms" });
  expect(Buffer.concat(received).toString("latin1")).not.toContain("hard_reboots");
  await cloud[Symbol.asyncDispose]();
  await new Promise((resolve) => server.close(resolve));
});

test("a wrong key is Unauthorized everywhere, and is not in what is said about it", async () => {
  await using server = await startScriptedServer(
    page(401, `{"result":"requires_authentication","reason":"bearer ${CANARY}"}`),
  );
  await using cloud = startExecutor(server.url);
  const said = [await cloud.executor.resolve(aNode(), signal), await cloud.executor.reboot(target, signal)];
  expect(said).toMatchObject([{ failure: "Unauthorized" }, { outcome: "Rejected", failure: "Unauthorized" }]);
  expect(inspect(said, { depth: 9 }) + JSON.stringify(said)).not.toContain(CANARY);
});
