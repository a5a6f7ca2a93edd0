import { startSimulator, type Simulator } from "../../../packages/simulator/src/simulator.ts";
import type { SimulatorOptions } from "../../../packages/simulator/src/options/options.ts";

type Text = "name" | "uid" | "resourceVersion" | "type" | "url" | "id" | "renewTime" | "reason" | "hostname";

type Field =
  | ("metadata" | "items" | "remainingItemCount" | "labels" | "annotations" | "team" | "note" | "a" | "kind")
  | ("code" | "details" | "causes" | "field" | "spec" | "taints" | "unschedulable" | "providerID" | "status")
  | (
      | "conditions"
      | "allocatable"
      | "nvidia.com/gpu"
      | "errors"
      | "nodes"
      | "token"
      | "kubernetes"
      | "control"
    )
  | ("instances" | "count" | "per_page" | "public_ip" | "initial_password" | "civostatsd_token");

/** Parsed JSON that a test reads by field: a path that is not there is undefined and fails the expectation. */
export type Loose = { readonly [F in Field]: Loose } & { readonly [T in Text]: string } & {
  readonly continue?: string;
  readonly length: number;
  readonly [index: number]: Loose;
  map<T>(read: (item: Loose) => T): T[];
  some(is: (item: Loose) => boolean): boolean;
};

/** What came back: status, headers and the parsed body (or its text). */
export interface Response {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Loose;
}

/** A quick world over plain HTTP: 3 standard nodes and one with GPUs, ten minutes a second. */
export function quickSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  return startSimulator({
    tls: false,
    timeScale: 600,
    pools: [
      { name: "standard", count: 3, nodeNames: ["std-1", "std-2", "std-3"], zones: ["a", "b"] },
      { name: "gpu", count: 1, gpus: 8, nodeNames: ["gpu-1"] },
    ],
    ...options,
  });
}

interface Call {
  readonly method?: string;
  readonly body?: unknown;
  readonly type?: string;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** A call of the Kubernetes API with the token of the moment. */
export function kube(simulator: Simulator, path: string, call: Call = {}): Promise<Response> {
  return request(`${simulator.kubernetes.url}${path}`, {
    ...call,
    headers: { authorization: `Bearer ${simulator.kubernetes.token}`, ...call.headers },
  });
}

/** A call of the Civo API with key and region of the moment. */
export function civo(simulator: Simulator, path: string, call: Call = {}): Promise<Response> {
  const url = new URL(path, simulator.civo.url);
  if (!url.searchParams.has("region")) url.searchParams.set("region", simulator.civo.region);
  return request(url.href, {
    ...call,
    headers: { authorization: `bearer ${simulator.civo.apiKey}`, ...call.headers },
  });
}

/** A call of the control endpoint. */
export function control(simulator: Simulator, path: string, call: Call = {}): Promise<Response> {
  return request(`${simulator.control.url}${path}`, call);
}

async function request(
  url: string,
  { method = "GET", body, type, headers, signal }: Call,
): Promise<Response> {
  const response = await fetch(url, {
    method,
    headers: { "content-type": type ?? "application/json", ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: parsed(text) };
}

/** JSON as an object to read from; a page of HTML stays a text. */
export function parsed(text: string): Loose {
  try {
    return JSON.parse(text) as Loose;
  } catch {
    return text as unknown as Loose;
  }
}

/** One watch, its events as they arrive. */
export interface WatchClient extends AsyncDisposable {
  readonly events: { type: string; object: Loose }[];
  /** Text after the last newline. */
  rest(): string;
  /** How it ended: undefined while it runs. */
  ended(): "eof" | "error" | undefined;
  types(): string[];
}

/** Opens a watch on a path such as `/api/v1/nodes?resourceVersion=5`; resolves when its headers are there. */
export async function watch(
  simulator: Simulator,
  path: string,
  headers: Record<string, string> = {},
): Promise<WatchClient> {
  const abort = new AbortController();
  const response = await fetch(
    `${simulator.kubernetes.url}${path}${path.includes("?") ? "&" : "?"}watch=true`,
    {
      headers: { authorization: `Bearer ${simulator.kubernetes.token}`, ...headers },
      signal: abort.signal,
    },
  );
  const events: WatchClient["events"] = [];
  let rest = "";
  let ended: "eof" | "error" | undefined;
  const reading = (async () => {
    try {
      for await (const chunk of response.body ?? []) {
        rest += Buffer.from(chunk).toString("utf8");
        const lines = rest.split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) events.push(JSON.parse(line) as WatchClient["events"][number]);
      }
      ended = "eof";
    } catch {
      ended = "error";
    }
  })();
  return {
    events,
    rest: () => rest,
    ended: () => ended,
    types: () => events.map(({ type }) => type),
    [Symbol.asyncDispose]: async () => {
      abort.abort();
      await reading;
    },
  };
}
