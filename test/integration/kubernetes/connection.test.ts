import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { manualClock } from "../../unit/kubernetes/support/manual-clock.ts";
import { loopbackCertificate } from "../../../packages/simulator/src/tls.ts";
import { eventually } from "../../support/eventually.ts";
import { startScriptedServer, type Script } from "../../support/scripted-http-server.ts";
import { testFolder } from "./support/kubeconfig-file.ts";
import { openConnection } from "./support/open-connection.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const ok: Script = (_, response) => {
  response.end('{"ok":true}');
};

async function readToEnd(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of chunks) bytes += chunk.length;
  return bytes;
}

describe("I-1: one agent per cluster", () => {
  test("50 calls need one TLS connection", async () => {
    const certificate = await loopbackCertificate(Date.now());
    await using server = await startScriptedServer(ok, { tls: certificate });
    await using folder = await testFolder();
    const cluster = { "certificate-authority-data": base64(certificate.cert) };
    const kubeconfig = await folder.kubeconfig({ server: server.url, cluster, user: { token: "t" } });
    await using connection = openConnection({ kubeconfig });
    for (let call = 0; call < 50; call += 1) await connection.request("/api/v1/nodes/a");
    expect(server.requests).toHaveLength(50);
    expect(server.connectionsAccepted()).toBe(1);
  });

  test("a CA that changes on disk is used within a minute, over a new connection", async () => {
    const [one, other] = [await loopbackCertificate(Date.now()), await loopbackCertificate(Date.now())];
    await using server = await startScriptedServer(ok, { tls: one });
    await using folder = await testFolder();
    const ca = await folder.write("ca.crt", one.cert);
    const cluster = { "certificate-authority": "ca.crt" };
    const kubeconfig = await folder.kubeconfig({ server: server.url, cluster });
    const clock = manualClock();
    await using connection = openConnection({ kubeconfig, clock });
    await connection.request("/a");
    server.presentCertificate(other);
    await folder.write("ca.crt", other.cert);
    expect(ca).toContain(folder.path);
    await clock.advance(60_000);
    await connection.request("/b");
    expect(server.connectionsAccepted()).toBe(2);
  });

  test("a handshake that fails makes the next call look at the CA at once", async () => {
    const [one, other] = [await loopbackCertificate(Date.now()), await loopbackCertificate(Date.now())];
    await using server = await startScriptedServer(ok, { tls: one });
    await using folder = await testFolder();
    await folder.write("ca.crt", one.cert);
    const cluster = { "certificate-authority": "ca.crt" };
    const kubeconfig = await folder.kubeconfig({ server: server.url, cluster });
    await using connection = openConnection({ kubeconfig, clock: manualClock() });
    await connection.request("/a");
    server.presentCertificate(other);
    server.dropConnections();
    await eventually(() => expect(server.openConnections()).toBe(0));
    await expect(connection.request("/b")).rejects.toMatchObject({ code: "TlsFailed" });
    await folder.write("ca.crt", other.cert);
    await expect(connection.request("/c")).resolves.toMatchObject({ status: 200 });
  });
});

test("I-2: two contexts of one file: each server sees only its own token, also when calls overlap", async () => {
  await using one = await startScriptedServer(ok);
  await using two = await startScriptedServer(ok);
  await using folder = await testFolder();
  const kubeconfig = await folder.kubeconfig({
    top: {
      clusters: [
        { name: "one", cluster: { server: one.url } },
        { name: "two", cluster: { server: two.url } },
      ],
      users: [
        { name: "one", user: { token: "token-one" } },
        { name: "two", user: { token: "token-two" } },
      ],
      contexts: [
        { name: "one", context: { cluster: "one", user: "one" } },
        { name: "two", context: { cluster: "two", user: "two" } },
      ],
      "current-context": "one",
    },
  });
  await using toOne = openConnection({ kubeconfig, context: "one" });
  await using toTwo = openConnection({ kubeconfig, context: "two" });
  const calls = Array.from({ length: 20 }, (_, call) => (call % 2 === 0 ? toOne : toTwo).request(`/${call}`));
  await Promise.all(calls);
  const tokens = (server: typeof one) => new Set(server.requests.map(({ headers }) => headers.authorization));
  expect(tokens(one)).toEqual(new Set(["Bearer token-one"]));
  expect(tokens(two)).toEqual(new Set(["Bearer token-two"]));
});

