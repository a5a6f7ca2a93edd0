/**
 * @file `npm start`: brings what is missing, starts a Redis, then hands over to Node 24 running scripts/demo/main.ts
 * with the arguments given here and REDIS_URL in the environment. Ctrl-C ends all of it and leaves nothing behind.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ensureDependencies, node24 } from "./setup/dependencies.mjs";
import { root } from "./setup/paths.mjs";
import { ensureRedis } from "./setup/redis.mjs";
import { runCommand } from "./setup/say.mjs";

/** One Ctrl-C arrives twice: from the terminal and from npm. What follows within this time is the same one. */
const sameKeyPress = 500;

await runCommand(async () => {
  await ensureDependencies();
  const node = await node24();
  const redis = await ensureRedis();
  try {
    return await handOver(node, { ...process.env, REDIS_URL: redis.url });
  } finally {
    await redis.stop();
  }
});

/**
 * Runs the demo to its end and resolves to its exit code. It gets a session of its own, so that a signal reaches it
 * once and through us; the IPC channel tells it (`disconnect`) when we are gone without a signal.
 */
function handOver(node, env) {
  return new Promise((resolve, reject) => {
    const demo = spawn(node, [join(root, "scripts", "demo", "main.ts"), ...process.argv.slice(2)], {
      env,
      detached: true,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    let lastSignalAt = -Infinity;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
      process.on(signal, () => {
        const isRepeat = performance.now() - lastSignalAt < sameKeyPress;
        if (!isRepeat) demo.kill(signal === "SIGHUP" ? "SIGTERM" : signal);
        if (!isRepeat) lastSignalAt = performance.now();
      });
    }
    demo.on("error", reject);
    demo.on("exit", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 1)));
  });
}
