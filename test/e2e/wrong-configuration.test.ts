import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { useTopology, type AgentPart } from "../support/topology.ts";
import type { Agent, AgentRole } from "../support/topology-agent.ts";
import type { LogLine } from "../support/processes.ts";

// The world that a well configured agent would find; no agent of its own.
const topology = useTopology({ pools: [{ name: "standard", nodeNames: ["node"] }], watchers: 0, workers: 0 });
const within = 30_000;
const dir = mkdtempSync(join(tmpdir(), "node-agent-e2e-wrong-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A mistake, and what the one message about it must say. */
interface Mistake {
  readonly what: string;
  readonly role?: AgentRole;
  readonly part: AgentPart;
  readonly says: RegExp;
}

/** Starts an agent that is expected to end by itself. */
async function ended({ role = "worker", part }: Pick<Mistake, "role" | "part">): Promise<Agent> {
  const agent = topology().start(role, part);
  await agent.exited;
  return agent;
}

/** What the configuration itself shows: told on standard error, before there is a log. */
const faultsOfSettings: Mistake[] = [
  {
    what: "a port that only root may use",
    part: { env: { CIVO_NODE_AGENT_METRICS_PORT: "80" } },
    says: /CIVO_NODE_AGENT_METRICS_PORT: expected a port from 1024 to 65535, got "80"/u,
  },
  {
    what: "a duration without a unit that exists",
    part: { config: { resyncInterval: "30sec" } },
    says: /resyncInterval \(\S+\): expected a duration with a unit, .* got "30sec"/u,
  },
  {
    what: "an unknown checker",
    part: { config: { checkers: { NodeReddy: { threshold: "5m" } } } },
    says: /checkers\.NodeReddy.*NodeReady/u,
  },
  {
    what: "an unknown key",
    part: { config: { monitoronly: true } },
    says: /monitoronly.*monitorOnly/u,
  },
  {
    what: "active mode without the key of the cloud",
    part: { env: { CIVO_API_KEY: "" } },
    says: /CIVO_API_KEY: missing, and needed to reboot/u,
  },
  {
    what: "a configuration file that is not there",
    part: { args: ["--config", join(dir, "nowhere.yaml")] },
    says: /--config "\S+nowhere\.yaml": no such file/u,
  },
  {
    what: "an address of the cloud that the key must not travel to",
    part: { env: { CIVO_API_URL: "http://api.civo.com" } },
    says: /CIVO_API_URL: expected https/u,
  },
  {
    what: "an address of the cloud that is none",
    part: { env: { CIVO_API_URL: "api.civo.com/v2" } },
    says: /CIVO_API_URL: expected an origin such as https:\/\/api\.civo\.com/u,
  },
  {
    what: "an unknown flag",
    part: { args: ["--monitor-onyl"] },
    says: /--monitor-onyl: unknown flag.*--monitor-only/u,
  },
];

/** What shows when the files and servers that were named are looked at: the last word of the log. */
const faultsOfSurroundings: Mistake[] = [
  {
    what: "a kubeconfig that is not there",
    part: { args: ["--kubeconfig", join(dir, "nowhere")] },
    says: /\S+nowhere/u,
  },
  {
    what: "a kubeconfig that is none",
    part: { args: ["--kubeconfig", join(dir, "no-kubeconfig")] },
    says: /\S+no-kubeconfig/u,
  },
  {
    what: "a context that the kubeconfig does not have",
    role: "watcher",
    part: { args: ["--context", "prod-us"] },
    says: /prod-us/u,
  },
  {
    what: "Redis may evict pending reboots",
    part: {},
    says: /maxmemory-policy allkeys-lru .* set maxmemory-policy noeviction/u,
  },
  {
    what: "a port that is taken",
    part: {},
    says: /port \d+ on 127\.0\.0\.1 is taken .* CIVO_NODE_AGENT_METRICS_PORT/u,
  },
];

describe("a wrong configuration ends the start with code 2 and one clear message", () => {
  beforeAll(() => writeFileSync(join(dir, "no-kubeconfig"), "clusters: 7\n"));

  test.each(faultsOfSettings)("$what", async (mistake) => {
    const agent = await ended(mistake);
    expect(agent.exit()).toEqual({ code: 2, signal: null });
    const told = agent.stderr().trimEnd().split("\n").slice(1);
    expect(told).toEqual([expect.stringMatching(mistake.says)]);
    expect(agent.lines).toEqual([]);
  });

  test("several at once are all told", async () => {
    const agent = await ended({ part: { config: { resyncInterval: "soon", maxAttempts: 0 } } });
    expect(agent.exit()).toEqual({ code: 2, signal: null });
    expect(agent.stderr()).toMatch(/2 faults/u);
    expect(agent.stderr()).toMatch(/resyncInterval/u);
    expect(agent.stderr()).toMatch(/maxAttempts/u);
  });

  test.each(faultsOfSurroundings)("$what", async (mistake) => {
    const { redis } = topology();
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    if (mistake.what.startsWith("Redis")) await redis.client.config("SET", "maxmemory-policy", "allkeys-lru");
    const part = mistake.what.startsWith("a port") ? { config: { metricsPort: port } } : mistake.part;
    const agent = await ended({ ...mistake, part });
    await redis.client.config("SET", "maxmemory-policy", "noeviction");
    taken.close();
    expect(agent.exit()).toEqual({ code: 2, signal: null });
    const loud = agent.logs().filter(({ level }) => level === "fatal" || level === "error");
    expect(loud).toMatchObject([{ level: "fatal", msg: "cannot start" }]);
    expect(messageOf(loud[0])).toMatch(mistake.says);
    expect(agent.stderr()).toBe("");
  });

  test("a user of Redis without INFO: the right is named", async () => {
    const { redis } = topology();
    const { client } = redis;
    await client.call("ACL", "SETUSER", "narrow", "on", ">pw", "~*", "&*", "+@all", "-@dangerous");
    const url = redis.url.replace("redis://", "redis://narrow:pw@");
    const agent = await ended({ part: { env: { REDIS_URL: url } } });
    await client.call("ACL", "DELUSER", "narrow");
    expect(agent.exit()).toEqual({ code: 2, signal: null });
    const loud = agent.logs().filter(({ level }) => level === "fatal" || level === "error");
    expect(loud).toMatchObject([{ level: "fatal", msg: "cannot start" }]);
    expect(messageOf(loud[0])).toMatch(/the user narrow run INFO, which .* ACL SETUSER narrow \+info/u);
  });

  test("a password that Redis refuses, which is not shown", async () => {
    const { redis } = topology();
    await redis.client.config("SET", "requirepass", "the-right-password");
    const url = redis.url.replace("redis://", "redis://:the-wrong-password@");
    const agent = await ended({ part: { env: { REDIS_URL: url } } });
    await redis.client.config("SET", "requirepass", "");
    expect(agent.exit()).toEqual({ code: 2, signal: null });
    const fatal = agent.logs().filter(({ level }) => level === "fatal");
    expect(fatal).toHaveLength(1);
    expect(messageOf(fatal[0])).toMatch(/wants a login and the password was refused; check REDIS_URL/u);
    expect(agent.lines.join("\n")).not.toContain("the-wrong-password");
  });
});

describe("what can come by itself is waited for, with a clear line in the log", () => {
  test.each(["watcher", "worker"] as const)("a %s whose Redis is not there yet", async (role) => {
    const { redis, start } = topology();
    await redis.stop("SIGTERM");
    const agent = start(role);
    const line = await loggedLine(agent, "Redis connection error; retrying");
    expect(line).toMatchObject({ level: "error", redis: expect.stringContaining("127.0.0.1") });
    expect(messageOf(line)).toMatch(/ECONNREFUSED/u);
    expect(await agent.get("/livez")).toMatchObject({ status: 200 });
    expect(await agent.get("/readyz?verbose")).toMatchObject({
      status: 503,
      body: expect.stringContaining("[-]redis"),
    });
    await redis.start();
    await eventually(async () => expect((await agent.get("/readyz")).status).toBe(200), { within });
    await agent.kill9();
  });

  test("a watcher whose API server is not there yet, and the worker that waits for it", async () => {
    const { simulator, start } = topology();
    await simulator.command({ do: "outage", api: "kubernetes", kind: "refuse" });
    const watcher = start("watcher");
    const worker = start("worker");
    const line = await loggedLine(watcher, "list of nodes failed; trying again");
    expect(line).toMatchObject({ level: "warn", reason: expect.stringMatching(/.+/u) });
    expect(await watcher.get("/readyz?verbose")).toMatchObject({
      status: 503,
      body: expect.stringContaining("[-]watch"),
    });
    await simulator.command({ do: "outage", api: "kubernetes", kind: "off" });
    await eventually(async () => expect((await topology().record("node"))?.phase).toBe("Healthy"), {
      within,
    });
    await simulator.break("node", "not-ready");
    expect(await topology().recovered("node")).toHaveLength(1);
    await Promise.all([watcher.kill9(), worker.kill9()]);
  });
});

async function loggedLine(agent: Agent, message: string): Promise<LogLine> {
  return eventually(
    () => {
      const line = agent.logs().find(({ msg }) => msg === message);
      if (line === undefined) throw new Error(`${agent.name} has not logged "${message}"`);
      return line;
    },
    { within },
  );
}

function messageOf(line: LogLine | undefined): string {
  const { err } = (line ?? {}) as { err?: { message?: string } };
  return err?.message ?? "";
}