describe("TLS as the kubeconfig says", () => {
  test("a server of another authority is not spoken to, and gets no token", async () => {
    const [one, other] = [await loopbackCertificate(Date.now()), await loopbackCertificate(Date.now())];
    await using server = await startScriptedServer(ok, { tls: one });
    await using folder = await testFolder();
    const cluster = { "certificate-authority-data": base64(other.cert) };
    const kubeconfig = await folder.kubeconfig({
      server: server.url,
      cluster,
      user: { token: "secret-token" },
    });
    await using connection = openConnection({ kubeconfig });
    await expect(connection.request("/a")).rejects.toMatchObject({ code: "TlsFailed" });
    expect(server.requests).toEqual([]);
  });

  test("insecure-skip-tls-verify", async () => {
    await using server = await startScriptedServer(ok, { tls: await loopbackCertificate(Date.now()) });
    await using folder = await testFolder();
    const cluster = { "insecure-skip-tls-verify": true };
    await using connection = openConnection({
      kubeconfig: await folder.kubeconfig({ server: server.url, cluster }),
    });
    await expect(connection.request("/a")).resolves.toMatchObject({ body: { ok: true } });
  });

  test.each([
    ["localhost", undefined],
    ["somebody-else", "TlsFailed"],
  ])("tls-server-name %s -> %s", async (name, code) => {
    const certificate = await loopbackCertificate(Date.now());
    await using server = await startScriptedServer(ok, { tls: certificate });
    await using folder = await testFolder();
    const cluster = { "certificate-authority-data": base64(certificate.cert), "tls-server-name": name };
    await using connection = openConnection({
      kubeconfig: await folder.kubeconfig({ server: server.url, cluster }),
    });
    const outcome = await connection.request("/a").then(
      () => undefined,
      (fault: { code: string }) => fault.code,
    );
    expect(outcome).toBe(code);
  });

  test.each(["in the file", "beside the file"])("a client certificate %s", async (where) => {
    const [serverPair, client] = [
      await loopbackCertificate(Date.now()),
      await loopbackCertificate(Date.now()),
    ];
    const peers: string[] = [];
    await using server = await startScriptedServer(
      (_, response, socket) => {
        peers.push((socket as TLSSocket).getPeerCertificate().fingerprint256);
        response.end("{}");
      },
      { tls: { ...serverPair, asksForCertificate: true } },
    );
    await using folder = await testFolder();
    await folder.write("client.crt", client.cert);
    await folder.write("client.key", client.key);
    const user =
      where === "in the file"
        ? { "client-certificate-data": base64(client.cert), "client-key-data": base64(client.key) }
        : { "client-certificate": "client.crt", "client-key": "client.key" };
    const cluster = { "certificate-authority-data": base64(serverPair.cert) };
    await using connection = openConnection({
      kubeconfig: await folder.kubeconfig({ server: server.url, cluster, user }),
    });
    await connection.request("/a");
    expect(peers).toEqual([new X509Certificate(client.cert).fingerprint256]);
  });
});

test("an auth-provider of old gets its header from client-node, CA and all", async () => {
  const certificate = await loopbackCertificate(Date.now());
  await using server = await startScriptedServer(ok, { tls: certificate });
  await using folder = await testFolder();
  await folder.write("ca.crt", certificate.cert);
  const config = { "access-token": "from-the-provider", expiry: "2099-01-01T00:00:00Z" };
  const kubeconfig = await folder.kubeconfig({
    server: server.url,
    cluster: { "certificate-authority": "ca.crt" },
    user: { "auth-provider": { name: "gcp", config } },
  });
  await using connection = openConnection({ kubeconfig });
  await connection.request("/a");
  expect(server.requests[0]?.headers.authorization).toBe("Bearer from-the-provider");
});

