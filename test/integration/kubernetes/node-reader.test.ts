import { describe, expect, test } from "vitest";
import { createNodeReader, type NodeReaderDeps } from "@node-agent/kubernetes";
import { addressesOf } from "@node-agent/shared/core/node-addresses.ts";
import { manualClock } from "../../unit/kubernetes/support/manual-clock.ts";
import { projection, rawNode } from "../../unit/kubernetes/support/raw-node.ts";
import { eventually } from "../../support/eventually.ts";
import { startScriptedServer, type Script } from "../../support/scripted-http-server.ts";
import { testFolder } from "./support/kubeconfig-file.ts";
import { openConnection } from "./support/open-connection.ts";

async function readerOf(script: Script, clock = manualClock(), more: Partial<NodeReaderDeps> = {}) {
  const server = await startScriptedServer(script);
  const folder = await testFolder();
  const connection = openConnection({ kubeconfig: await folder.kubeconfig({ server: server.url }), clock });
  return {
    server,
    clock,
    reader: createNodeReader({ connection, project: projection.project, ...more }),
    [Symbol.asyncDispose]: async () => {
      await connection.close();
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Answers with a node that has an address. */
const ADDRESSED: Script = (_, response) => {
  const addresses = [{ type: "InternalIP", address: "192.168.1.7" }];
  response.end(JSON.stringify({ ...rawNode("node-1", { version: 7 }), status: { addresses } }));
};

describe("I-19: reading one node for a decision", () => {
  test("asks without a resourceVersion, which is a quorum read", async () => {
    await using setup = await readerOf((_, response) => {
      response.end(JSON.stringify(rawNode("node-1", { version: 7 })));
    });
    await expect(setup.reader.read("node-1")).resolves.toMatchObject({
      found: true,
      node: { name: "node-1", resourceVersion: "7" },
    });
    expect(setup.server.requests.map(({ path, query }) => [path, query.size])).toEqual([
      ["/api/v1/nodes/node-1", 0],
    ]);
  });

  test("reads the node's addresses of the same answer, for who asks for them", async () => {
    await using asked = await readerOf(ADDRESSED, manualClock(), { addresses: addressesOf });
    await expect(asked.reader.read("node-1")).resolves.toMatchObject({ addresses: ["192.168.1.7"] });
    expect(asked.server.requests).toHaveLength(1);
    await using plain = await readerOf(ADDRESSED);
    await expect(plain.reader.read("node-1")).resolves.not.toHaveProperty("addresses");
  });

  test("a 404 about the node is `not found`", async () => {
    await using setup = await readerOf((_, response) => {
      response.writeHead(404).end('{"kind":"Status","reason":"NotFound","code":404}');
    });
    await expect(setup.reader.read("node-1")).resolves.toEqual({ found: false });
  });

  test("a 404 of a proxy or a wrong path is an error: a node is not forgotten for it", async () => {
    await using setup = await readerOf((_, response) => {
      response.writeHead(404).end("<html>404 page not found</html>");
    });
    await expect(setup.reader.read("node-1")).rejects.toMatchObject({ code: "NotFound" });
  });

  test("another node in the answer is an error: node-10 is not node-1", async () => {
    await using setup = await readerOf((_, response) => {
      response.end(JSON.stringify(rawNode("node-10", { version: 7 })));
    });
    await expect(setup.reader.read("node-1")).rejects.toMatchObject({ code: "MalformedAnswer" });
  });

  test.each([500, 403, 503])("an answer of %d is an error", async (status) => {
    await using setup = await readerOf((_, response) => void response.writeHead(status).end("{}"));
    await expect(setup.reader.read("node-1")).rejects.toMatchObject({ status });
  });

  test("an answer that is no node is an error", async () => {
    await using setup = await readerOf((_, response) => void response.end('{"kind":"NodeList","items":[]}'));
    await expect(setup.reader.read("node-1")).rejects.toMatchObject({ code: "MalformedAnswer" });
  });

  test("a name cannot leave its place in the path", async () => {
    await using setup = await readerOf((_, response) => void response.writeHead(404).end("{}"));
    await expect(setup.reader.read("../pods?x=1#y")).rejects.toMatchObject({ code: "NotFound" });
    expect(setup.server.requests[0]).toMatchObject({ path: "/api/v1/nodes/..%2Fpods%3Fx%3D1%23y" });
  });

  test("no answer within 10 s is an error", async () => {
    await using setup = await readerOf(() => {});
    const read = setup.reader.read("node-1").catch((fault: unknown) => fault);
    await eventually(() => expect(setup.server.requests).toHaveLength(1));
    await setup.clock.advance(10_000);
    expect(await read).toMatchObject({ code: "Timeout" });
  });
});
