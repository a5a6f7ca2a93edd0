import type { NodeSnapshot } from "../core/node.ts";
import type { Moment } from "./clock.ts";

/** How well a source sees its cluster now; freshness is first-class (requirement I-16). */
export interface ViewFreshness {
  readonly phase: "Starting" | "Listing" | "Watching" | "BackingOff" | "Stopped";
  /** The list has completed at least once since start. */
  readonly synced: boolean;
  /**
   * The last byte received from the API server, but not later than the arrival of a change that waits because a handler
   * is busy: nobody may vouch for what is not published. Undefined before the first byte.
   */
  readonly lastByte?: Moment;
  /** The last error, already free of secrets; undefined while all is well. */
  readonly lastError?: string;
}

/** Where the API server is, and where the view is beside it. */
export interface ServerVersion {
  /** Of the whole collection, by a quorum read: nothing that the server has, or ever had, is newer. */
  readonly version: string;
  /** The view has reached a later version than the server: it shows a history that was lost, and lists again soon. */
  readonly viewIsAhead: boolean;
}

/**
 * What a source tells of its cluster, one call at a time. Handlers may throw or reject: the source counts it and goes on
 * (I-13).
 */
export interface NodeSourceHandlers {
  /** Nodes that are new or changed in a way that matters: all that came since the last call, the newest of each. */
  changed(nodes: readonly NodeSnapshot[]): Promise<void>;
  /** A hint only (I-19): the node left the view; it may still exist. */
  disappeared(name: string): Promise<void>;
}

/** A live view of the nodes of one cluster. */
export interface NodeSource {
  /** Idempotent. Returns at once; the view fills in the background. */
  start(handlers: NodeSourceHandlers): void;
  /** Safe in every phase; afterwards no handler runs and no socket is left. */
  stop(): Promise<void>;
  freshness(): ViewFreshness;
  /** Asks the API server for its version now. Rejects when it cannot be asked, or the source does not run. */
  serverVersion(): Promise<ServerVersion>;
  /** The nodes as last seen, by name. */
  nodes(): ReadonlyMap<string, NodeSnapshot>;
}
