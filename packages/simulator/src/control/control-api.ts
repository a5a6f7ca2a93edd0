import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { readBody, sendAnswer, type Answer } from "../http/exchange.ts";
import { APIS, type Api } from "../faults/fault.ts";
import { InputError, parseInput } from "../options/faults-of-input.ts";
import type { Simulator } from "../simulator.ts";
import { NoGpusError } from "../world/breakage.ts";
import { UnknownNodeError } from "../world/world.ts";
import { commandSchema } from "./commands.ts";
import { runCommand } from "./run-command.ts";

/** Verbs of `POST /nodes/{name}/{verb}`; each is the command of that name. */
const NODE_VERBS: ReadonlySet<string> = new Set([
  "break",
  "heal",
  "allocate-gpus",
  "delete",
  "replace",
  "instance-gone",
  "forget-provider-id",
  "mark",
  "bounce",
  "show",
]);

/** `POST /{word}`: the command of that name with the body's fields. */
const WORDS: Readonly<Record<string, string>> = {
  outages: "outage",
  watches: "watches",
  "fail-watches": "fail-watches",
  compact: "compact",
  "expire-continue-tokens": "expire-continue-tokens",
  backup: "backup",
  restore: "restore",
  "rotate-token": "rotate-token",
  "rotate-api-key": "rotate-api-key",
  nodes: "add",
};

/** HTTP control of a simulator: look at the truth, break things, read the logs. */
export function controlListener(simulator: Simulator): RequestListener {
  return (incoming, response) => {
    void serve(simulator, incoming, response);
  };
}

async function serve(
  simulator: Simulator,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(incoming);
  const url = URL.parse(incoming.url ?? "/", "http://127.0.0.1");
  if (url === null || body === undefined) {
    sendAnswer(response, failure(400, ["body: too large, or no valid URL"]));
    return;
  }
  sendAnswer(response, await answer(simulator, incoming.method ?? "GET", url, body));
}

async function answer(simulator: Simulator, method: string, url: URL, body: string): Promise<Answer> {
  try {
    const result = method === "GET" ? look(simulator, url) : await act(simulator, method, url, body);
    if (result !== undefined) return { status: 200, body: result };
    return failure(404, [`${method} ${url.pathname} is not served; see the simulator's README`]);
  } catch (error) {
    if (error instanceof InputError) return failure(400, error.faults);
    if (error instanceof NoGpusError) return failure(400, [error.message]);
    if (error instanceof UnknownNodeError) return failure(404, [error.message]);
    throw error;
  }
}

function failure(status: number, errors: readonly string[]): Answer {
  return { status, body: { errors } };
}

function look(
  { world, faults, requests, kubernetes, civo, cluster, timeScale }: Simulator,
  url: URL,
): unknown {
  const [what, name] = segments(url);
  switch (what) {
    case undefined:
    case "world":
      return {
        cluster,
        timeScale,
        kubernetes: kubernetes.url,
        civo: civo.url,
        clusterId: civo.clusterId,
        region: civo.region,
        pools: world.pools.map(({ id, name: pool, size, count, gpus, zones }) => ({
          id,
          name: pool,
          size,
          count,
          gpus,
          zones,
        })),
        nodes: world.names().length,
        unhealthy: world.truth().filter((node) => !node.healthy).length,
        reboots: world.reboots.length,
        watches: kubernetes.api.watches,
        faults: faults.list(),
      };
    case "nodes":
      return name === undefined
        ? world.truth()
        : world.truth().find((node) => node.name === world.machine(name).name);
    case "reboots":
      return world.reboots;
    case "requests":
      return requests.list(apiParameter(url));
    case "faults":
      return faults.list();
    default:
      return undefined;
  }
}

async function act(simulator: Simulator, method: string, url: URL, body: string): Promise<unknown> {
  const [what = "", name, verb, ...excess] = segments(url);
  if (excess.length > 0) return undefined;
  if (method === "DELETE") return clear(simulator, what, url);
  if (method !== "POST") return undefined;
  const input = parseBody(body);
  if (what === "nodes" && name !== undefined && verb !== undefined && NODE_VERBS.has(verb)) {
    return run(simulator, { ...input, do: verb, node: name });
  }
  if (name !== undefined) return undefined;
  if (what === "faults") return run(simulator, { do: "fault", fault: input });
  if (what === "commands") return run(simulator, input);
  const word = WORDS[what];
  return word === undefined ? undefined : run(simulator, { ...input, do: word });
}

function run(simulator: Simulator, input: unknown): Promise<unknown> {
  return runCommand(simulator, parseInput(commandSchema, input));
}

function clear({ faults, requests }: Simulator, what: string, url: URL): unknown {
  if (what === "requests") {
    requests.clear();
    return { cleared: true };
  }
  if (what !== "faults") return undefined;
  const id = url.searchParams.get("id");
  if (id !== null && !/^\d+$/.test(id)) throw new InputError([`id: expected a number, got "${id}"`]);
  faults.clear({ api: apiParameter(url), id: id === null ? undefined : Number(id) });
  return { faults: faults.list() };
}

function apiParameter(url: URL): Api | undefined {
  const wanted = url.searchParams.get("api");
  if (wanted === null) return undefined;
  const api = APIS.find((known) => known === wanted);
  if (api === undefined) throw new InputError([`api: expected ${APIS.join(" or ")}, got "${wanted}"`]);
  return api;
}

function parseBody(text: string): Record<string, unknown> {
  if (text.trim() === "") return {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  } catch {
    // Said below: what is no JSON object is no body.
  }
  throw new InputError([`body: expected a JSON object, got ${text.slice(0, 40)}`]);
}

function segments(url: URL): string[] {
  return url.pathname
    .split("/")
    .filter((part) => part !== "")
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
}
