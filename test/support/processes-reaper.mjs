/**
 * @file Ends the processes of a test run that was broken off. A test run that is killed cannot clean up, but the pipe
 * to our stdin closes with it, however it died. Lines on stdin: `+<pid>` a process was started, `-<pid>` it has ended.
 */
import { createInterface } from "node:readline";

const living = new Set();

// A Ctrl-C is for the test run; we go after it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const pid = Number(line.slice(1));
    if (line.startsWith("+")) living.add(pid);
    else living.delete(pid);
  })
  .on("close", () => {
    for (const pid of living) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended by itself in the meantime.
      }
    }
    process.exit(0);
  });
