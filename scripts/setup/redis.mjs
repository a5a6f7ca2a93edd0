/** @file A Redis for one run: the one that REDIS_URL names, or a private one that goes when the run ends. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { dataFolder, isExecutable, onPath } from "./paths.mjs";
import { pingRedis } from "./resp.mjs";
import { run } from "./run.mjs";
import { say, SetupError } from "./say.mjs";
import { aptInstall, canAptInstall } from "./tools.mjs";

const image = "docker.io/library/redis:7-alpine";
const startDeadline = 15_000;
const pullDeadline = 180_000;

/**
 * The Redis of this run, running: `{ url, stop() }`, and `pid` and `dir` when the server is ours. `stop` leaves nothing behind,
 * and does nothing to a server that we did not start. Throws `SetupError` with one clear sentence.
 */
export async function ensureRedis() {
  const given = process.env.REDIS_URL;
  if (given) {
    const problem = await pingRedis(given);
    if (problem !== undefined) throw new SetupError(`REDIS_URL ${problem}`);
    say("setup", "Redis: the one of REDIS_URL");
    return { url: given, pid: undefined, dir: undefined, stop: async () => {} };
  }
  const server = (await findServer()) ?? (await installServer());
  const redis = await startRedis({ server });
  say("setup", `Redis: ${server.name} on ${redis.url}, private to this run`);
  return redis;
}

/**
 * Starts a private Redis on a free port of 127.0.0.1 and waits until it answers. Without `dir` its data lives in a
 * folder of its own under .data/ and is removed when it stops; with `dir` the data stays, and `port` lets a restarted
 * server keep its address. The server ends with this process, however this process ends.
 */
export async function startRedis({ dir, port, appendonly = true, server } = {}) {
  const program = server ?? (await findServer());
  if (program === undefined) throw new SetupError(adviceWithoutRedis);
  for (let attempt = 1; ; attempt += 1) {
    const folder = dir ?? makeFolder();
    const chosen = port ?? (await freePort());
    if (dir !== undefined) mkdirSync(dir, { recursive: true });
    const redis = supervise(
      program.launch({ folder, port: chosen, appendonly }),
      dir === undefined ? folder : undefined,
    );
    const problem = await waitForPong(`redis://127.0.0.1:${chosen}`, redis, program.deadline);
    if (problem === undefined) {
      return { url: `redis://127.0.0.1:${chosen}`, pid: await redis.pid, dir: folder, stop: redis.stop };
    }
    await redis.stop();
    // Between asking for a free port and using it somebody else may have taken it.
    if (attempt === 3 || port !== undefined)
      throw new SetupError(`Redis (${program.name}) does not start: ${problem}`);
  }
}

const adviceWithoutRedis =
  "no Redis: install redis-server 7 or later (Debian: apt-get install redis-server, macOS: brew install redis), " +
  "or start Docker, or set REDIS_URL to a running one";

/**
 * A folder that belongs on the PATH so that `redis-server` can be called by its name, as tests with servers of their own
 * do; undefined when it can be already, or when there is none outside a container.
 */
export async function redisCommandFolder() {
  if (onPath("redis-server") !== undefined) return undefined;
  const command = (await findServer())?.path;
  if (command === undefined) return undefined;
  const folder = join(dataFolder, "bin");
  const link = join(folder, "redis-server");
  mkdirSync(folder, { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(command, link);
  return folder;
}

/** The first server this machine can run: on the PATH, else in a container; undefined when there is none. */
async function findServer() {
  for (const command of ["redis-server", "valkey-server"]) {
    const path = onPath(command);
    if (path !== undefined) return localServer(command, path);
  }
  // Debian's redis-tools holds the same binary under another name; redis-server is a link to it.
  if (isExecutable("/usr/bin/redis-check-rdb"))
    return localServer("redis-server", "/usr/bin/redis-check-rdb");
  return undefined;
}

async function installServer() {
  if (canAptInstall()) {
    say("setup", "no Redis found: installing Debian's redis-tools (the server without a service)");
    const problem = await aptInstall("redis-tools");
    const server = await findServer();
    if (server !== undefined) return server;
    say("setup", problem ?? "redis-tools holds no server");
  }
  for (const command of ["docker", "podman"]) {
    const path = onPath(command);
    if (path !== undefined && (await run(path, ["info"], { timeout: 15_000 })).code === 0) {
      say("setup", `no Redis found: using a container (${image})`);
      return containerServer(command, path);
    }
  }
  throw new SetupError(adviceWithoutRedis);
}

function localServer(name, path) {
  const launch = ({ folder, port, appendonly }) => ({
    command: path,
    argv0: name,
    args: [...settings(appendonly), "--bind", "127.0.0.1", "--port", String(port), "--dir", folder],
  });
  return { name, path, launch, deadline: startDeadline };
}

function containerServer(name, path) {
  const launch = ({ port, appendonly }) => ({
    command: path,
    args: [
      "run",
      "--rm",
      "--publish",
      `127.0.0.1:${port}:6379`,
      image,
      "redis-server",
      ...settings(appendonly),
    ],
  });
  return { name: `${name} ${image}`, launch, deadline: pullDeadline };
}

/** What the agent asks of a Redis: nothing is evicted, and what was acknowledged is there after a restart. */
function settings(appendonly) {
  return ["--maxmemory-policy", "noeviction", "--appendonly", appendonly ? "yes" : "no", "--save", ""];
}

/** Runs a server under the supervisor, in a session of its own: Ctrl-C is for us, and the server goes last. */
function supervise({ command, args, argv0 }, removeFolder) {
  const script = fileURLToPath(new URL("redis-supervisor.mjs", import.meta.url));
  const request = JSON.stringify({ command, args, argv0, removeFolder });
  const child = spawn(process.execPath, [script, request], {
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  let output = "";
  let isGone = false;
  let isListening = false;
  const exited = new Promise((resolve) => child.on("close", resolve).on("error", resolve));
  void exited.then(() => (isGone = true));
  const pid = new Promise((resolve) => {
    const read = (chunk) => {
      output = (output + chunk.toString("utf8")).slice(-4000);
      isListening ||= output.includes("Ready to accept connections");
      // On a busy machine the server speaks before its supervisor does: the pid has a line of its own, not the first.
      const line = /^(\d+)\n/m.exec(output)?.[1];
      if (line !== undefined) resolve(Number(line));
    };
    child.stdout.on("data", read);
    child.stderr.on("data", (chunk) => (output += chunk.toString("utf8")));
    void exited.then(() => resolve(undefined));
  });
  child.stdin.on("error", () => {}); // The supervisor has gone before us; `exited` tells.
  const stop = async () => {
    child.stdin.end();
    await exited;
  };
  return { pid, stop, isListening: () => isListening, hasExited: () => isGone, output: () => output.trim() };
}

/**
 * Resolves to undefined when the server answers, else to what went wrong. That it says itself that it listens comes
 * first: a PONG alone may come from another server that was quicker to take the port.
 */
async function waitForPong(url, redis, deadline) {
  const until = performance.now() + deadline;
  while (!redis.isListening()) {
    if (redis.hasExited()) return redis.output().split("\n").slice(-5).join("\n");
    if (performance.now() > until) return `it does not listen after ${deadline / 1000} s`;
    await delay(20);
  }
  return pingRedis(url);
}

function makeFolder() {
  mkdirSync(dataFolder, { recursive: true });
  return mkdtempSync(join(dataFolder, "redis-"));
}

/** A port of 127.0.0.1 that nobody used a moment ago. */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
