/** @file What the set-up tells: one plain line per step, so that a log of CI and a terminal read alike. */

/** Prints one line under the name of the step it belongs to. */
export function say(step, text) {
  console.log(`${`[${step}]`.padEnd(9)} ${text}`);
}

/** A fault that ends a command: its message is all the reader needs, a stack would bury it. */
export class SetupError extends Error {
  name = "SetupError";
}

/**
 * Runs a command of ours and turns its result into the exit code; a `SetupError` becomes one line on stderr.
 * `process.exitCode` rather than `process.exit`: what is still being written is written.
 */
export async function runCommand(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error instanceof SetupError ? `error: ${error.message}` : error);
    process.exitCode = 1;
  }
}
