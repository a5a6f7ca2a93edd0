import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import {
  MonitorListenError,
  startMonitorServer,
  type MonitorOptions,
  type MonitorServer,
} from "@node-agent/shared/runtime/http.ts";
import { memoryLogger } from "../../unit/runtime/log-lines.ts";

const servers: MonitorServer[] = [];

async function start(change: Partial<MonitorOptions> = {}) {
  const { logger, lines } = memoryLogger();
  const server = await startMonitorServer({
    host: "127.0.0.1",
    port: 0,
    checks: [{ name: "redis", check: () => ({ ok: true, detail: "ok" }) }],
    metrics: { contentType: "text/plain; version=0.0.4", scrape: async () => "a 1\n" },
    logger,
    ...change,
  });
  servers.push(server);
  const ask = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`http://127.0.0.1:${server.port}${path}`, init);
  return { server, ask, lines };
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

/** Sends raw bytes and gives what comes back until the end of the connection. */
async function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.end(bytes));
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("utf8")));
    socket.on("close", () => resolve(text));
    socket.on("error", reject);
  });
}

describe("the monitoring server", () => {
  test("serves the metrics with their content type", async () => {
    const { ask } = await start();
    const answer = await ask("/metrics");
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4");
    expect(await answer.text()).toBe("a 1\n");
  });

  test("is ready when every check passes, and lists them when asked", async () => {
    const { ask } = await start();
    expect(await (await ask("/readyz")).text()).toBe("ok\n");
    expect(await (await ask("/readyz?verbose")).text()).toBe("[+]redis ok\nok\n");
  });

  test("is not ready when one check fails or breaks, and names it unasked", async () => {
    const { ask } = await start({
      checks: [
        { name: "redis", check: () => ({ ok: true, detail: "ok" }) },
        { name: "watch", check: () => ({ ok: false, detail: "has not synced" }) },
        {
          name: "worker",
          check: () => {
            throw new Error("bug");
          },
        },
      ],
    });
    const answer = await ask("/readyz");
    expect(answer.status).toBe(503);
    expect(await answer.text()).toBe(
      "[-]watch has not synced\n[-]worker the check itself failed\nnot ready\n",
    );
  });

  test("is alive while nothing is ready, and while it drains", async () => {
    const { server, ask } = await start({
      checks: [{ name: "redis", check: () => ({ ok: false, detail: "away" }) }],
    });
    server.startDraining();
    expect((await ask("/livez")).status).toBe(200);
    expect((await ask("/healthz")).status).toBe(200);
  });

  test("is not ready from the moment it drains", async () => {
    const { server, ask } = await start();
    server.startDraining();
    const answer = await ask("/readyz?verbose");
    expect(answer.status).toBe(503);
    expect(await answer.text()).toBe("[-]shutdown in progress\n[+]redis ok\nnot ready\n");
  });

  test("answers what it does not have with 404 and what it does not do with 405", async () => {
    const { ask } = await start();
    expect((await ask("/")).status).toBe(404);
    expect((await ask("/metrics/../../etc/passwd")).status).toBe(404);
    const refused = await ask("/metrics", { method: "POST", body: "x".repeat(100_000) });
    expect(refused.status).toBe(405);
    expect(refused.headers.get("allow")).toBe("GET, HEAD");
    const head = await ask("/livez", { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  test("answers a scrape that fails with 500, logs it, and goes on", async () => {
    const metrics = { contentType: "x", scrape: () => Promise.reject(new Error("broken registry")) };
    const { ask, lines } = await start({ metrics });
    const answer = await ask("/metrics");
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("broken registry");
    expect(lines()).toHaveLength(1);
    expect((await ask("/livez")).status).toBe(200);
  });

  test.each([
    ["no HTTP at all", "hello\r\n\r\n", "400"],
    ["a target that is no path", "GET http://[ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", "404"],
    ["a target with a NUL", "GET /\0 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", "400"],
    ["headers without end", `GET / HTTP/1.1\r\nx: ${"y".repeat(40_000)}\r\n\r\n`, "400"],
  ])("survives %s", async (_what, bytes, status) => {
    const { server, ask } = await start();
    expect(await raw(server.port, bytes)).toContain(`HTTP/1.1 ${status}`);
    expect((await ask("/livez")).status).toBe(200);
  });

  test("says which port is taken and what to set", async () => {
    const { server } = await start();
    const failure = start({ port: server.port });
    await expect(failure).rejects.toThrow(MonitorListenError);
    await expect(failure).rejects.toThrow(
      `port ${server.port} on 127.0.0.1 is taken by another process; set CIVO_NODE_AGENT_METRICS_PORT (key metricsPort) to a free one`,
    );
  });

  test("says which address cannot be listened on", async () => {
    await expect(start({ host: "192.0.2.1" })).rejects.toThrow(
      "cannot listen on 192.0.2.1:0 (EADDRNOTAVAIL); check CIVO_NODE_AGENT_METRICS_PORT (key metricsPort) and CIVO_NODE_AGENT_METRICS_HOST (key metricsHost)",
    );
  });

  test("stops though a client keeps its connection open", async () => {
    const { server, ask } = await start();
    await (await ask("/livez")).text();
    await server.stop();
    await expect(ask("/livez")).rejects.toThrow("fetch failed");
  });
});
