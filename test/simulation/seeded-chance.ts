import type { Random } from "./random.ts";

/**
 * The code under test draws jitter from Math.random: within a run that, too, comes from the seed. Stacks of errors are
 * not taken, unless somebody reads the story. Call the result to end both.
 */
export function sealed(random: Random, told: boolean): () => void {
  const chance = Math.random;
  const { stackTraceLimit } = Error;
  Math.random = () => random.next();
  if (!told) Error.stackTraceLimit = 0;
  return () => {
    Math.random = chance;
    Error.stackTraceLimit = stackTraceLimit;
  };
}
