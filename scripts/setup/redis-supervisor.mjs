/**
 * @file Keeps one server process for as long as its parent lives. A parent that is killed cannot clean up, but the
 * pipe to our stdin closes with it, however it died; then the server is stopped and its temporary folder removed.
 *
 * Started as `node redis-supervisor.mjs <JSON: {command, args, argv0, removeFolder}>`; prints the pid of the server
 * on a line of its own, and what the server prints.
 */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";

const { command, args, argv0, removeFolder } = JSON.parse(process.argv[2]);
const server = spawn(command, args, { argv0, stdio: ["ignore", "inherit", "inherit"] });
let stopping = false;

function stop() {
  if (stopping) return;
  stopping = true;
  server.kill("SIGTERM");
  setTimeout(() => server.kill("SIGKILL"), 5000).unref();
}

function leave(code) {
  if (removeFolder) rmSync(removeFolder, { recursive: true, force: true });
  process.exit(code);
}

// A parent that died takes its end of stdout with it as well; that must not end us before the server has ended.
process.stdout.on("error", stop);
process.stderr.on("error", stop);
process.stdin.on("end", stop).on("close", stop).on("error", stop).resume();
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, stop);
server.on("spawn", () => console.log(String(server.pid)));
server.on("error", (error) => {
  console.error(error.message);
  leave(127);
});
server.on("exit", (code) => leave(code ?? 1));
