import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { connectKubernetes, KubernetesConfigError } from "@node-agent/kubernetes";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import { startScriptedServer } from "../../support/scripted-http-server.ts";
import { testFolder, type KubeconfigParts } from "./support/kubeconfig-file.ts";
import { openConnection } from "./support/open-connection.ts";

const TOKEN = "kubeconfig-token-that-must-not-leak";

/** The error that connecting with these options fails with. */
function refusal(options: Partial<Parameters<typeof connectKubernetes>[0]>): KubernetesConfigError {
  try {
    connectKubernetes({ kubeconfig: "", userAgent: "test", clock: systemClock, environment: {}, ...options });
  } catch (fault) {
    if (fault instanceof KubernetesConfigError) return fault;
    throw fault;
  }
  throw new Error("it was accepted");
}

describe("a kubeconfig that cannot work: what is wrong, where, and what was expected", () => {
  test("no such file", () => {
    const fault = refusal({ kubeconfig: "/nowhere/kubeconfig" });
    expect(fault.code).toBe("KubeconfigUnreadable");
    expect(fault.message).toBe("kubeconfig /nowhere/kubeconfig: cannot be read (ENOENT)");
  });

  test("a folder", async () => {
    await using folder = await testFolder();
    expect(refusal({ kubeconfig: folder.path })).toMatchObject({ code: "KubeconfigUnreadable" });
  });

  test.each([
    ["broken YAML", `users:\n- name: u\n  user: {token: ${TOKEN}\n- [`, /not YAML: .+ \(line \d+\)/],
    ["a list", `- token: ${TOKEN}`, /expected a mapping/],
    ["empty", "", /expected a mapping/],
    ["an alias that is a password", "user: {password: *" + TOKEN + "}", /not YAML: cannot be parsed/],
  ])("%s, without quoting it", async (_, content, said) => {
    await using folder = await testFolder();
    const fault = refusal({ kubeconfig: await folder.write("config", content) });
    expect(fault.code).toBe("KubeconfigInvalid");
    expect(fault.message).toMatch(said);
    expect(`${fault.message}${fault.stack}${String(fault.cause)}`).not.toContain(TOKEN);
  });

  test("a tag that nobody knows: no warning of the parser, which would quote the line", async () => {
    await using folder = await testFolder();
    const warned: string[] = [];
    const listen = (warning: Error): void => void warned.push(warning.message);
    process.on("warning", listen);
    try {
      const file = await folder.write("config", `users:\n- name: u\n  user: {token: !secret ${TOKEN}}\n`);
      expect(refusal({ kubeconfig: file }).code).toBe("NoSuchContext");
      // Warnings are told in a later turn.
      await new Promise((resolve) => setImmediate(resolve));
      expect(warned).toEqual([]);
    } finally {
      process.off("warning", listen);
    }
  });

  const contexts = [
    { name: "prod", context: { cluster: "c", user: "u" } },
    { name: "lost-cluster", context: { cluster: "gone", user: "u" } },
    { name: "lost-user", context: { cluster: "c", user: "gone" } },
  ];
  test.each([
    ["staging", "NoSuchContext", "staging; expected one of: prod, lost-cluster, lost-user"],
    ["lost-cluster", "NoSuchCluster", "needs cluster gone with a server; has: c"],
    ["lost-user", "NoSuchUser", "needs user gone; has: u"],
  ])("context %s: %s", async (context, code, said) => {
    await using folder = await testFolder();
    const kubeconfig = await folder.kubeconfig({ user: { token: TOKEN }, top: { contexts } });
    const fault = refusal({ kubeconfig, context });
    expect(fault.code).toBe(code);
    expect(fault.message).toContain(said);
    expect(fault.message).toContain(kubeconfig);
  });

  test("no current-context and none asked for", async () => {
    await using folder = await testFolder();
    const kubeconfig = await folder.kubeconfig({ top: { contexts, "current-context": "" } });
    expect(refusal({ kubeconfig })).toMatchObject({ code: "NoSuchContext" });
    expect(refusal({ kubeconfig }).message).toContain("prod, lost-cluster, lost-user");
  });

  const broken: [string, KubeconfigParts, string, RegExp][] = [
    [
      "a server that is no URL",
      { server: "not a url" },
      "KubeconfigInvalid",
      /cluster c: expected server to be/,
    ],
    [
      "a server of another scheme",
      { server: "ftp://x" },
      "KubeconfigInvalid",
      /cluster c: expected server to be/,
    ],
    [
      "a proxy of another scheme",
      { cluster: { "proxy-url": "gopher://x" } },
      "KubeconfigInvalid",
      /proxy-url/,
    ],
    [
      "a CA that is not there",
      { cluster: { "certificate-authority": "no.crt" } },
      "FileUnreadable",
      /no\.crt/,
    ],
    [
      "a certificate that is not there",
      { user: { "client-certificate": "no.crt" } },
      "FileUnreadable",
      /no\.crt/,
    ],
    [
      "a plugin without a command",
      { user: { exec: { apiVersion: "client.authentication.k8s.io/v1" } } },
      "KubeconfigInvalid",
      /expected a command/,
    ],
    [
      "a plugin of an unknown version",
      { user: { exec: { apiVersion: "v1", command: "x" } } },
      "KubeconfigInvalid",
      /apiVersion/,
    ],
    [
      "a plugin that needs a terminal",
      {
        user: {
          exec: { apiVersion: "client.authentication.k8s.io/v1", command: "x", interactiveMode: "Always" },
        },
      },
      "UnsupportedCredential",
      /terminal/,
    ],
  ];
  test.each(broken)("%s", async (_, parts, code, said) => {
    await using folder = await testFolder();
    const fault = refusal({ kubeconfig: await folder.kubeconfig(parts) });
    expect(fault.code).toBe(code);
    expect(fault.message).toMatch(said);
  });
});

