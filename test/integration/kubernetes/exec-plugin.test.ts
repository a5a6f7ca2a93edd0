import { readFile } from "node:fs/promises";
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import type { KubernetesApiError } from "@node-agent/kubernetes";
import { loopbackCertificate } from "../../../packages/simulator/src/tls.ts";
import { manualClock } from "../../unit/kubernetes/support/manual-clock.ts";
import { eventually } from "../../support/eventually.ts";
import { startScriptedServer } from "../../support/scripted-http-server.ts";
import { testFolder, type TestFolder } from "./support/kubeconfig-file.ts";
import { openConnection } from "./support/open-connection.ts";

const API_VERSION = "client.authentication.k8s.io/v1";
const START = Date.UTC(2026, 10, 23);

/** A connection over a plugin that is this shell script; each run appends a line to the file `runs`. */
async function pluginSetup(script: string, exec: Readonly<Record<string, unknown>> = {}) {
  const folder = await testFolder();
  const server = await startScriptedServer((request, response) => {
    const isRefused = request.headers.authorization === "Bearer refused";
    response.writeHead(isRefused ? 401 : 200).end("{}");
  });
  await folder.write("plugin.sh", `#!/bin/sh\ncd ${folder.path}\necho run >> runs\n${script}\n`, 0o700);
  const kubeconfig = await folder.kubeconfig({
    server: server.url,
    user: { exec: { apiVersion: API_VERSION, command: "./plugin.sh", ...exec } },
  });
  const clock = manualClock(START);
  const connection = openConnection({ kubeconfig, clock });
  return {
    folder,
    server,
    clock,
    connection,
    runs: () => countRuns(folder),
    tokens: () => server.requests.map(({ headers }) => headers.authorization),
    [Symbol.asyncDispose]: async () => {
      await connection.close();
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function countRuns(folder: TestFolder): Promise<number> {
  const content = await readFile(join(folder.path, "runs"), "utf8").catch(() => "");
  return content.split("\n").length - 1;
}

async function readInfo(folder: TestFolder): Promise<unknown> {
  return JSON.parse(await readFile(join(folder.path, "info"), "utf8"));
}

/** A shell command that prints a credential. */
function issue(status: Readonly<Record<string, unknown>>): string {
  return `echo '${JSON.stringify({ apiVersion: API_VERSION, kind: "ExecCredential", status })}'`;
}

const inAnHour = new Date(START + 3_600_000).toISOString();

describe("I-23: an exec plugin", () => {
  test("is run once for calls that come together, and its credential kept", async () => {
    await using plugin = await pluginSetup(
      `sleep 0.2; ${issue({ token: "one", expirationTimestamp: inAnHour })}`,
    );
    await Promise.all(Array.from({ length: 10 }, () => plugin.connection.request("/a")));
    await plugin.connection.request("/b");
    expect(await plugin.runs()).toBe(1);
    expect(new Set(plugin.tokens())).toEqual(new Set(["Bearer one"]));
  });

  test("is run again when 10 % of the credential's life is left", async () => {
    await using plugin = await pluginSetup(issue({ token: "one", expirationTimestamp: inAnHour }));
    await plugin.connection.request("/a");
    await plugin.clock.advance(54 * 60_000 - 1);
    await plugin.connection.request("/b");
    expect(await plugin.runs()).toBe(1);
    await plugin.clock.advance(1);
    await plugin.connection.request("/c");
    expect(await plugin.runs()).toBe(2);
  });

  test("that fails to renew costs nothing before the old credential expires, and is asked again later", async () => {
    await using plugin = await pluginSetup(
      `if [ -f broken ]; then exit 1; fi; ${issue({ token: "one", expirationTimestamp: inAnHour })}`,
    );
    await plugin.connection.request("/a");
    await plugin.folder.write("broken", "");
    await plugin.clock.advance(55 * 60_000);
    await plugin.connection.request("/b");
    await plugin.connection.request("/c");
    expect(await plugin.runs()).toBe(2);
    await plugin.clock.advance(10_000);
    await plugin.connection.request("/d");
    expect(await plugin.runs()).toBe(3);
    await plugin.clock.advance(5 * 60_000);
    await expect(plugin.connection.request("/e")).rejects.toMatchObject({ code: "CredentialFailed" });
  });

  test("whose credential names no expiry is asked again only after a 401", async () => {
    await using plugin = await pluginSetup(
      `if [ -f rotated ]; then ${issue({ token: "two" })}; else touch rotated; ${issue({ token: "refused" })}; fi`,
    );
    await expect(plugin.connection.request("/a")).resolves.toMatchObject({ status: 200 });
    await plugin.clock.advance(100 * 3_600_000);
    await plugin.connection.request("/b");
    expect(plugin.tokens()).toEqual(["Bearer refused", "Bearer two", "Bearer two"]);
    expect(await plugin.runs()).toBe(2);
  });

  test("that hangs is killed after 30 s with all it has started, and asked again by the next call", async () => {
    await using plugin = await pluginSetup("sleep 300 & echo $! > child; wait");
    const call = plugin.connection.request("/a", { deadline: 120_000 }).catch((fault: unknown) => fault);
    const child = await eventually(async () => {
      const pid = Number(await readFile(join(plugin.folder.path, "child"), "utf8"));
      expect(pid).toBeGreaterThan(0);
      return pid;
    });
    await plugin.clock.advance(29_999);
    expect(() => process.kill(child, 0)).not.toThrow();
    await plugin.clock.advance(1);
    expect(await call).toMatchObject({ code: "CredentialFailed" });
    await eventually(() => expect(isRunning(child)).resolves.toBe(false));
    const again = plugin.connection.request("/b", { deadline: 120_000 }).catch((fault: unknown) => fault);
    await eventually(async () => expect(await plugin.runs()).toBe(2));
    await plugin.connection.close();
    expect(await again).toMatchObject({ code: "Aborted" });
  });

  test("a call does not wait longer than its own deadline for it", async () => {
    await using plugin = await pluginSetup("sleep 300");
    const call = plugin.connection
      .request("/a", { deadline: 5_000 })
      .catch((fault: KubernetesApiError) => fault.code);
    await eventually(async () => expect(await plugin.runs()).toBe(1));
    await plugin.clock.advance(5_000);
    expect(await call).toBe("Timeout");
  });

  test("is told the cluster only when it asks, and that there is no terminal", async () => {
    const script = `echo "$KUBERNETES_EXEC_INFO" > info; ${issue({ token: "one" })}`;
    await using silent = await pluginSetup(script);
    await silent.connection.request("/a");
    expect(await readInfo(silent.folder)).toEqual({
      apiVersion: API_VERSION,
      kind: "ExecCredential",
      spec: { interactive: false },
    });
    await using asking = await pluginSetup(script, { provideClusterInfo: true });
    await asking.connection.request("/a");
    expect(await readInfo(asking.folder)).toMatchObject({
      spec: { interactive: false, cluster: { server: asking.server.url } },
    });
  });

  test("that issues a client certificate: it is shown to the server", async () => {
    const [serverPair, client] = [await loopbackCertificate(START), await loopbackCertificate(START)];
    const peers: string[] = [];
    await using server = await startScriptedServer(
      (_, response, socket) => {
        peers.push((socket as TLSSocket).getPeerCertificate().fingerprint256);
        response.end("{}");
      },
      { tls: { ...serverPair, asksForCertificate: true } },
    );
    await using folder = await testFolder();
    const status = { clientCertificateData: client.cert, clientKeyData: client.key };
    await folder.write("answer", JSON.stringify({ apiVersion: API_VERSION, kind: "ExecCredential", status }));
    const exec = { apiVersion: API_VERSION, command: "cat", args: [join(folder.path, "answer")] };
    const cluster = { "certificate-authority-data": Buffer.from(serverPair.cert).toString("base64") };
    const kubeconfig = await folder.kubeconfig({ server: server.url, cluster, user: { exec } });
    await using connection = openConnection({ kubeconfig });
    await connection.request("/a");
    expect(peers).toEqual([new X509Certificate(client.cert).fingerprint256]);
  });

  test("gets its arguments and environment", async () => {
    await using plugin = await pluginSetup(`echo "$1 $WHO" > got; ${issue({ token: "one" })}`, {
      args: ["get-token"],
      env: [{ name: "WHO", value: "me" }],
    });
    await plugin.connection.request("/a");
    expect(await readFile(join(plugin.folder.path, "got"), "utf8")).toBe("get-token me\n");
  });
});

async function isRunning(pid: number): Promise<boolean> {
  // A killed child of a killed shell may stay a zombie until init looks: that is not running either.
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z");
  return status.split(") ")[1]?.startsWith("Z") !== true;
}

describe("a plugin that cannot be used: CredentialFailed, and nothing of its output in the message", () => {
  const SECRET = "s3cret-that-must-not-leak-anywhere-0123456789";

  test.each([
    ["ends with an error", `echo "login expired token=${SECRET}" >&2; exit 3`, "ended with 3"],
    ["prints no JSON", `echo ${SECRET}`, "not JSON"],
    [
      "prints another kind",
      `echo '{"kind":"Pod","status":{"token":"${SECRET}"}}'`,
      "expected an ExecCredential",
    ],
    ["prints no credential", issue({}), "neither a token nor"],
    ["prints a certificate without its key", issue({ clientCertificateData: SECRET }), "neither a token nor"],
    ["prints nonsense for its expiry", issue({ token: SECRET, expirationTimestamp: "soon" }), "not a time"],
    ["prints without end", "yes 0123456789", "larger than 1 MiB"],
  ])("%s", async (_, script, said) => {
    await using plugin = await pluginSetup(script);
    const fault = (await plugin.connection
      .request("/a")
      .catch((error: unknown) => error)) as KubernetesApiError;
    expect(fault).toMatchObject({ code: "CredentialFailed" });
    expect(fault.message).toContain(said);
    expect(`${fault.message} ${fault.stack} ${String(fault.cause)}`).not.toContain(SECRET);
    expect(plugin.server.requests).toEqual([]);
  });

  test("is not there", async () => {
    await using plugin = await pluginSetup("", { command: "./no-such-plugin" });
    const call = plugin.connection.request("/a");
    await expect(call).rejects.toMatchObject({ code: "CredentialFailed" });
    await expect(call).rejects.toThrow(/no such program/);
  });
});
