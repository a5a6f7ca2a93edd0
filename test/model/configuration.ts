import type { InvariantId } from "./invariants.ts";
import type { Protection } from "./protections.ts";

/**
 * One world to explore: how many VMs and workers, how long the spans are, and what may go wrong. All spans are ticks, an
 * arbitrary unit: what matters is their order. The names are those of the product's `LedgerTimings`.
 *
 * In every world workers crash and pause at any step, requests and replies are lost, nodes fall sick and heal at will,
 * and Redis is chaos: any idle worker may take up any VM at any moment, any number of times. That stands for every loss,
 * repetition, re-ordering and forgery of jobs and records.
 */
export interface Configuration {
  readonly name: string;
  readonly vms: number;
  readonly workers: number;
  /** How many VMs may be rebooted within a wait (I3). */
  readonly budget: number;
  /** W: the least time between two reboots of a VM (I1). */
  readonly wait: number;
  /** S: from the first read of the transaction to the call. */
  readonly sendDeadline: number;
  /** D: from the call to its abort. */
  readonly callDeadline: number;
  /** Epsilon: how far apart clocks may be that stamp and check one window. */
  readonly clockSkew: number;
  /** M: what the window allows for late sends and late clouds. */
  readonly margin: number;
  /** The pause after a call that surely was not made, or was refused. */
  readonly cooldown: number;
  /** How far each worker's clock is ahead; its length is the number of workers. */
  readonly workerClocks: readonly number[];
  /** How far the clocks of the API servers are ahead; each request meets any of them. */
  readonly apiClocks: readonly number[];
  /** How long a worker may be frozen between its last look at the clock and the call (hole H1). */
  readonly pauseBeforeSend: number;
  /** How long after D the cloud may still carry out a call (hole H2). */
  readonly lateExecution: number;
  /** Calls may surely fail (`NotSent`, `Rejected`), and then the window is released. */
  readonly releases: boolean;
  /** Somebody compares boot ids and writes what became of each reboot. */
  readonly verification: boolean;
  /** VMs are rebooted by others too; the record of boot ids is kept by Redis, or lost with it. */
  readonly foreignReboots: "Never" | "Recorded" | "Forgotten";
  /** The wait of a VM with GPUs; its label comes and goes. Absent: no VM has any. */
  readonly gpuWait?: number;
  /** etcd goes back to a snapshot: never, only to one whose heartbeat is too old, or to any (hole H3). */
  readonly restore: "Never" | "WhenSilent" | "Any";
  /** A restored ledger may have the very resourceVersion that somebody read before; the restore takes no time, or more than S. */
  readonly versionsRepeat: "Never" | "AtOnce" | "SlowerThanS";
  /** A ledger without a write for longer may be a restored one. */
  readonly heartbeatMaxAge: number;
  /** Workers remember the ledger, and Redis its number: a silent one may be vouched for (decision 24). Needs `restore`. */
  readonly memory: boolean;
  /**
   * A restore comes longer than `heartbeatMaxAge` after the last look of every worker that lives. Else (hole H3) only its
   * snapshot is that old.
   */
  readonly restoresOutlast: boolean;
  /** No worker that was cut off from `heartbeatMaxAge` or less before a backup finds etcd and Redis restored from it (hole H3). */
  readonly backupsAreSeen: boolean;
  /** Operators pause all repairs, and end the pause. */
  readonly pauses: boolean;
  /** Operators end quarantines (`ledger trust`). */
  readonly trust: boolean;
  /** The ledger is deleted and created anew. */
  readonly recreation: boolean;
  /** How many repairs a VM gets in one incident; 0: attempts are not counted. Needs `verification`. */
  readonly maxAttempts: number;
  /** How long the status of a node that was well says so after its machine went down. Needs `maxAttempts`. */
  readonly statusLag: number;
  /** A plan of the fleet older than this holds nothing; 0: no plans are made, and no repair sleeps. */
  readonly planStale: number;
  /** So many young failures open the breaker, which holds all repairs; 0: there is no breaker. */
  readonly breaker: number;
  /** How many repairs an operator grants at a time; 0: none. Needs `breaker`. */
  readonly grant: number;
  /** Sick nodes may heal without a reboot. */
  readonly heals: boolean;
  /** The promises that are checked; absent: all of them. */
  readonly checks?: readonly InvariantId[];
  /** The protections that this world lacks. */
  readonly without: readonly Protection[];
}

const SMALLEST: Configuration = {
  name: "",
  vms: 1,
  workers: 2,
  budget: 1,
  wait: 3,
  sendDeadline: 1,
  callDeadline: 1,
  clockSkew: 0,
  margin: 0,
  cooldown: 1,
  workerClocks: [0, 0],
  apiClocks: [0],
  pauseBeforeSend: 0,
  lateExecution: 0,
  releases: false,
  verification: false,
  foreignReboots: "Never",
  restore: "Never",
  versionsRepeat: "Never",
  heartbeatMaxAge: 2,
  recreation: false,
  memory: false,
  pauses: false,
  trust: false,
  restoresOutlast: true,
  backupsAreSeen: true,
  maxAttempts: 0,
  statusLag: 0,
  planStale: 0,
  breaker: 0,
  grant: 0,
  heals: true,
  without: [],
};

/** The smallest world (one VM, two workers, no faults but those of every world), changed where a test says so. */
export function aWorld(changes: Partial<Configuration>): Configuration {
  const workers = changes.workers ?? changes.workerClocks?.length ?? SMALLEST.workers;
  const workerClocks = changes.workerClocks ?? Array.from({ length: workers }, () => 0);
  return { ...SMALLEST, ...changes, workers, workerClocks };
}

/** The same world without one protection, and with an eye on one promise. */
export function without(protection: Protection, world: Configuration, promise: InvariantId): Configuration {
  return { ...world, without: [...world.without, protection], checks: [promise] };
}
