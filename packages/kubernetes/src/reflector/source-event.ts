import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Drift, ViewProbeResult } from "@node-agent/shared/contract/drift.ts";
import type { KubernetesApiErrorCode } from "../errors.ts";

/**
 * Why a list or a stream ended: what the API call said, or what the reflector itself saw. `Relist`: it ended the stream
 * itself, to list again.
 */
export type EndReason = KubernetesApiErrorCode | "Eof" | "Silent" | "MalformedLine" | "Relist";

/** Why a view is listed again although its watch, as far as it goes, is well. */
export type DistrustCause = "WentBack" | "Deaf" | "EmptyWatches";

/** What a source tells about itself, for metrics; every string of it belongs to a closed set. */
export type SourceEvent =
  | {
      readonly type: "ListDone";
      readonly pages: number;
      readonly nodes: number;
      readonly took: Millis;
      /** The server is at an earlier version than the view was: its history was lost. */
      readonly wentBack?: true;
    }
  | { readonly type: "ListFailed"; readonly reason: EndReason }
  | { readonly type: "WatchOpened" }
  /** The view was compared with the server's version. */
  | { readonly type: "ViewProbed"; readonly result: ViewProbeResult }
  | {
      readonly type: "ViewDistrusted";
      readonly cause: DistrustCause;
      readonly ours: string;
      readonly server?: string;
    }
  /** A list found the view to differ from what its watch should have brought; it is repaired. */
  | ({ readonly type: "DriftFound" } & Drift)
  | { readonly type: "WatchEnded"; readonly reason: EndReason; readonly lived: Millis }
  | { readonly type: "EventReceived"; readonly kind: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" }
  /** An event that is not newer than what is known (I-11). */
  | { readonly type: "OldEventDropped" }
  /** A heartbeat, or anything else that changes nothing of the snapshot (I-18). */
  | { readonly type: "UnchangedEventDropped" }
  | { readonly type: "MalformedObject" }
  /** A list lost so many nodes that it is repeated before anything is said (I-19). */
  | { readonly type: "MassDisappearance"; readonly missing: number; readonly known: number }
  | { readonly type: "HandlerFailed"; readonly handler: "changed" | "disappeared"; readonly error: unknown };
