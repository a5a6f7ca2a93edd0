import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSimulator, type Simulator } from "../../packages/simulator/src/simulator.ts";
import { eventually } from "../support/eventually.ts";
import { lineOf, ROOT, startProcess, type RunningProcess } from "../support/processes.ts";
import { useRedis } from "../support/redis.ts";

const redis = useRedis();
const hasCurl = spawnSync("curl", ["--version"]).status === 0;
const run = promisify(execFile);

/** `npm start` without its set-up: the Redis of the tests is the one it is given. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningProcess {
  const demo = startProcess({
    name: "demo",
    script: "scripts/demo/main.ts",
    args,
    env: { ...env, REDIS_URL: redis.url() },
  });
  // Killed, it would leave its own processes behind.
  const stop = async (): Promise<void> => {
    demo.send("SIGTERM");
    await demo.exited;
  };
  return { ...demo, [Symbol.asyncDispose]: stop };
}

/** The line after which the visitor is asked for nothing more. */
async function ready(demo: RunningProcess): Promise<void> {
  await lineOf(demo, (line) => (line.includes("Ctrl-C ends everything") ? true : undefined), {
    within: 60_000,
  });
}

/** Waits until one of the lines has these words. */
async function says(demo: RunningProcess, words: RegExp): Promise<string> {
  return eventually(
    () => {
      const found = demo.lines.find((line) => words.test(line));
      if (found === undefined) throw new Error(`${demo.lines.join("\n")}\nnot said yet: ${words.source}`);
      return found;
    },
    { within: 90_000 },
  );
}

/** A command that was printed, as a person gives it in another terminal. */
async function asPrinted(demo: RunningProcess, start_: string): Promise<string> {
  const command = demo.lines.find((line) => line.trim().startsWith(start_))?.trim() ?? "";
  expect(command).not.toBe("");
  const env = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "" };
  return (await run("sh", ["-c", command], { cwd: ROOT, env })).stdout;
}

/** The folder of a run, from the paths it printed. */
function folderOf(demo: RunningProcess): string {
  const folder = demo.lines
    .map((line) => /\.data\/demo-\w+/u.exec(line)?.[0])
    .find((one) => one !== undefined);
  return join(ROOT, folder ?? "none");
}

/** A line without what differs from run to run: numbers, names, folders. */
function shape(line: string): string {
  return line
    .trim()
    .replace(/^cd .*$/u, "cd ROOT")
    .replaceAll(/demo-(?:standard|gpu)-\w+/gu, "NODE")
    .replaceAll(/\.data\/demo-\w+/gu, "RUN")
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gu, "ID")
    .replaceAll(/\d+(?:\.\d+)?/gu, "N");
}