describe("what does work", () => {
  test("a context of choice, however broken the others are, and a user that is not named", async () => {
    await using server = await startScriptedServer((_, response) => void response.end("{}"));
    await using folder = await testFolder();
    const kubeconfig = await folder.kubeconfig({
      server: server.url,
      top: {
        contexts: [{ name: "half" }, { name: "anonymous", context: { cluster: "c" } }],
        "current-context": "half",
      },
    });
    await using connection = openConnection({ kubeconfig, context: "anonymous" });
    await connection.request("/a");
    expect(server.requests[0]?.headers).not.toHaveProperty("authorization");
    expect(connection.origin).toBe(`context anonymous of ${kubeconfig}`);
  });

  test("the environment's KUBECONFIG and a localhost default are never used instead", () => {
    const environment = { KUBECONFIG: "/nowhere", HOME: "/root" };
    expect(refusal({ kubeconfig: "", environment })).toMatchObject({ code: "NotInCluster" });
  });
});

describe("in the cluster", () => {
  const environment = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: "6443" };

  test.each([{}, { KUBERNETES_SERVICE_HOST: "127.0.0.1" }, { KUBERNETES_SERVICE_PORT: "1" }])(
    "without its environment: NotInCluster, and what to do (%j)",
    (without) => {
      const fault = refusal({ environment: without });
      expect(fault.code).toBe("NotInCluster");
      expect(fault.message).toContain("--kubeconfig");
    },
  );

  test("without a mounted token: NotInCluster", async () => {
    await using folder = await testFolder();
    const fault = refusal({ environment, serviceAccountRoot: folder.path });
    expect(fault).toMatchObject({ code: "NotInCluster" });
    expect(fault.message).toContain(join(folder.path, "token"));
  });

  test.each([
    ["127.0.0.1", "https://127.0.0.1:6443"],
    ["fd00::1", "https://[fd00::1]:6443"],
  ])("host %s -> %s", async (host, server) => {
    await using folder = await testFolder();
    const root = join(folder.path, "serviceaccount");
    await mkdir(root);
    await folder.write("serviceaccount/token", "t");
    await folder.write("serviceaccount/ca.crt", "ca");
    await using connection = openConnection({
      kubeconfig: "",
      environment: { ...environment, KUBERNETES_SERVICE_HOST: host },
      serviceAccountRoot: root,
    });
    expect(connection.server).toBe(server);
  });
});
