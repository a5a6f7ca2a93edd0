import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../packages/shared/src/", import.meta.url));

/** Runs a process whose parts are given as source text; tells its exit code and its log. */
async function run(
  parts: string,
  act: (kill: (signal: NodeJS.Signals) => void, started: Promise<void>) => Promise<void>,
) {
  const source = `
    import { runProcess } from "${root}runtime/lifecycle.ts";
    import { createLogger } from "${root}runtime/logger.ts";
    import { systemClock as clock } from "${root}runtime/system-clock.ts";
    const logger = createLogger({ role: "worker", cluster: "c", level: "info" });
    const keepAlive = setInterval(() => undefined, 1000);
    await runProcess({ grace: 300, logger, clock, start: async () => { logger.info("started"); ${parts} } });
  `;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", source], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += String(chunk)));
  const started = new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk) => {
      log += String(chunk);
      if (log.includes('"started"')) resolve();
    });
  });
  const ended = once(child, "exit");
  await act((signal) => child.kill(signal), started);
  const [code] = (await ended) as [number | null];
  const messages = log
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { msg: string }).msg);
  return { code, messages, errors };
}

describe("a real process", () => {
  test("exits 0 at SIGTERM after its parts have stopped", async () => {
    const parts = `return [{ name: "a", stop: async () => logger.info("a is closed") }];`;
    const result = await run(parts, async (kill, started) => {
      await started;
      kill("SIGTERM");
    });
    expect(result).toEqual({
      code: 0,
      messages: ["started", "stopping", "a is closed", "stopped"],
      errors: "",
    });
  });

  test("exits 0 within its grace time though a part hangs", async () => {
    const result = await run(
      `return [{ name: "a", stop: () => new Promise(() => {}) }];`,
      async (kill, started) => {
        await started;
        kill("SIGINT");
      },
    );
    expect(result.code).toBe(0);
    expect(result.messages).toContain("did not stop within the grace time; left behind");
  });

  test("exits 1 with one line of log at an uncaught error, and prints no stack of its own", async () => {
    const parts = `setTimeout(() => { throw new Error("bug"); }, 1); return [];`;
    const result = await run(parts, async (_kill, started) => started);
    expect(result).toEqual({ code: 1, messages: ["started", "uncaught error: exiting"], errors: "" });
  });

  test("exits 1 with one line of log at a rejection nobody handles", async () => {
    const parts = `void Promise.reject(new Error("bug")); return [];`;
    const result = await run(parts, async (_kill, started) => started);
    expect(result).toEqual({ code: 1, messages: ["started", "uncaught error: exiting"], errors: "" });
  });
});
