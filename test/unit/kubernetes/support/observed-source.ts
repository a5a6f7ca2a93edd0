import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { NodeSource } from "@node-agent/shared/ports/node-source.ts";
import { createNodeSource, type NodeSourceDeps, type SourceEvent } from "@node-agent/kubernetes";
import { fakeApi, type FakeApi } from "./fake-api.ts";
import { manualClock, type ManualClock } from "./manual-clock.ts";
import { projection } from "./raw-node.ts";

/** A source over a fake API server and a manual clock, with everything that it told. */
export interface ObservedSource {
  readonly api: FakeApi;
  readonly clock: ManualClock;
  readonly source: NodeSource;
  /** One line per handler call: `changed a b`, `disappeared a`. */
  readonly told: string[];
  readonly snapshots: NodeSnapshot[];
  readonly events: SourceEvent[];
  readonly count: (type: SourceEvent["type"]) => number;
  /** Replaces what the handlers do after noting the call. */
  readonly onHandler: (act: (call: string) => void | Promise<void>) => void;
  readonly start: () => Promise<void>;
}

function accept(): void {}

/** Makes an observed source; `random` is 1 unless told, so that pauses are exactly the steps of the backoff. */
export function observedSource(deps: Partial<NodeSourceDeps> = {}): ObservedSource {
  const api = fakeApi();
  const clock = manualClock();
  const told: string[] = [];
  const snapshots: NodeSnapshot[] = [];
  const events: SourceEvent[] = [];
  let act: (call: string) => void | Promise<void> = accept;
  const source = createNodeSource({
    connection: api.connection,
    clock,
    ...projection,
    selector: { pools: [] },
    random: () => 1,
    onEvent: (event) => events.push(event),
    ...deps,
  });
  const handle = async (call: string): Promise<void> => {
    told.push(call);
    await act(call);
  };
  return {
    api,
    clock,
    source,
    told,
    snapshots,
    events,
    count: (type) => events.filter((event) => event.type === type).length,
    onHandler: (next) => {
      act = next;
    },
    start: async () => {
      source.start({
        changed: (nodes) => {
          snapshots.push(...nodes);
          return handle(`changed ${nodes.map(({ name }) => name).join(" ")}`);
        },
        disappeared: (name) => handle(`disappeared ${name}`),
      });
      await clock.settle();
    },
  };
}
