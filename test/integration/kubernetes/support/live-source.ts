import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { NodeSource } from "@node-agent/shared/ports/node-source.ts";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import {
  createNodeSource,
  type KubernetesConnection,
  type NodeSourceDeps,
  type ReflectorTimings,
  type SourceEvent,
} from "@node-agent/kubernetes";
import { projection } from "../../../unit/kubernetes/support/raw-node.ts";

/** Durations of a test: everything that is minutes in life is a fraction of a second. */
export const QUICK: Partial<ReflectorTimings> = {
  backoffBase: 10,
  backoffCap: 50,
  shortStream: 20,
  retryAfterCap: 50,
  secondListDelay: 50,
  headersDeadline: 500,
  pageDeadline: 2_000,
  silenceWithBookmarks: 400,
  stopGrace: 200,
};

/** A source on the real clock with what it told. */
export interface LiveSource extends AsyncDisposable {
  readonly source: NodeSource;
  readonly told: string[];
  readonly events: SourceEvent[];
  readonly count: (type: SourceEvent["type"]) => number;
}

/** Starts a source over a connection; it stops with the test. */
export function liveSource(
  connection: KubernetesConnection,
  deps: Partial<NodeSourceDeps> & { readonly onCall?: (call: string) => void | Promise<void> } = {},
): LiveSource {
  const { onCall, ...rest } = deps;
  const told: string[] = [];
  const events: SourceEvent[] = [];
  const source = createNodeSource({
    connection,
    clock: systemClock,
    ...projection,
    selector: { pools: [] },
    timings: QUICK,
    onEvent: (event) => events.push(event),
    ...rest,
  });
  const note = async (call: string): Promise<void> => {
    told.push(call);
    await onCall?.(call);
  };
  source.start({
    changed: (nodes: readonly NodeSnapshot[]) => note(`changed ${nodes.map(({ name }) => name).join(" ")}`),
    disappeared: (name) => note(`disappeared ${name}`),
  });
  return {
    source,
    told,
    events,
    count: (type) => events.filter((event) => event.type === type).length,
    [Symbol.asyncDispose]: () => source.stop(),
  };
}
