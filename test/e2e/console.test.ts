import { readdirSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keysOf } from "@node-agent/shared/contract/keys.ts";
import { BROWSER, openBrowser } from "../support/browser.ts";
import { agentConfig, writeConfig } from "../support/agent-config.ts";
import { eventually } from "../support/eventually.ts";
import { lineOf, ROOT, startProcess, type RunningProcess } from "../support/processes.ts";
import { useTopology } from "../support/topology.ts";

const topology = useTopology({
  pools: [
    {
      name: "standard",
      nodeNames: ["pending", "killed", "timed", "looked-at", "well-1", "well-2", "well-3"],
    },
  ],
  config: { checkers: { DiskPressure: { threshold: "8s" } } },
});

/** A queue dashboard, and where it is. */
interface Console extends AsyncDisposable {
  readonly process: RunningProcess;
  readonly url: string;
}

async function startConsole(): Promise<Console> {
  const file = join(topology().dir, "console.yaml");
  writeConfig(file, agentConfig({ cluster: "e2e", console: { port: 0, allowedHosts: ["Board.example"] } }));
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
  readonly timestamp: number;
  readonly opts: { readonly delay?: number };
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

/** When Redis lets the job run: BullMQ keeps milliseconds above 12 bits that tell jobs of one of them apart. */
async function scoredAt(id: string): Promise<number> {
  const score = await topology().redis.client.zscore(`${keysOf("e2e").prefix}:reboots:delayed`, id);
  return Math.floor(Number(score) / 0x1000);
}

test("a job that was delayed again runs at the time that the page computes", async () => {
  await topology().simulator.break("timed", "disk-pressure");
  await eventually(
    async () => {
      const listed = (await delayedReboots(board)).find(({ name }) => name === "timed");
      // It slept on its threshold first, and counts its delay from another moment since.
      expect(listed?.progress).toMatchObject({ waitsFor: expect.not.stringMatching("Threshold") });
      const { id = "" } = listed ?? {};
      const opened = (await (await fetch(`${board.url}/api/queues/reboots/${id}`)).json()) as {
        job: ShownJob;
      };
      const at = await scoredAt(id);
      for (const { timestamp, delay, opts } of [listed, opened.job].filter((job) => job !== undefined)) {
        // The page: timestamp + (opts.delay || delay), and the word "changed" when the two differ.
        expect([timestamp + delay, opts.delay]).toEqual([at, delay]);
      }
    },
    { within: 30_000 },
  );
  expect(await topology().recovered("timed")).toHaveLength(1);
});

test("it listens on loopback, answers to loopback names only, and to no other site", async () => {
  expect(new URL(board.url).hostname).toBe("127.0.0.1");
  const page = await fetch(`${board.url}/`);
  expect([page.status, page.headers.get("x-frame-options")]).toEqual([200, "DENY"]);
  expect(await page.text()).toContain("node-agent: e2e");
  expect(await statusOf("GET", "/queues/", { host: "localhost:9630" })).toBe(200);
  expect(await statusOf("GET", "/queues/", { host: "board.example" })).toBe(200);
  expect(await statusOf("GET", "/queues/", { host: "rebound.example" })).toBe(421);
  expect(await statusOf("GET", "/queues/static/js/main.js", { host: "rebound.example" })).toBe(421);
  expect(await statusOf("GET", "/queues/", { host: "board.example.rebound.example" })).toBe(421);
  const foreign = { "sec-fetch-site": "cross-site" };
  expect(await statusOf("PUT", "/queues/api/queues/reboots/pause", foreign)).toBe(403);
  const origin = { origin: "http://elsewhere.example" };
  expect(await statusOf("PUT", "/queues/api/queues/reboots/pause", origin)).toBe(403);
});

/** Pages, answers, refusals, files: the policy is on all of them. */
test.each(["/", "/api/queues", "/queue/reboots", "/job-schedulers", "/nothing-there", "/static/favicon.ico"])(
  "the content policy stands on %s and allows this host alone",
  async (path) => {
    const { headers } = await fetch(`${board.url}${path}`);
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("base-uri 'self'");
    expect(policy).toContain("form-action 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/u);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toMatch(path.startsWith("/static") ? /public/u : /^no-store$/u);
  },
);

test("no page, style or script that is served loads from another host, and no page has an inline style", async () => {
  const html = await (await fetch(`${board.url}/`)).text();
  expect(html).not.toMatch(/(?:href|src)="(?:https?:)?\/\//u);
  expect(html).not.toMatch(/<style|\sstyle=/u);
  const files = filesBelow("node_modules/@bull-board/ui/dist/static", /\.(?:css|js)$/u);
  expect(files.length).toBeGreaterThan(20);
  for (const file of files) {
    const answer = await fetch(`${board.url}/static/${file}`);
    const text = await answer.text();
    expect([file, answer.status]).toEqual([file, 200]);
    expect([file, text.match(/@import|url\(["']?(?:https?:)?\/\/[^)]*/u)?.[0]]).toEqual([file, undefined]);
    expect([file, text.match(/(?:fetch|import|importScripts)\(["'`](?:https?:)?\/\//u)?.[0]]).toEqual([
      file,
      undefined,
    ]);
  }
});

test.skipIf(BROWSER === undefined)(
  "a browser shows every page under this policy, and asks no other host",
  async () => {
    await topology().simulator.break("looked-at", "disk-pressure");
    const { id } = await shown(board, "looked-at");
    await using browser = await openBrowser();
    const pages: readonly (readonly [path: string, words: string])[] = [
      ["/", "node-snapshots"],
      ["/queue/reboots?status=delayed", "looked-at"],
      [`/queue/reboots/${id}`, "Threshold"],
      ["/queue/node-snapshots", "Wake-ups for workers"],
      ["/job-schedulers", "resync"],
    ];
    for (const [path, words] of pages) {
      const seen = await browser.visit(`${board.url}${path}`);
      await seen.shows(words);
      expect([path, seen.violations, seen.exceptions]).toEqual([path, [], []]);
      const hosts = new Set(seen.requests.map((url) => new URL(url).host));
      expect([path, [...hosts]]).toEqual([path, [new URL(board.url).host]]);
    }

    // The same eyes see what must not be: an image of another host, and an inline script.
    const hostile = await browser.visit(`${board.url}/`);
    await hostile.shows("node-snapshots");
    await hostile.evaluate('new Image().src = "http://elsewhere.example/leak.png"');
    await hostile.evaluate(
      'document.body.append(Object.assign(document.createElement("script"), { text: "window.ran = true" }))',
    );
    await eventually(() => expect(hostile.violations.length).toBeGreaterThanOrEqual(2));
    expect(await hostile.evaluate("window.ran")).toBeUndefined();
    expect(await topology().recovered("looked-at")).toHaveLength(1);
  },
);

/** The files below a folder that have such a name, relative to it. */
function filesBelow(folder: string, name: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).filter((file) =>
    name.test(file),
  );
}
