import { parseArgs } from "node:util";

/** What the visitor asked for. */
export interface DemoArguments {
  /** A real cluster to watch, monitor-only; absent: the simulated one. */
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly help: boolean;
}

export const USAGE = `npm start                                        a simulated cluster and cloud, broken and repaired before your eyes
npm start -- --kubeconfig FILE [--context NAME]  a real cluster, monitor-only: nothing is rebooted
`;

/** Reads the command line. Throws TypeError that says what was expected. */
export function readArguments(argv: readonly string[]): DemoArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      kubeconfig: { type: "string" },
      context: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.context !== undefined && values.kubeconfig === undefined) {
    throw new TypeError("--context needs --kubeconfig FILE");
  }
  return {
    help: values.help,
    ...(values.kubeconfig === undefined ? {} : { kubeconfig: values.kubeconfig }),
    ...(values.context === undefined ? {} : { context: values.context }),
  };
}
