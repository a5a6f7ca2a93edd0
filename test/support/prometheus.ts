import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { z } from "zod";
import { eventually } from "./eventually.ts";
import { startProgram } from "./processes.ts";

/** Whether there is a Prometheus to test with; `npm test` fetches Debian's where it may. */
export const HAS_PROMETHEUS: boolean = spawnSync("prometheus", ["--version"]).status === 0;

/** One element of an answer: its labels and its value. */
export interface Answer {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A Prometheus of a test. */
export interface Prometheus extends AsyncDisposable {
  /** Evaluates a query now. Rejects with the words of Prometheus when it cannot, as for one that does not parse. */
  readonly query: (query: string) => Promise<readonly Answer[]>;
}

const answerSchema = z.discriminatedUnion("status", [
  z.object({
    status: z.literal("success"),
    data: z.object({
      resultType: z.literal("vector"),
      result: z.array(
        z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) }),
      ),
    }),
  }),
  z.object({ status: z.literal("error"), errorType: z.string(), error: z.string() }),
]);

/** Starts a Prometheus that scrapes these ports of 127.0.0.1 every second, and waits until it answers. */
export async function startPrometheus(ports: readonly number[]): Promise<Prometheus> {
  await using started = new AsyncDisposableStack();
  const dir = started.adopt(mkdtempSync(join(tmpdir(), "node-agent-prometheus-")), (path) =>
    rmSync(path, { recursive: true, force: true }),
  );
  const config = join(dir, "prometheus.yml");
  const targets = ports.map((port) => `127.0.0.1:${port}`);
  // JSON is YAML.
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: "1s", scrape_timeout: "1s" },
      scrape_configs: [{ job_name: "node-agent", static_configs: [{ targets }] }],
    }),
  );
  const port = await freePort();
  const running = started.use(
    startProgram({
      name: "prometheus",
      program: "prometheus",
      args: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(dir, "data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--log.level=warn",
      ],
    }),
  );
  const query: Prometheus["query"] = async (text) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/query`, {
      method: "POST",
      body: new URLSearchParams({ query: text }),
      signal: AbortSignal.timeout(10_000),
    });
    const answer = answerSchema.parse(await response.json());
    if (answer.status === "error") throw new Error(`${answer.errorType}: ${answer.error}`);
    return answer.data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  };
  await eventually(
    async () => {
      if (running.exit() !== undefined) throw new Error(`Prometheus ended: ${running.stderr()}`);
      await query("vector(1)");
    },
    { within: 30_000 },
  );
  const kept = started.move();
  return { query, [Symbol.asyncDispose]: async () => kept.disposeAsync() };
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
