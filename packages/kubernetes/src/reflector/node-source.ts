import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { NodeSource } from "@node-agent/shared/ports/node-source.ts";
import type { KubernetesConnection } from "../connection/connection.ts";
import { createNodeCache, type NodeCacheDeps } from "./node-cache.ts";
import { createNodeFilter, type NodeSelector } from "./node-filter.ts";
import type { Reflector } from "./reflector-parts.ts";
import { runReflector } from "./reflector.ts";
import type { SourceEvent } from "./source-event.ts";
import { REFLECTOR_TIMINGS, type ReflectorTimings } from "./timings.ts";

/** What a source of nodes is made of; one per cluster. */
export interface NodeSourceDeps extends Pick<NodeCacheDeps, "project" | "fingerprint"> {
  readonly connection: KubernetesConnection;
  readonly clock: Clock;
  readonly selector: NodeSelector;
  readonly timings?: Partial<ReflectorTimings>;
  /** In [0, 1); Math.random when not given. */
  readonly random?: () => number;
  /** Hears everything that metrics count; what it throws is lost. */
  readonly onEvent?: (event: SourceEvent) => void;
  /** Nodes per page of a list; 500 when not given. */
  readonly pageLimit?: number;
}

/**
 * A live view of the nodes of one cluster, over a connection that the caller owns and closes. It lives once: `start`
 * after `stop` does nothing.
 */
export function createNodeSource(deps: NodeSourceDeps): NodeSource {
  const stopping = new AbortController();
  const selects = createNodeFilter(deps.selector);
  const cache = createNodeCache({ project: deps.project, fingerprint: deps.fingerprint, selects });
  const timings: ReflectorTimings = { ...REFLECTOR_TIMINGS, ...deps.timings };
  let reflector: Reflector | undefined;

  const report = (event: SourceEvent): void => {
    try {
      deps.onEvent?.(event);
    } catch {
      // Counting must not end what is counted.
    }
  };

  return {
    start: (handlers) => {
      if (reflector !== undefined) return;
      reflector = runReflector({
        connection: deps.connection,
        clock: deps.clock,
        cache,
        handlers,
        timings,
        random: deps.random ?? Math.random,
        report,
        signal: stopping.signal,
        ...(deps.pageLimit === undefined ? {} : { pageLimit: deps.pageLimit }),
      });
    },
    stop: async () => {
      stopping.abort(new Error("the source is stopped"));
      await reflector?.ended;
    },
    freshness: () =>
      reflector?.freshness() ?? { phase: stopping.signal.aborted ? "Stopped" : "Starting", synced: false },
    serverVersion: async () => {
      if (reflector === undefined) throw new Error("the source does not run");
      return reflector.serverVersion();
    },
    nodes: () => cache.snapshots,
  };
}
