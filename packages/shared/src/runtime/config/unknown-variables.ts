import { didYouMean } from "./faults.ts";
import { RETIRED_SETTING_VARIABLES } from "./retired.ts";
import { CONFIG_TABLE, SECRET_TABLE } from "./table.ts";

/** The prefix of this project's own variables: one that is unknown is a mistake, and nothing starts with it. */
const OWN_PREFIX = "CIVO_NODE_AGENT_";
/** The prefix of the agent that this project started from, and of Civo's other tools, which may have set it. */
const SEED_PREFIX = "CIVO_";

/** Variables that versions of the seed agent read and that have no effect here, with what to do instead. */
export const RETIRED_VARIABLES: ReadonlyMap<string, string> = new Map([
  ["CIVO_NODE_MONITOR_ONLY", "set CIVO_NODE_AGENT_MONITOR_ONLY"],
  ["CIVO_NODE_METRICS_PORT", "set CIVO_NODE_AGENT_METRICS_PORT"],
  [
    "CIVO_NODE_REBOOT_TIME_WINDOW_MINUTES",
    "set CIVO_NODE_REBOOT_WAIT_MINUTES and CIVO_GPU_NODE_REBOOT_WAIT_MINUTES",
  ],
  [
    "CIVO_NODE_DESIRED_GPU_COUNT",
    "GPUs are counted on the node; a number to insist on is the key expectedGpus.<pool> of the file",
  ],
  ["CIVO_CLUSTER_NAME", "set CIVO_CLUSTER_ID, or CIVO_NODE_AGENT_CLUSTER for the name in Redis and metrics"],
  ["CIVO_NAMESPACE", "remove it: it is not needed"],
]);

/** Kubernetes sets such variables for every Service of the namespace; the agent's own Service would look like ours. */
const SERVICE_LINK = /^(?:tcp|udp|sctp):\/\//u;
const SERVICE_LINK_NAME = /_(?:SERVICE_HOST|SERVICE_PORT(?:_.*)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_.*)?)$/u;

/** Whether a value is one that Kubernetes sets for a Service, such as `tcp://10.43.0.9:9625`. */
export function isServiceLink(value: string): boolean {
  return SERVICE_LINK.test(value.trim());
}

/** What is wrong with variables that no setting has. */
export interface UnknownVariables {
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Looks through the environment for variables with our own or the seed's prefix that set nothing. Ours are faults, since
 * a setting that somebody believes in must not be ignored; others are warned of, for other tools may need them. Values
 * are never quoted: a key may have been put into the wrong variable.
 */
export function unknownVariables(env: Readonly<Record<string, string | undefined>>): UnknownVariables {
  const known = [
    ...CONFIG_TABLE.flatMap((row) => row.env.map(({ name }) => name)),
    ...SECRET_TABLE.map((row) => row.variable),
  ];
  const read = new Set([...known, ...RETIRED_SETTING_VARIABLES]);
  const faults: string[] = [];
  const warnings: string[] = [];
  for (const name of Object.keys(env).toSorted()) {
    if (!name.startsWith(SEED_PREFIX) || read.has(name)) continue;
    if (SERVICE_LINK_NAME.test(name) || isServiceLink(env[name] ?? "")) continue;
    const instead = RETIRED_VARIABLES.get(name);
    if (instead !== undefined) warnings.push(`${name}: retired, ignored; ${instead}`);
    else if (name.startsWith(OWN_PREFIX))
      faults.push(`${name}: unknown variable${suggestion(name, known) || "; --help lists all"}`);
    else warnings.push(`${name}: unknown variable, ignored${suggestion(name, known)}`);
  }
  return { faults, warnings };
}

/** A variable that differs in nothing but its prefix is meant before one that is spelt alike. */
function suggestion(name: string, known: readonly string[]): string {
  const same = known.find((candidate) => core(candidate) === core(name));
  return same === undefined ? didYouMean(name, known) : `; did you mean ${same}?`;
}

function core(name: string): string {
  return name.replace(/^CIVO_(?:NODE_)?(?:AGENT_)?/u, "");
}
