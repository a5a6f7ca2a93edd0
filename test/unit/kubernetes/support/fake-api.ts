import { KubernetesApiError, type KubernetesConnection } from "@node-agent/kubernetes";
import type { RequestOptions } from "@node-agent/kubernetes";

/** One stream that the reflector has opened. */
interface FakeStream {
  readonly query: Readonly<Record<string, string>>;
  /** Bytes as they are. */
  write(text: string): void;
  event(type: string, object: unknown): void;
  bookmark(version: string | number): void;
  /** Clean end. */
  end(): void;
  fail(error: KubernetesApiError): void;
  isOpen(): boolean;
}

type ListScript = (query: Readonly<Record<string, string>>, options: RequestOptions) => unknown;

/** An API server in memory, behind the connection's interface: the script of each test says what it answers. */
export interface FakeApi {
  readonly connection: KubernetesConnection;
  readonly lists: Readonly<Record<string, string>>[];
  /** Times at which the view was compared with this server. */
  readonly probes: () => number;
  readonly streams: FakeStream[];
  /** The newest stream; fails when there is none. */
  stream(): FakeStream;
  /** Answers the probes from now on, by default with the newest version that was told. */
  onProbe(script: () => string | number | Promise<string | number>): void;
  /** The nodes in the answers to probes of a quiet watch; by default none, which proves nothing. */
  onQuiet(script: () => readonly unknown[]): void;
  /** The continue token of the answers to probes. */
  onToken(token: string): void;
  /** Highest number of lists and streams alive at once; a probe is neither. */
  readonly peak: () => number;
  onList(script: ListScript): void;
  /** Called for each watch; may throw instead of opening. */
  onWatch(script: (query: Readonly<Record<string, string>>) => void | Promise<void>): void;
}

/** A list answer. */
export function nodeList(version: string | number, items: readonly unknown[], token?: string): unknown {
  return {
    kind: "NodeList",
    metadata: { resourceVersion: String(version), ...(token === undefined ? {} : { continue: token }) },
    items,
  };
}

function waitForAbort(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = (): void => reject(new KubernetesApiError("Aborted", "aborted"));
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
  });
}

function nothing(): void {}

function versionIn(object: unknown): unknown {
  return (object as { metadata?: { resourceVersion?: unknown } } | undefined)?.metadata?.resourceVersion;
}

function noNodes(): readonly unknown[] {
  return [];
}

function listNothing(): unknown {
  return nodeList(1, []);
}

function openStream(
  query: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
  closed: () => void,
  told: (version: unknown) => void,
) {
  const queue: (Uint8Array | KubernetesApiError | "end")[] = [];
  let wake = nothing;
  let isOpen = true;
  const push = (item: Uint8Array | KubernetesApiError | "end"): void => {
    queue.push(item);
    wake();
  };
  const encoder = new TextEncoder();
  const write = (text: string): void => push(encoder.encode(text));
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const next = queue.shift();
        if (next === "end") return;
        if (next instanceof KubernetesApiError) throw next;
        if (next !== undefined) yield next;
        else {
          const data = new Promise<void>((resolve) => {
            wake = resolve;
          });
          await Promise.race([data, waitForAbort(signal)]);
        }
      }
    } finally {
      isOpen = false;
      closed();
    }
  };
  const event = (type: string, object: unknown): void => {
    told(versionIn(object));
    write(`${JSON.stringify({ type, object })}\n`);
  };
  const stream: FakeStream = {
    query,
    write,
    event,
    bookmark: (version) =>
      event("BOOKMARK", { kind: "Node", metadata: { resourceVersion: String(version) } }),
    end: () => push("end"),
    fail: push,
    isOpen: () => isOpen,
  };
  return { stream, chunks: chunks() };
}

/** A server that lists nothing and keeps its watches open, until the test says otherwise. */
export function fakeApi(): FakeApi {
  const lists: Readonly<Record<string, string>>[] = [];
  const streams: FakeStream[] = [];
  let onList: ListScript = listNothing;
  let onWatch: (query: Readonly<Record<string, string>>) => void | Promise<void> = nothing;
  let told = 1;
  let probes = 0;
  let token: string | undefined;
  let onQuiet = noNodes;
  let onProbe = (): string | number | Promise<string | number> => told;
  const tell = (version: unknown): void => {
    told = Math.max(told, Number(version) || 0);
  };
  let alive = 0;
  let peak = 0;
  const enter = (): void => {
    alive += 1;
    peak = Math.max(peak, alive);
  };
  const leave = (): void => {
    alive -= 1;
  };
  const connection: KubernetesConnection = {
    origin: "a test",
    server: "http://fake",
    request: async (_path, options = {}) => {
      const query = options.query ?? {};
      const isOfQuiet = options.headers?.["accept"] !== undefined;
      if (isOfQuiet || (query["limit"] === "1" && lists.length > 0)) {
        probes += 1;
        const version = await Promise.race([onProbe(), waitForAbort(options.signal)]);
        return { status: 200, body: nodeList(version, isOfQuiet ? onQuiet() : [], token) };
      }
      lists.push(query);
      enter();
      try {
        if (options.signal?.aborted === true) throw new KubernetesApiError("Aborted", "aborted");
        const body = await Promise.race([onList(query, options), waitForAbort(options.signal)]);
        told = Number(versionIn(body)) || told;
        return { status: 200, body };
      } finally {
        leave();
      }
    },
    stream: async (_path, options = {}) => {
      const query = options.query ?? {};
      enter();
      try {
        await Promise.race([Promise.resolve(onWatch(query)), waitForAbort(options.signal)]);
      } catch (fault) {
        leave();
        throw fault;
      }
      const { stream, chunks } = openStream(query, options.signal, leave, tell);
      streams.push(stream);
      return { chunks };
    },
    close: async () => {},
  };
  return {
    connection,
    lists,
    streams,
    stream: () => {
      const newest = streams.at(-1);
      if (newest === undefined) throw new Error("no watch has been opened");
      return newest;
    },
    peak: () => peak,
    probes: () => probes,
    onProbe: (script) => {
      onProbe = script;
    },
    onToken: (next) => {
      token = next;
    },
    onQuiet: (script) => {
      onQuiet = script;
    },
    onList: (script) => {
      onList = script;
    },
    onWatch: (script) => {
      onWatch = script;
    },
  };
}
