import { describe, expect, test } from "vitest";
import type { KubernetesApiError } from "@node-agent/kubernetes";
import { manualClock } from "../../unit/kubernetes/support/manual-clock.ts";
import { eventually } from "../../support/eventually.ts";
import { startScriptedServer, type Script } from "../../support/scripted-http-server.ts";
import { testFolder } from "./support/kubeconfig-file.ts";
import { openConnection } from "./support/open-connection.ts";

const TOKEN = "a-very-secret-token";

/** The error that a call to a server with this script fails with. */
async function failure(
  script: Script,
  options: { readonly stream?: boolean } = {},
): Promise<KubernetesApiError> {
  await using server = await startScriptedServer(script);
  await using folder = await testFolder();
  const kubeconfig = await folder.kubeconfig({ server: server.url, user: { token: TOKEN } });
  await using connection = openConnection({ kubeconfig });
  const call = options.stream === true ? connection.stream("/x") : connection.request("/x");
  return await call.then(
    () => {
      throw new Error("the call succeeded");
    },
    (fault: KubernetesApiError) => fault,
  );
}

describe("every answer that is no success has a code", () => {
  test.each([
    [400, "Invalid"],
    [401, "Unauthorized"],
    [403, "Forbidden"],
    [404, "NotFound"],
    [409, "Conflict"],
    [410, "Gone"],
    [422, "Invalid"],
    [429, "TooManyRequests"],
    [500, "ServerError"],
    [502, "ServerError"],
    [503, "Unavailable"],
    [300, "UnexpectedAnswer"],
  ])("%d -> %s, for calls and streams alike", async (status, code) => {
    const script: Script = (_, response) => {
      response.writeHead(status).end('{"kind":"Status","message":"because","reason":"Why"}');
    };
    const error = await failure(script);
    expect(error).toMatchObject({
      code,
      status,
      reason: "Why",
      message: `GET /x: answered ${status}: because`,
    });
    expect((await failure(script, { stream: true })).code).toBe(code);
  });

  test("a body that is no Status is not needed", async () => {
    const error = await failure((_, response) => {
      response.writeHead(502).end("<html>bad gateway</html>");
    });
    expect(error.message).toBe("GET /x: answered 502");
  });

  test("a 200 that is no JSON", async () => {
    expect((await failure((_, response) => void response.end("<html>"))).code).toBe("MalformedAnswer");
  });

  test.each([
    ["7", 7_000],
    ["Mon, 23 Nov 2026 00:00:30 GMT", 30_000],
    ["soon", undefined],
  ])("Retry-After: %s", async (value, retryAfter) => {
    await using server = await startScriptedServer((_, response) => {
      response.writeHead(503, { "retry-after": value }).end();
    });
    await using folder = await testFolder();
    await using connection = openConnection({
      kubeconfig: await folder.kubeconfig({ server: server.url }),
      clock: manualClock(Date.UTC(2026, 10, 23)),
    });
    const fault = await connection.request("/x").catch((error: KubernetesApiError) => error);
    expect(fault).toMatchObject({ code: "Unavailable" });
    expect((fault as KubernetesApiError).retryAfter).toBe(retryAfter);
  });
});

describe("every failure on the way has a code", () => {
  test("nobody listens: ConnectFailed", async () => {
    await using folder = await testFolder();
    const server = await startScriptedServer(() => {});
    await server[Symbol.asyncDispose]();
    await using connection = openConnection({ kubeconfig: await folder.kubeconfig({ server: server.url }) });
    await expect(connection.request("/x")).rejects.toMatchObject({ code: "ConnectFailed" });
    await expect(connection.stream("/x")).rejects.toMatchObject({ code: "ConnectFailed" });
  });

  test("no such host: ConnectFailed", async () => {
    await using folder = await testFolder();
    const kubeconfig = await folder.kubeconfig({ server: "http://no-such-host.invalid" });
    await using connection = openConnection({ kubeconfig });
    await expect(connection.request("/x")).rejects.toMatchObject({ code: "ConnectFailed" });
  });

  test("the connection is reset before the answer: ConnectionLost", async () => {
    expect((await failure((_, __, socket) => void socket.destroy())).code).toBe("ConnectionLost");
  });

  test("the answer breaks off: ConnectionLost", async () => {
    const error = await failure((_, response, socket) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("{");
      setImmediate(() => socket.destroy());
    });
    expect(error.code).toBe("ConnectionLost");
  });

  test.each(["no headers", "half an answer"])(
    "%s within the deadline: Timeout, and no socket stays",
    async (kind) => {
      await using server = await startScriptedServer((_, response) => {
        if (kind === "half an answer") response.write("{");
      });
      await using folder = await testFolder();
      const clock = manualClock();
      await using connection = openConnection({
        kubeconfig: await folder.kubeconfig({ server: server.url }),
        clock,
      });
      const call = connection.request("/x").catch((error: KubernetesApiError) => error.code);
      await eventually(() => expect(server.requests).toHaveLength(1));
      await clock.advance(9_999);
      expect(server.openConnections()).toBe(1);
      await clock.advance(1);
      expect(await call).toBe("Timeout");
      await eventually(() => expect(server.openConnections()).toBe(0));
      expect(clock.sleepers()).toBe(0);
    },
  );

  test("a stream whose headers do not come: Timeout; an open one has no deadline", async () => {
    let answers = false;
    await using server = await startScriptedServer((_, response) => {
      if (answers) response.write("x");
    });
    await using folder = await testFolder();
    const clock = manualClock();
    await using connection = openConnection({
      kubeconfig: await folder.kubeconfig({ server: server.url }),
      clock,
    });
    const call = connection
      .stream("/x", { deadline: 30_000 })
      .catch((error: KubernetesApiError) => error.code);
    await eventually(() => expect(server.requests).toHaveLength(1));
    await clock.advance(30_000);
    expect(await call).toBe("Timeout");
    answers = true;
    const { chunks } = await connection.stream("/x", { deadline: 30_000 });
    await clock.advance(3_600_000);
    for await (const chunk of chunks) {
      expect(Buffer.from(chunk).toString()).toBe("x");
      break;
    }
    await eventually(() => expect(server.openConnections()).toBe(0));
  });

  test("the caller gives up: Aborted", async () => {
    await using server = await startScriptedServer(() => {});
    await using folder = await testFolder();
    await using connection = openConnection({ kubeconfig: await folder.kubeconfig({ server: server.url }) });
    const caller = new AbortController();
    const call = connection.request("/x", { signal: caller.signal });
    await eventually(() => expect(server.requests).toHaveLength(1));
    caller.abort();
    await expect(call).rejects.toMatchObject({ code: "Aborted" });
    await expect(connection.request("/x", { signal: caller.signal })).rejects.toMatchObject({
      code: "Aborted",
    });
  });
});

test("no token reaches a message, even when the server echoes it", async () => {
  const error = await failure((request, response) => {
    const message = `bad credentials: ${request.headers.authorization} (${TOKEN}) eyJhbGciOi.eyJzdWIi.c2ln`;
    response.writeHead(403).end(JSON.stringify({ message, reason: TOKEN }));
  });
  expect(JSON.stringify([error.message, error.reason, String(error.stack)])).not.toContain(TOKEN);
  expect(error.message).not.toContain("eyJ");
  expect(error.message).toContain("bad credentials");
});
