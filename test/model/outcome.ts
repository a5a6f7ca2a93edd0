import type { Exploration } from "./explore.ts";
import { formatTrace } from "./format.ts";
import type { Job } from "./jobs.ts";

/**
 * What an exploration shows that it should not, in words for whoever must understand it; undefined: what was expected.
 * An exploration that ran into its bound has shown nothing, whatever was expected.
 */
export function surpriseOf(
  { name, breaks }: Pick<Job, "name" | "breaks">,
  result: Exploration,
): string | undefined {
  const { verdict, states, violation, trace = [] } = result;
  if (verdict === "Bound") return `${name}: not complete, ${states} states and no end`;
  if (breaks === undefined) {
    if (violation === undefined) return undefined;
    return `${name}: ${violation.invariant} breaks: ${violation.why}\n${formatTrace(trace)}`;
  }
  if (violation?.invariant === breaks) return undefined;
  const instead =
    violation === undefined ? "everything holds" : `${violation.invariant} breaks: ${violation.why}`;
  return `${name}: ${breaks} should break, but ${instead}\n${formatTrace(trace)}`;
}
