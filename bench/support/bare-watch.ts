import { connectKubernetes } from "@node-agent/kubernetes";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";

/** A watch that does nothing but parse lines: the least that any agent needs to learn of a change. */
export interface BareWatch extends AsyncDisposable {
  /** Resolves when every one of these nodes was seen with Ready of this status; calls `seen` for each. */
  until(nodes: readonly string[], ready: "True" | "False", seen: (node: string) => void): Promise<void>;
}

interface Wanted {
  readonly ready: string;
  readonly left: Set<string>;
  readonly seen: (node: string) => void;
  readonly done: () => void;
}

interface WatchedNode {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Opens the watch; it lives until it is disposed. */
export async function openBareWatch(kubeconfig: string): Promise<BareWatch> {
  const connection = connectKubernetes({
    kubeconfig,
    userAgent: "node-recovery-agent/bench",
    clock: systemClock,
  });
  const stopping = new AbortController();
  const { chunks } = await connection.stream("/api/v1/nodes", {
    query: { watch: "1", resourceVersion: "0" },
    signal: stopping.signal,
  });
  let wanted: Wanted | undefined;
  const take = (line: string): void => {
    const { object } = JSON.parse(line) as { object: WatchedNode };
    const status = object.status?.conditions?.find(({ type }) => type === "Ready")?.status;
    if (wanted === undefined || status !== wanted.ready || !wanted.left.delete(object.metadata.name)) return;
    wanted.seen(object.metadata.name);
    if (wanted.left.size === 0) wanted.done();
  };
  const reading = readLines(chunks, take).catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  return {
    until: async (nodes, ready, seen) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      wanted = { ready, left: new Set(nodes), seen, done: resolve };
      return Promise.race([promise, reading]);
    },
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await reading;
      await connection.close();
    },
  };
}

async function readLines(chunks: AsyncIterable<Uint8Array>, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") take(line);
  }
}