/** The sample of the README, without the line of the set-up, which is another process's. */
function linesOfReadme(): string[] {
  const text = readFileSync(join(ROOT, "README.md"), "utf8");
  const sample = /```text\n(?<lines>\[setup\][^`]*)```/u.exec(text)?.groups?.["lines"] ?? "";
  const lines = sample.split("\n").slice(1).map(shape);
  expect(lines.length).toBeGreaterThan(20);
  return lines;
}

describe("npm start", () => {
  test.skipIf(!hasCurl)(
    "repairs two nodes, explains one as printed, and shows a whole incident again",
    async () => {
      await using demo = start([]);
      await ready(demo);
      const broken = /broken: the kubelet of (?<node>\S+) is dead/u;
      const node = broken.exec(await says(demo, broken))?.groups?.["node"] ?? "";
      const explained = await asPrinted(demo, "npx node-agent explain");
      expect(explained).toContain(`Node         ${node}`);
      expect(explained).toMatch(/^Mode +active$/mu);
      expect(await asPrinted(demo, "npx node-agent status")).toMatch(/^Nodes +8 selected$/mu);
      expect(await asPrinted(demo, "npx node-agent ledger show")).toContain("Believed");
      await says(demo, new RegExp(`${node} .*reboot verified`, "u"));
      await says(demo, /demo-gpu-\w+ .*reboot verified/u);
      expect(linesOfReadme().filter((line) => !demo.lines.map(shape).includes(line))).toEqual([]);

      const again = JSON.parse(await asPrinted(demo, "curl")) as { nodes: string[] };
      expect(again.nodes).toHaveLength(1);
      expect(again.nodes).not.toContain(node);
      await says(demo, new RegExp(`${again.nodes[0]} .*recovered after .*, 1 reboot`, "u"));

      expect(existsSync(folderOf(demo))).toBe(true);
      demo.send("SIGINT");
      expect(await demo.exited).toEqual({ code: 0, signal: null });
      expect(existsSync(folderOf(demo))).toBe(false);
      expect(await redis.connect().keys(`*${basename(folderOf(demo))}*`)).toEqual([]);
    },
    // A reboot counts as a cure after half a minute here, and processes take their time on a busy machine.
    240_000,
  );
});

describe("npm start -- --kubeconfig", () => {
  const dir = mkdtempSync(join(tmpdir(), "node-agent-watch-"));
  const kubeconfig = join(dir, "kubeconfig.yaml");
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator({
      pools: [
        { name: "workers", id: "workers", count: 5, nodeNames: ["w-1", "w-2", "w-3", "w-4", "w-5"] },
        { name: "gpu", id: "gpu", count: 1, gpus: 8, nodeNames: ["g-1"] },
      ],
    });
    writeFileSync(kubeconfig, simulator.kubeconfig());
    simulator.world.break("w-1", { fault: "kubelet-dead" });
  });
  afterAll(async () => {
    await simulator.close();
    rmSync(dir, { recursive: true, force: true });
  });

  test("summarises the fleet, says would be, tells about the fleet, and reports at its end", async () => {
    await using demo = start(["--kubeconfig", kubeconfig, "--every", "1s"], {
      CIVO_NODE_AGENT_CHECKERS_NODE_READY_THRESHOLD: "2s",
      CIVO_NODE_AGENT_TIMINGS_BLIND_GRACE: "1s",
      CIVO_NODE_AGENT_TIMINGS_BEAT_INTERVAL: "1s",
      CIVO_NODE_AGENT_TIMINGS_VIEW_PROBE_INTERVAL: "1s",
      CIVO_NODE_AGENT_TIMINGS_VIEW_MAX_AGE: "10s",
      // A visitor who has set up active mode elsewhere: this stays a watch.
      CIVO_NODE_AGENT_MONITOR_ONLY: "false",
      CIVO_NODE_AGENT_CLUSTER: "production",
      CIVO_NODE_AGENT_EVENTS: "true",
      CIVO_API_KEY: "a-key-that-must-not-be-used",
    });
    await ready(demo);
    const summary = demo.lines.join("\n");
    expect(summary).toMatch(/^ +Nodes +6 selected$/mu);
    expect(summary).toMatch(/^ +Pools +gpu: 1, workers: 5 \(1 failing\)$/mu);
    expect(summary).toMatch(/^ +GPUs +1 node; allocatable units: nvidia.com\/gpu 8 of 8$/mu);
    expect(summary).toMatch(/^ +Network +Cilium on 6 nodes/mu);
    expect(summary).toMatch(/^ +w-1 .* would be rebooted/mu);
    await says(demo, /w-1 {2}WOULD BE REBOOTED now: NodeReady\/NodeStatusUnknown, attempt 1/u);
    await says(demo, /fleet: nodes 6, healthy 5, failing 1, pending would-be reboots 0, .*; seen \d+ s ago/u);
    for (const line of demo.lines.filter((one) => /^\d{4}-\S+Z {2}.*reboot/u.test(one)))
      expect(line).toMatch(/would[ -]be|nothing is rebooted/iu);

    demo.send("SIGINT");
    expect(await demo.exited).toEqual({ code: 0, signal: null });
    const report = demo.lines.slice(demo.lines.findIndex((line) => line.startsWith("Report"))).join("\n");
    expect(report).toContain("nodes             6 at the end, 6 at most");
    expect(report).toContain(
      "incidents         1: 0 recovered alone, 0 after a would-be reboot, 1 still open",
    );
    expect(report).toMatch(
      /would-be reboots {2}1\n {4}\S+Z {2}w-1 {2}NodeReady\/NodeStatusUnknown, attempt 1/u,
    );
    expect(simulator.requests.list("civo")).toEqual([]);
    const asked = simulator.requests.list("kubernetes").map(({ method }) => method);
    expect(new Set(asked)).toEqual(new Set(["GET"]));
  });
});
