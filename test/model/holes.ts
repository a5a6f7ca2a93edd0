/**
 * What the protocol does not promise: worlds beyond its assumptions, in which the model shows what would happen. They
 * are explored so that nobody believes otherwise, and so that a hole that closes is noticed.
 */
import { aWorld, type Configuration } from "./configuration.ts";
import { REMEMBERED } from "./configurations.ts";
import type { InvariantId } from "./invariants.ts";

export interface Hole {
  readonly breaks: InvariantId;
  readonly world: Configuration;
}

function hole(breaks: InvariantId, changes: Partial<Configuration>): Hole {
  return { breaks, world: aWorld({ ...changes, checks: [breaks] }) };
}

export const HOLES: readonly Hole[] = [
  hole("I1", {
    name: "H1: a worker frozen between check and call for longer than M",
    pauseBeforeSend: 2,
    margin: 1,
  }),
  hole("I1", { name: "H2: a cloud later than M", lateExecution: 2, margin: 1 }),
  hole("I1", { name: "H3: etcd restored from a young snapshot, Redis lost", restore: "Any" }),
  hole("I1", {
    name: "H3: etcd restored within S, versions repeat",
    workers: 3,
    restore: "WhenSilent",
    versionsRepeat: "AtOnce",
  }),
  hole("I1", {
    name: "H3: etcd restored from an old snapshot, but soon after a worker looked, Redis lost",
    ...REMEMBERED,
    restoresOutlast: false,
  }),
  hole("I1", {
    name: "H3: a worker cut off from before a backup until etcd and Redis are restored from it",
    ...REMEMBERED,
    backupsAreSeen: false,
  }),
  hole("paused", {
    name: "H3: etcd restored, and the ledger forgets a pause",
    pauses: true,
    restore: "WhenSilent",
  }),
  hole("granted", {
    name: "H3: etcd restored, and the ledger forgets how much of a grant was used",
    wait: 2,
    breaker: 1,
    grant: 1,
    restore: "WhenSilent",
  }),
  hole("I1 foreign", {
    name: "H5: somebody else reboots, the record is lost",
    wait: 5,
    foreignReboots: "Forgotten",
  }),
];
