import { parseArgs } from "node:util";
import { readScenario, readYaml, type ScenarioStep } from "./control/scenario.ts";
import { InputError, parseInput } from "./options/faults-of-input.ts";
import { optionsSchema, type SimulatorOptions } from "./options/options.ts";
import type { PoolOptions } from "./world/births.ts";

/** What `--help` prints. */
export const HELP = `node-agent simulator: a Kubernetes API and a Civo API over a world that can be broken

  node packages/simulator/src/main.ts [options]

  --config FILE            YAML with the options below and more (see README)
  --scenario FILE          YAML with steps: what breaks when
  --nodes N                total number of nodes, dealt over the pools
  --pools LIST             name=count[xGPUs],...   e.g. standard=10,gpu=4x8
  --cluster NAME           name of the cluster and prefix of its nodes (demo)
  --seed N                 the same seed gives the same names and ids (1)
  --time-scale N           world time per real time; 60 makes a minute a second (60)
  --port-kubernetes PORT   0 takes a free port
  --port-civo PORT
  --port-control PORT
  --write-kubeconfig FILE  written with mode 0600
  --ledger NAMESPACE/NAME  put an old, empty ledger of reboots there
  --bulk                   nodes as large as real ones (images, managedFields)
  --no-tls                 plain HTTP for the Kubernetes API
  --version, --help

Prints one line of JSON when it is ready. SIGTERM or Ctrl-C ends it.
`;

/** What the command line asks for. */
export type Invocation =
  | { readonly mode: "help" }
  | { readonly mode: "version" }
  | { readonly mode: "run"; readonly options: SimulatorOptions; readonly scenario: readonly ScenarioStep[] };

/** Reads the command line and the files it names. @throws {InputError} with all mistakes at once */
export function readArguments(argv: readonly string[]): Invocation {
  const values = parse(argv);
  if (values.help === true) return { mode: "help" };
  if (values.version === true) return { mode: "version" };
  const faults: string[] = [];
  const attempt = <T>(read: () => T, otherwise: T): T => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      faults.push(...error.faults);
      return otherwise;
    }
  };
  const { config, scenario: scenarioFile } = values;
  const file = attempt<SimulatorOptions>(
    () =>
      config === undefined
        ? {}
        : parseInput(optionsSchema, readYaml(config) ?? {}, (key) => `${config}: ${key}`),
    {},
  );
  const scenario = attempt(() => (scenarioFile === undefined ? [] : readScenario(scenarioFile)), []);
  const flags = attempt<SimulatorOptions>(() => parseInput(optionsSchema, fromFlags(values), flagOf), {});
  if (faults.length > 0) throw new InputError(faults);
  return {
    mode: "run",
    scenario,
    options: { ...file, ...flags, ports: { ...file.ports, ...flags.ports } },
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      strict: true,
      allowPositionals: false,
      options: {
        config: { type: "string" },
        scenario: { type: "string" },
        nodes: { type: "string" },
        pools: { type: "string" },
        cluster: { type: "string" },
        seed: { type: "string" },
        "time-scale": { type: "string" },
        "port-kubernetes": { type: "string" },
        "port-civo": { type: "string" },
        "port-control": { type: "string" },
        "write-kubeconfig": { type: "string" },
        ledger: { type: "string" },
        bulk: { type: "boolean" },
        "no-tls": { type: "boolean" },
        version: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw new InputError([error instanceof Error ? error.message : String(error)]);
  }
}

type Values = ReturnType<typeof parse>;

/** The flags as the options they set; texts that are no numbers stay texts, so that the schema can name them. */
function fromFlags(values: Values): Record<string, unknown> {
  const ports = {
    kubernetes: numberOf(values["port-kubernetes"]),
    civo: numberOf(values["port-civo"]),
    control: numberOf(values["port-control"]),
  };
  const all = {
    nodes: numberOf(values.nodes),
    pools: values.pools === undefined ? undefined : poolsOf(values.pools),
    cluster: values.cluster,
    seed: numberOf(values.seed),
    timeScale: numberOf(values["time-scale"]),
    ports: withoutUndefined(ports),
    writeKubeconfig: values["write-kubeconfig"],
    ledger: values.ledger === undefined ? undefined : ledgerOf(values.ledger),
    bulk: values.bulk,
    tls: values["no-tls"] === true ? false : undefined,
  };
  return withoutUndefined(all);
}

/** `timeScale` is `--time-scale`, `ports.civo` is `--port-civo`. */
function flagOf(path: string): string {
  const flat = path.replace(/^ports\./, "port-").replace(/\..*$/, "");
  return `--${flat.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function ledgerOf(text: string): Record<string, unknown> {
  const [namespace = "", name = ""] = text.split("/");
  return { namespace, name };
}

function poolsOf(text: string): PoolOptions[] {
  return text.split(",").map(poolOf);
}

function poolOf(text: string): PoolOptions {
  const match = /^([^=]+)=(\d+)(?:x(\d+))?$/.exec(text.trim());
  if (match === null) {
    throw new InputError([
      `--pools: expected name=count or name=countxGPUs, separated by commas, got "${text}"`,
    ]);
  }
  const [, name = "", count, gpus] = match;
  return { name, count: Number(count), ...(gpus === undefined ? {} : { gpus: Number(gpus) }) };
}

function numberOf(text: string | undefined): number | string | undefined {
  return text === undefined || text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
}

function withoutUndefined(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
