import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type {
  NodeSourceHandlers,
  ServerVersion,
  ViewFreshness,
} from "@node-agent/shared/ports/node-source.ts";
import type { KubernetesConnection } from "../connection/connection.ts";
import type { NodeCache } from "./node-cache.ts";
import type { SourceEvent } from "./source-event.ts";
import type { ReflectorTimings } from "./timings.ts";

/** What a reflector is made of. */
export interface ReflectorDeps {
  readonly connection: KubernetesConnection;
  readonly clock: Clock;
  readonly cache: NodeCache;
  readonly handlers: NodeSourceHandlers;
  readonly timings: ReflectorTimings;
  readonly random: () => number;
  readonly report: (event: SourceEvent) => void;
  readonly signal: AbortSignal;
  readonly pageLimit?: number;
}

/** A running reflector. */
export interface Reflector {
  freshness(): ViewFreshness;
  /** Asks the server for its version now, by a quorum read. */
  serverVersion(): Promise<ServerVersion>;
  /** Resolves when the signal has fired and nothing runs any more; never rejects. */
  readonly ended: Promise<void>;
}
