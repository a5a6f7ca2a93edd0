import type { Hosting } from "./hosting.ts";
import type { Rules } from "./judge.ts";
import type { Clocks } from "./ledger/clocks.ts";
import type { Ledger } from "./ledger/ledger.ts";
import type { NodeEvidence } from "./node-evidence.ts";
import type { NodeSnapshot } from "./node.ts";
import type { NodeRecord, ObservedMillis } from "./record.ts";
import type { FleetHealth } from "./storm/fleet.ts";
import type { EpochMillis, Millis } from "./time.ts";

/** A reading of the node. `Unread`: nothing is known, for the reason given. */
export type NodeLook =
  | { readonly state: "Found"; readonly snapshot: NodeSnapshot }
  | { readonly state: "Gone" }
  | { readonly state: "Unread"; readonly why: string };

/** A reading of the fleet. `lookedAfter`: this node is one of those that the configuration selects. */
export type FleetLook =
  | { readonly state: "Seen"; readonly health: FleetHealth; readonly lookedAfter: boolean }
  | { readonly state: "Unread"; readonly why: string };

/**
 * A reading of the ledger. `Simulated`: monitor-only keeps none, this is what it would be. `Distrusted`: reboots hold,
 * whatever was read; `ends` tells whether `until` is the end of that or only the time of the next look.
 */
export type LedgerLook =
  | { readonly state: "Trusted" | "Simulated"; readonly ledger: Ledger; readonly clocks: Clocks }
  | {
      readonly state: "Distrusted";
      readonly why: string;
      readonly since?: EpochMillis;
      readonly until?: EpochMillis;
      readonly ends: boolean;
      readonly ledger?: Ledger;
    }
  | { readonly state: "Unread"; readonly why: string };

/** A reading of what runs on the node, by somebody who is no worker. */
export type HostingLook =
  | { readonly state: "Seen"; readonly hosting: Hosting }
  | { readonly state: "Unread"; readonly why: string };

/**
 * Two versions of a node that contradict each other: the one that the watchers stored, which the workers judge, and the
 * one that the API server has. Absent: there is none.
 */
export interface BehindLook {
  readonly stored?: string;
  readonly server?: string;
}

/** The pending reboot of a node on its queue, and what it said of itself when it last ran. */
export interface PendingReboot {
  readonly state: string;
  /** When it runs next, while it is delayed. */
  readonly at?: EpochMillis;
  readonly said?: {
    readonly waitsFor: string;
    readonly why: string;
    readonly until?: EpochMillis;
    /** Since when this gate has held it. */
    readonly since?: EpochMillis;
  };
}

/** Everything an explanation is made of. */
export interface ExplainInput {
  readonly name: string;
  readonly rules: Rules;
  /** The store's clock and the observation clock. */
  readonly now: EpochMillis;
  readonly observed: ObservedMillis;
  readonly viewAge: Millis | undefined;
  /** For how long the cluster has been seen without a gap; absent: not asked. */
  readonly viewSteady?: Millis;
  readonly record: NodeRecord | undefined;
  /** The bytes of a record are there and cannot be read. */
  readonly damaged: boolean;
  readonly node: NodeLook;
  /** The configuration selects this node; absent when it was not read. */
  readonly selected?: boolean;
  /** What is stored contradicts what was read, for longer than a delivery takes; absent: it does not, or was not read. */
  readonly behind?: BehindLook;
  /** About how often a watcher compares its view with the API server. */
  readonly viewProbeInterval?: Millis;
  readonly fleet: FleetLook;
  readonly ledger: LedgerLook;
  readonly hosting: HostingLook;
  /** What the agents' pods on the node say; absent: it was not asked for. */
  readonly evidence?: NodeEvidence;
  /** The VM behind the node, by its provider id; absent when that names none. */
  readonly instanceId?: string;
  /** The pending reboot of the node; `Missing`: there is none; absent: nobody asked. */
  readonly job?: PendingReboot | "Missing";
  /** When the repairs of the fleet were planned last; `Never`: no plan can be read; absent: nobody asked. */
  readonly plannedAt?: EpochMillis | "Never";
  /** Queues that somebody paused in Redis. */
  readonly pausedQueues?: readonly string[];
}
