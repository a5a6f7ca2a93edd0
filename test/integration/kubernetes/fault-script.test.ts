import type { ServerResponse } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { rawNode, readiness } from "../../unit/kubernetes/support/raw-node.ts";
import { eventually } from "../../support/eventually.ts";
import { startScriptedServer, type Script } from "../../support/scripted-http-server.ts";
import { testFolder } from "./support/kubeconfig-file.ts";
import { liveSource } from "./support/live-source.ts";
import { openConnection } from "./support/open-connection.ts";

const list = JSON.stringify({ metadata: { resourceVersion: "10" }, items: [rawNode("a", { version: 5 })] });
const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;
const status = (code: number) => (response: ServerResponse) => void response.writeHead(code).end("{}");

/** Each is what one request gets; the last line of the story is a server that is well. */
const faults: Record<string, (response: ServerResponse) => void> = {
  "400": status(400),
  "401": status(401),
  "403": status(403),
  "410": status(410),
  "429": (response) => void response.writeHead(429, { "retry-after": "1" }).end(),
  "500": status(500),
  "503": status(503),
  "a redirect": (response) => void response.writeHead(301, { location: "http://127.0.0.1:1/" }).end(),
  "no answer": () => {},
  "a reset before the answer": (response) => void response.socket?.resetAndDestroy(),
  "a reset in the answer": (response) => {
    response.write(line("BOOKMARK", { metadata: { resourceVersion: "11" } }));
    setImmediate(() => response.socket?.resetAndDestroy());
  },
  "an empty answer": (response) => void response.end(),
  "half a line": (response) => void response.end('{"type":"MODIF'),
  "no JSON": (response) => void response.end("<html></html>\n"),
  "bytes that are no UTF-8": (response) => void response.end(Buffer.from([0xff, 0xfe, 0x0a])),
  "an ERROR event 410": (response) => void response.end(line("ERROR", { code: 410 })),
  "an ERROR event 500": (response) => void response.end(line("ERROR", { code: 500, message: "compacted" })),
  "an ERROR event without a Status": (response) => void response.end(line("ERROR", null)),
  "headers that lie about gzip": (response) =>
    void response.writeHead(200, { "content-encoding": "gzip" }).end("no"),
};

describe("I-24: nothing of this is an unhandled rejection, and the source comes back from all of it", () => {
  test("every fault, on lists and on watches, with a handler that fails every other time", async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", onUnhandled);
    process.on("uncaughtException", onUnhandled);
    onTestFinished(() => {
      process.off("unhandledRejection", onUnhandled);
      process.off("uncaughtException", onUnhandled);
    });
    const onLists = Object.values(faults);
    const onWatches = Object.values(faults);
    let isWell = false;
    const script: Script = ({ query }, response) => {
      const isWatch = query.get("watch") === "true";
      const fault = (isWatch ? onWatches : onLists).shift();
      if (fault !== undefined) return fault(response);
      if (!isWatch) return void response.end(list);
      isWell = true;
      response.write(line("MODIFIED", rawNode("a", { version: 50, ready: "False" })));
    };
    await using server = await startScriptedServer(script);
    await using folder = await testFolder();
    await using connection = openConnection({ kubeconfig: await folder.kubeconfig({ server: server.url }) });
    let calls = 0;
    await using live = liveSource(connection, {
      onCall: () => {
        calls += 1;
        if (calls % 2 === 1) throw new Error("the handler is moody");
      },
    });
    await eventually(
      () => {
        expect(isWell).toBe(true);
        expect(readiness(live.source.nodes().get("a"))).toBe("False");
        expect(live.source.freshness()).toMatchObject({ phase: "Watching", synced: true });
        expect(live.told.length).toBeGreaterThanOrEqual(4);
      },
      { within: 25_000 },
    );
    expect(onLists).toEqual([]);
    await live.source.stop();
    await connection.close();
    expect(unhandled).toEqual([]);
  });
});

test("I-23: credentials that fail on a reconnect do not end the source", async () => {
  const sockets: ServerResponse[] = [];
  await using server = await startScriptedServer(({ query }, response) => {
    if (query.get("watch") !== "true") return void response.end(list);
    sockets.push(response);
    response.write("\n");
  });
  await using folder = await testFolder();
  await folder.write(
    "plugin.sh",
    `#!/bin/sh\n[ -f ${folder.path}/broken ] && exit 1\necho '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t","expirationTimestamp":"2000-01-01T00:00:00Z"}}'\n`,
    0o700,
  );
  const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "./plugin.sh" };
  await using connection = openConnection({
    kubeconfig: await folder.kubeconfig({ server: server.url, user: { exec } }),
  });
  await using live = liveSource(connection);
  await eventually(() => expect(sockets).toHaveLength(1));
  await folder.write("broken", "");
  sockets[0]?.destroy();
  await eventually(() =>
    expect(live.events).toContainEqual({ type: "WatchEnded", reason: "CredentialFailed", lived: 0 }),
  );
  expect(live.source.freshness().lastError).toContain("exec plugin");
  const { rm } = await import("node:fs/promises");
  await rm(`${folder.path}/broken`);
  await eventually(() => expect(sockets).toHaveLength(2));
  expect(live.count("ListDone")).toBe(1);
});
