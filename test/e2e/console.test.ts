import { request } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { agentConfig, writeConfig } from "../support/agent-config.ts";
import { eventually } from "../support/eventually.ts";
import { lineOf, startProcess, type RunningProcess } from "../support/processes.ts";
import { useTopology } from "../support/topology.ts";

const topology = useTopology({
  pools: [{ name: "standard", nodeNames: ["pending", "killed", "well-1", "well-2", "well-3"] }],
  config: { checkers: { DiskPressure: { threshold: "8s" } } },
});

/** A queue dashboard, and where it is. */
interface Console extends AsyncDisposable {
  readonly process: RunningProcess;
  readonly url: string;
}

async function startConsole(): Promise<Console> {
  const file = join(topology().dir, "console.yaml");
  writeConfig(file, agentConfig({ cluster: "e2e", console: { port: 0 } }));
  const env = { REDIS_URL: topology().redis.url };
  const process = startProcess({
    name: "console",
    script: "packages/console/src/main.ts",
    args: ["--config", file],
    env,
  });
  const url = await lineOf(process, (line) => {
    const { msg, url: served } = JSON.parse(line) as { msg?: unknown; url?: unknown };
    return msg === "queue dashboard is served" && typeof served === "string" ? served : undefined;
  });
  return { process, url, [Symbol.asyncDispose]: async () => process[Symbol.asyncDispose]() };
}

interface ShownJob {
  readonly id: string;
  readonly name: string;
  readonly delay: number;
  readonly progress: unknown;
}

/** The delayed jobs that a person sees on the page of pending reboots. */
async function delayedReboots({ url }: Console): Promise<ShownJob[]> {
  const answer = await fetch(`${url}/api/queues?activeQueue=reboots&status=delayed&page=1&jobsPerPage=50`);
  const { queues } = (await answer.json()) as { queues: { name: string; jobs: ShownJob[] }[] };
  return queues.find(({ name }) => name === "reboots")?.jobs ?? [];
}

/** The pending reboot of a node, once the page says what it waits for. */
async function shown(board: Console, node: string): Promise<ShownJob> {
  return eventually(
    async () => {
      const job = (await delayedReboots(board)).find(({ name }) => name === node);
      expect(job?.progress).toMatchObject({ waitsFor: expect.any(String) });
      return job as ShownJob;
    },
    { within: 30_000 },
  );
}

/** Whatever the dashboard could do to a pending reboot, its queue or all queues. */
const ACTIONS = [
  ["PUT", "pause"],
  ["PUT", "reboots/pause"],
  ["PUT", "reboots/promote"],
  ["PUT", "reboots/clean/delayed"],
  ["PUT", "reboots/empty"],
  ["PUT", "reboots/obliterate"],
  ["PUT", "reboots/:job/promote"],
  ["PUT", "reboots/:job/retry"],
  ["PUT", "reboots/:job/clean"],
  ["PATCH", "reboots/:job/delay"],
  ["PATCH", "reboots/:job/update-data"],
  ["POST", "reboots/add"],
] as const;

let board: Console;
beforeAll(async () => {
  board = await startConsole();
});
afterAll(async () => {
  await board[Symbol.asyncDispose]();
});

test("a pending reboot is there by the name of its node, with what it waits for and until when; nobody can touch it", async () => {
  await topology().simulator.break("pending", "disk-pressure");
  const job = await shown(board, "pending");
  expect(job.progress).toMatchObject({ waitsFor: "Threshold", until: expect.any(String) });

  for (const [method, path] of ACTIONS) {
    const answer = await fetch(`${board.url}/api/queues/${path.replace(":job", job.id)}`, {
      method,
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    expect([method, path, answer.status]).toEqual([method, path, 405]);
  }
  expect((await delayedReboots(board)).map(({ name }) => name)).toContain("pending");
  expect(await topology().recovered("pending")).toHaveLength(1);
});

test("the dashboard is killed in the midst of an incident: the reboot comes all the same, and a new one shows it", async () => {
  await topology().simulator.break("killed", "disk-pressure");
  const before = await shown(board, "killed");
  await board.process.kill9();
  board = await startConsole();
  expect((await shown(board, "killed")).id).toBe(before.id);
  expect(await topology().recovered("killed")).toHaveLength(1);
  expect(await delayedReboots(board)).toEqual([]);
});

/** The status of a request with these headers, which `fetch` would not send. */
async function statusOf(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  request(new URL(path, board.url), { method, headers }, (answer) => {
    answer.resume();
    resolve(answer.statusCode ?? 0);
  })
    .on("error", reject)
    .end();
  return promise;
}

test("it listens on loopback, answers to loopback names only, and to no other site", async () => {
  expect(new URL(board.url).hostname).toBe("127.0.0.1");
  const page = await fetch(`${board.url}/`);
  expect([page.status, page.headers.get("x-frame-options")]).toEqual([200, "DENY"]);
  expect(await page.text()).toContain("node-agent: e2e");
  expect(await statusOf("GET", "/queues/", { host: "rebound.example" })).toBe(421);
  const foreign = { "sec-fetch-site": "cross-site" };
  expect(await statusOf("PUT", "/queues/api/queues/reboots/pause", foreign)).toBe(403);
  const origin = { origin: "http://elsewhere.example" };
  expect(await statusOf("PUT", "/queues/api/queues/reboots/pause", origin)).toBe(403);
});
