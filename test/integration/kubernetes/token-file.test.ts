import { rm } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { manualClock } from "../../unit/kubernetes/support/manual-clock.ts";
import { startScriptedServer, type ScriptedServer } from "../../support/scripted-http-server.ts";
import { testFolder } from "./support/kubeconfig-file.ts";
import { openConnection } from "./support/open-connection.ts";

/** A server that accepts one token at a time. */
async function guardedServer(first: string) {
  let accepted = first;
  const server = await startScriptedServer((request, response) => {
    const isKnown = request.headers.authorization === `Bearer ${accepted}`;
    response.writeHead(isKnown ? 200 : 401).end("{}");
  });
  return {
    server,
    accept: (next: string) => {
      accepted = next;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const tokens = (server: ScriptedServer) => server.requests.map(({ headers }) => headers.authorization);

describe("I-23: a token in a file", () => {
  test.each(["tokenFile", "token-file"])("%s is relative to the kubeconfig, and trimmed", async (field) => {
    await using guarded = await guardedServer("one");
    await using folder = await testFolder();
    await folder.write("token", "one\n");
    const kubeconfig = await folder.kubeconfig({
      server: guarded.server.url,
      user: { [field]: `${field === "tokenFile" ? "" : `${folder.path}/`}token` },
    });
    await using connection = openConnection({ kubeconfig });
    await connection.request("/a");
    expect(tokens(guarded.server)).toEqual(["Bearer one"]);
  });

  test("is read again after a minute, not before", async () => {
    await using guarded = await guardedServer("one");
    await using folder = await testFolder();
    await folder.write("token", "one");
    const clock = manualClock();
    const kubeconfig = await folder.kubeconfig({ server: guarded.server.url, user: { tokenFile: "token" } });
    await using connection = openConnection({ kubeconfig, clock });
    await connection.request("/a");
    await folder.write("token", "two");
    await clock.advance(59_999);
    await connection.request("/b");
    guarded.accept("two");
    await clock.advance(1);
    await connection.request("/c");
    expect(tokens(guarded.server)).toEqual(["Bearer one", "Bearer one", "Bearer two"]);
  });

  test("is read again at once on a 401, and the call repeated with the new one", async () => {
    await using guarded = await guardedServer("one");
    await using folder = await testFolder();
    await folder.write("token", "one");
    const kubeconfig = await folder.kubeconfig({ server: guarded.server.url, user: { tokenFile: "token" } });
    await using connection = openConnection({ kubeconfig, clock: manualClock() });
    await connection.request("/a");
    guarded.accept("two");
    await folder.write("token", "two");
    await expect(connection.request("/b")).resolves.toMatchObject({ status: 200 });
    expect(tokens(guarded.server)).toEqual(["Bearer one", "Bearer one", "Bearer two"]);
  });

  test("a 401 with nothing new to offer is not repeated", async () => {
    await using guarded = await guardedServer("another");
    await using folder = await testFolder();
    await folder.write("token", "one");
    const kubeconfig = await folder.kubeconfig({ server: guarded.server.url, user: { tokenFile: "token" } });
    await using connection = openConnection({ kubeconfig });
    await expect(connection.request("/a")).rejects.toMatchObject({ code: "Unauthorized" });
    expect(guarded.server.requests).toHaveLength(1);
  });

  test("a file that is gone for a moment costs nothing while the token is valid", async () => {
    await using guarded = await guardedServer("one");
    await using folder = await testFolder();
    const file = await folder.write("token", "one");
    const clock = manualClock();
    const kubeconfig = await folder.kubeconfig({ server: guarded.server.url, user: { tokenFile: "token" } });
    await using connection = openConnection({ kubeconfig, clock });
    await connection.request("/a");
    await rm(file);
    await clock.advance(120_000);
    await expect(connection.request("/b")).resolves.toMatchObject({ status: 200 });
  });

  test.each([
    ["missing", undefined],
    ["empty", " \n"],
  ])(
    "a file that is %s from the start: CredentialFailed, and no call without a token",
    async (_, content) => {
      await using guarded = await guardedServer("one");
      await using folder = await testFolder();
      if (content !== undefined) await folder.write("token", content);
      const kubeconfig = await folder.kubeconfig({
        server: guarded.server.url,
        user: { tokenFile: "token" },
      });
      await using connection = openConnection({ kubeconfig });
      await expect(connection.request("/a")).rejects.toMatchObject({ code: "CredentialFailed" });
      expect(guarded.server.requests).toEqual([]);
    },
  );
});
