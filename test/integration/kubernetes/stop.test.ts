import { describe, expect, test } from "vitest";
import { rawNode } from "../../unit/kubernetes/support/raw-node.ts";
import { eventually } from "../../support/eventually.ts";
import { startScriptedServer, type Script } from "../../support/scripted-http-server.ts";
import { testFolder } from "./support/kubeconfig-file.ts";
import { liveSource } from "./support/live-source.ts";
import { openConnection } from "./support/open-connection.ts";

const isWatch = (query: URLSearchParams): boolean => query.get("watch") === "true";
const page = (token?: string): string =>
  JSON.stringify({
    metadata: { resourceVersion: "10", ...(token === undefined ? {} : { continue: token }) },
    items: [rawNode("a", { version: 5 })],
  });

const phases: Record<
  string,
  { readonly script: Script; readonly requests: number; readonly handlerCalls: number }
> = {
  "during the list": { requests: 1, handlerCalls: 0, script: () => {} },
  "half way through a page": {
    requests: 1,
    handlerCalls: 0,
    script: (_, response) => void response.write("{"),
  },
  "between two pages": {
    requests: 2,
    handlerCalls: 1,
    script: ({ query }, response) => void (query.has("continue") || response.end(page("next"))),
  },
  "while a watch is being opened": {
    requests: 2,
    handlerCalls: 1,
    script: ({ query }, response) => void (isWatch(query) || response.end(page())),
  },
  "in the stream": {
    requests: 2,
    handlerCalls: 1,
    script: ({ query }, response) => {
      if (isWatch(query)) response.write("\n");
      else response.end(page());
    },
  },
  "while a handler hangs in the stream": {
    requests: 2,
    handlerCalls: 2,
    script: ({ query }, response) => {
      if (!isWatch(query)) response.end(page());
      else
        response.write(
          `${JSON.stringify({ type: "MODIFIED", object: rawNode("a", { version: 11, ready: "False" }) })}\n`,
        );
    },
  },
  "while backing off": {
    requests: 1,
    handlerCalls: 0,
    script: (_, response) => void response.writeHead(500).end("{}"),
  },
};

describe("I-14: after stop and close no socket is left and no request comes", () => {
  test.each(Object.entries(phases))("%s", async (_, { script, requests, handlerCalls }) => {
    await using server = await startScriptedServer(script);
    await using folder = await testFolder();
    await using connection = openConnection({ kubeconfig: await folder.kubeconfig({ server: server.url }) });
    let calls = 0;
    await using live = liveSource(connection, {
      timings: {
        headersDeadline: 60_000,
        pageDeadline: 60_000,
        stopGrace: 50,
        backoffBase: 60_000,
        backoffCap: 60_000,
      },
      onCall: () => {
        calls += 1;
        return calls > 1 ? new Promise(() => {}) : undefined;
      },
    });
    await eventually(() => expect(server.requests).toHaveLength(requests));
    await eventually(() => expect(calls).toBe(handlerCalls));
    await live.source.stop();
    await connection.close();
    // Well before the server itself would close an idle connection.
    await eventually(() => expect(server.openConnections()).toBe(0), { within: 2_000 });
    expect(server.requests).toHaveLength(requests);
    expect(live.source.freshness().phase).toBe("Stopped");
  });

  test("the stream's own socket goes with stop, the connection stays for others", async () => {
    const { script } = phases["in the stream"] ?? { script: () => {} };
    await using server = await startScriptedServer(script);
    await using folder = await testFolder();
    await using connection = openConnection({ kubeconfig: await folder.kubeconfig({ server: server.url }) });
    await using live = liveSource(connection);
    await eventually(() => expect(live.source.freshness().phase).toBe("Watching"));
    const before = server.openConnections();
    await live.source.stop();
    await eventually(() => expect(server.openConnections()).toBeLessThan(before));
    await expect(connection.request("/api/v1/nodes")).resolves.toMatchObject({ status: 200 });
  });
});
