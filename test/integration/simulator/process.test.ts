import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { parsed } from "./http-client.ts";
import { eventually } from "../../support/eventually.ts";

const MAIN = fileURLToPath(new URL("../../../packages/simulator/src/main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "simulator-process-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** Runs the simulator with arguments that end it at once. */
function runToEnd(...args: string[]) {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });
}

function start(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const seen = { out: "", err: "" };
  child.stdout.on("data", (chunk: Buffer) => (seen.out += chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => (seen.err += chunk.toString("utf8")));
  const exited = new Promise<number | null>((resolve) => child.on("exit", resolve));
  return { child, seen, exited };
}

test.each(["SIGTERM", "SIGINT"] as const)(
  "it says in one line where it is, plays its scenario, and %s ends it with 0",
  async (signal) => {
    const kubeconfig = join(folder, `kubeconfig-${signal}`);
    const config = file(
      "config.yaml",
      "cluster: yard\npools:\n  - { name: std, count: 2, nodeNames: [a-1, a-10] }\ntimings: { boot: 90s }\n",
    );
    const scenario = file(
      "scenario.yaml",
      "steps:\n  - { at: 10ms, do: break, node: a-1, fault: not-ready, curedByReboot: false }\n",
    );
    const { child, seen, exited } = start(
      "--config",
      config,
      "--scenario",
      scenario,
      "--write-kubeconfig",
      kubeconfig,
      "--time-scale",
      "600",
    );
    try {
      await eventually(() => expect(seen.out).toMatch(/\n$/));
      const ready = parsed(seen.out);
      expect(ready).toMatchObject({ ready: true, kubeconfig, civo: { region: "LON1" } });
      expect(statSync(kubeconfig).mode & 0o777).toBe(0o600);
      expect(readFileSync(kubeconfig, "utf8")).toContain(ready.kubernetes.url);
      await eventually(async () => {
        const nodes = (await (await fetch(`${ready.control.url}/nodes`)).json()) as {
          name: string;
          healthy: boolean;
        }[];
        expect(nodes.map(({ name, healthy }) => [name, healthy])).toEqual([
          ["a-1", false],
          ["a-10", true],
        ]);
      });
      await eventually(() =>
        expect(seen.err).toContain('{"scenario":{"step":0,"do":"break","result":{"nodes":["a-1"]}}}'),
      );
    } finally {
      child.kill(signal);
    }
    expect(await exited).toBe(0);
  },
);

test("all mistakes of flags, configuration and scenario are told together, each by its name, with exit code 2", () => {
  const config = file(
    "bad.yaml",
    "clutser: x\ntimings: { boot: soon }\npools:\n  - { name: Std, count: -1 }\n",
  );
  const scenario = file("bad-scenario.yaml", "steps:\n  - { at: later, do: break }\n");
  const steps = file(
    "bad-steps.yaml",
    "steps:\n  - { at: 1s, do: break, node: a, fault: boom }\n  - { at: 1s, do: jump }\n",
  );
  const first = runToEnd(
    "--config",
    config,
    "--scenario",
    scenario,
    "--nodes",
    "many",
    "--port-civo",
    "99999",
    "--time-scale=-1",
  );
  expect(first.status).toBe(2);
  expect(first.stdout).toBe("");
  for (const wanted of [
    /bad\.yaml: .*Unrecognized key: "clutser"/,
    /bad\.yaml: timings\.boot: expected a duration such as 500ms, 5s, 10m or 1h, got "soon"/,
    /bad\.yaml: pools\.0\.name: expected lower-case letters/,
    /bad\.yaml: pools\.0\.count: .*got -1/,
    /bad-scenario\.yaml: steps\.0\.at: expected a duration/,
    /--nodes: .*got "many"/,
    /--port-civo: .*got 99999/,
    /--time-scale: .*got -1/,
  ]) {
    expect(first.stderr).toMatch(wanted);
  }
  const second = runToEnd("--scenario", steps);
  expect(second.stderr).toMatch(/steps\.0\.fault: /);
  expect(second.stderr).toMatch(/steps\.1\.do: /);
  expect(runToEnd("--bogus").stderr).toMatch(/--bogus/);
  expect(runToEnd("--pools", "standard").stderr).toMatch(/--pools: expected name=count/);
  expect(runToEnd("--config", "/nowhere.yaml").stderr).toMatch(/\/nowhere\.yaml: ENOENT/);
});

test("--help and --version answer and end", () => {
  expect(runToEnd("--help").stdout).toMatch(/--write-kubeconfig FILE/);
  expect(runToEnd("--version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("a port that is taken is said, and nothing stays behind", async () => {
  const first = start("--nodes", "1");
  try {
    await eventually(() => expect(first.seen.out).toMatch(/\n$/));
    const { port } = new URL((JSON.parse(first.seen.out) as { civo: { url: string } }).civo.url);
    const second = start("--nodes", "1", "--port-civo", port);
    expect(await second.exited).toBe(2);
    expect(second.seen.err).toMatch(new RegExp(`EADDRINUSE.*${port}`));
  } finally {
    first.child.kill();
    await first.exited;
  }
});
