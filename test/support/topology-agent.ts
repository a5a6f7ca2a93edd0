import { lineOf, startProcess, type RunningProcess } from "./processes.ts";
import { eventually } from "./eventually.ts";

/** The two roles that every topology has. */
export type AgentRole = "watcher" | "worker";

/** A watcher or worker process. */
export interface Agent extends RunningProcess {
  readonly role: AgentRole;
  /** The port of its monitoring server, once it has one. */
  readonly port: () => Promise<number>;
  /** Answers `GET` of its monitoring server; rejects when it has none yet. */
  readonly get: (path: string) => Promise<{ readonly status: number; readonly body: string }>;
  /** Sum over the samples of a metric whose labels are (at least) these; 0 when there are none. */
  readonly metric: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number>;
}

/** How an agent is started: with a configuration file, and an environment of its own. */
export interface AgentOptions {
  readonly name: string;
  readonly role: AgentRole;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** An agent that takes longer than this to answer is broken; without a deadline a test would end without a reason. */
const ANSWER_DEADLINE = 15_000;

/** Starts an agent; it may not be ready, or may never be. */
export function startAgent({ name, role, args, env }: AgentOptions): Agent {
  const running = startProcess({ name, script: `packages/${role}/src/main.ts`, args, env });
  let known: number | undefined;
  const port: Agent["port"] = async () => {
    known ??= await lineOf(running, portIn);
    return known;
  };
  const get: Agent["get"] = async (path) => {
    const response = await fetch(`http://127.0.0.1:${await port()}${path}`, {
      signal: AbortSignal.timeout(ANSWER_DEADLINE),
    });
    return { status: response.status, body: await response.text() };
  };
  return {
    ...running,
    role,
    port,
    get,
    metric: async (metric, labels = {}) => sumOf((await get("/metrics")).body, metric, labels),
  };
}

/** Waits until an agent says that it is ready. */
export async function untilReady(agent: Agent): Promise<void> {
  await eventually(
    async () => {
      const { status, body } = await agent.get("/readyz?verbose");
      if (status !== 200) throw new Error(`${agent.name} is not ready: ${body}`);
    },
    { within: 30_000 },
  );
}

function portIn(line: string): number | undefined {
  const { msg, port } = JSON.parse(line) as { msg?: unknown; port?: unknown };
  return msg === "metrics are served" && typeof port === "number" ? port : undefined;
}

/** One sample of the text format of Prometheus. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads the samples of a metrics page. */
export function samplesOf(page: string): Sample[] {
  return page.split("\n").flatMap((line) => {
    const match = /^(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)$/u.exec(line);
    if (match?.groups === undefined) return [];
    const { name = "", labels = "", value } = match.groups;
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/gu)].map(
      ([, label = "", text = ""]) => [label, text] as const,
    );
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}

function sumOf(page: string, metric: string, labels: Readonly<Record<string, string>>): number {
  return samplesOf(page)
    .filter(({ name }) => name === metric)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0);
}