describe("a call", () => {
  test("I-22: says who we are, on every kind of call", async () => {
    await using server = await startScriptedServer(ok);
    await using folder = await testFolder();
    await using connection = openConnection({ kubeconfig: await folder.kubeconfig({ server: server.url }) });
    await connection.request("/list");
    const { chunks } = await connection.stream("/watch");
    await readToEnd(chunks);
    const agents = server.requests.map(({ headers }) => headers["user-agent"]);
    expect(agents).toEqual(["node-recovery-agent/test", "node-recovery-agent/test"]);
  });

  test("keeps the path of the server, sends query, method, headers and body", async () => {
    await using server = await startScriptedServer(ok);
    await using folder = await testFolder();
    const user = { as: "robot", "as-uid": "7", "as-groups": ["g1", "g2"], username: "u", password: "p" };
    await using connection = openConnection({
      kubeconfig: await folder.kubeconfig({ server: `${server.url}/k8s/clusters/c-1/`, user }),
    });
    await connection.request("/api/v1/nodes/a", {
      method: "PATCH",
      query: { fieldManager: "me", odd: "a b&c" },
      headers: { "content-type": "application/merge-patch+json" },
      body: '{"metadata":{}}',
    });
    const [request] = server.requests;
    expect(request).toMatchObject({
      method: "PATCH",
      path: "/k8s/clusters/c-1/api/v1/nodes/a",
      body: '{"metadata":{}}',
      headers: {
        "content-type": "application/merge-patch+json",
        authorization: `Basic ${base64("u:p")}`,
        "impersonate-user": "robot",
        "impersonate-uid": "7",
        "impersonate-group": "g1, g2",
      },
    });
    expect(Object.fromEntries(request?.query ?? [])).toEqual({ fieldManager: "me", odd: "a b&c" });
  });

  test("inflates gzip and tells the server's clock", async () => {
    await using server = await startScriptedServer((_, response) => {
      response.setHeader("content-encoding", "gzip");
      response.setHeader("date", "Mon, 23 Nov 2026 10:00:00 GMT");
      response.end(gzipSync('{"big":true}'));
    });
    await using folder = await testFolder();
    await using connection = openConnection({ kubeconfig: await folder.kubeconfig({ server: server.url }) });
    await expect(connection.request("/a")).resolves.toEqual({
      status: 200,
      body: { big: true },
      serverDate: Date.UTC(2026, 10, 23, 10),
    });
  });

  test("does not follow a redirect, which would carry the token elsewhere", async () => {
    await using elsewhere = await startScriptedServer(ok);
    await using server = await startScriptedServer((_, response) => {
      response.writeHead(302, { location: elsewhere.url }).end();
    });
    await using folder = await testFolder();
    await using connection = openConnection({
      kubeconfig: await folder.kubeconfig({ server: server.url, user: { token: "t" } }),
    });
    await expect(connection.request("/a")).rejects.toMatchObject({ code: "UnexpectedAnswer", status: 302 });
    expect(elsewhere.requests).toEqual([]);
  });

  test("goes through the proxy of proxy-url, and only there", async () => {
    await using server = await startScriptedServer(ok);
    await using proxy = await startScriptedServer((request, response) => {
      response.end(JSON.stringify({ through: request.headers["proxy-authorization"] }));
    });
    await using folder = await testFolder();
    const cluster = { "proxy-url": proxy.url.replace("http://", "http://me:word@") };
    await using connection = openConnection({
      kubeconfig: await folder.kubeconfig({ server: server.url, cluster }),
    });
    const { body } = await connection.request("/a");
    expect(body).toEqual({ through: `Basic ${base64("me:word")}` });
    expect(server.requests).toEqual([]);
  });

  test("close ends a stream and leaves no socket", async () => {
    await using server = await startScriptedServer((_, response) => {
      response.write("{}\n");
    });
    await using folder = await testFolder();
    await using connection = openConnection({ kubeconfig: await folder.kubeconfig({ server: server.url }) });
    const { chunks } = await connection.stream("/watch");
    const ended = readToEnd(chunks).catch((fault: { code: string }) => fault.code);
    await eventually(() => expect(server.openConnections()).toBe(1));
    await connection.close();
    expect(await ended).toBe("Aborted");
    await eventually(() => expect(server.openConnections()).toBe(0));
    await expect(connection.request("/again")).rejects.toMatchObject({ code: "Aborted" });
  });
});
