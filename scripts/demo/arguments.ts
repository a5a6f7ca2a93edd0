import { parseArgs } from "node:util";
import { MINUTE, SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import { parseDuration } from "@node-agent/shared/runtime/config/durations.ts";

/** What the visitor asked for. */
export interface DemoArguments {
  /** A real cluster to watch, monitor-only; absent: the simulated one. */
  readonly kubeconfig?: string;
  readonly context?: string;
  /** How often a line about the fleet of a real cluster is printed. */
  readonly every: Millis;
  readonly help: boolean;
}

export const USAGE = `npm start                                        a simulated cluster and cloud, broken and repaired before your eyes
npm start -- --kubeconfig FILE [--context NAME]  a real cluster, monitor-only: nothing is rebooted
             [--every SPAN]                      a line about its fleet so often (1m)
`;

/** Reads the command line. Throws TypeError that says what was expected. */
export function readArguments(argv: readonly string[]): DemoArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      kubeconfig: { type: "string" },
      context: { type: "string" },
      every: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { kubeconfig, context, every: span } = values;
  for (const [name, value] of Object.entries({ context, every: span })) {
    if (value !== undefined && kubeconfig === undefined)
      throw new TypeError(`--${name} needs --kubeconfig FILE`);
  }
  const every = span === undefined ? MINUTE : parseDuration(span);
  if (every === undefined || every < SECOND)
    throw new TypeError(`--every: expected a duration of at least 1s, such as 1m, got "${span}"`);
  return {
    help: values.help,
    every,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  };
}
