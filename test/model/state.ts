/** @file What there is: the steps of a worker, and the name of every number in a state. `fields.ts` lays them out. */
/**
 * Where a worker stands in the reboot transaction. `Idle`: nothing in hand. It leaves by reading the ledger (the first
 * read: the send deadline runs from here) to `ReadNode`, by finding the node sick to `WriteIntent`, by writing the intent
 * to `Send`, by sending to `AwaitAnswer` (through `AboutToSend` where a freeze at the socket is explored). When it
 * knows that nothing happened it goes to `ReadToRelease` and `WriteRelease`. A repair that the plan holds leads to
 * `FallAsleep`. A crash at any step leads to `Idle`.
 */
export const STEP = {
  Idle: 0,
  ReadNode: 1,
  WriteIntent: 2,
  Send: 3,
  AboutToSend: 4,
  AwaitAnswer: 5,
  ReadToRelease: 6,
  WriteRelease: 7,
  FallAsleep: 8,
} as const;

/** What the ledger says of a VM's latest reboot. `Done` stands for accepted, unknown, still bad and not executed. */
export const OUTCOME = { None: 0, Intent: 1, Done: 2, Cured: 3, Released: 4 } as const;

/** Whose reboot a VM is coming up from. */
export const BOOTING = { No: 0, Ours: 1, Foreign: 2 } as const;

/** What is known of each VM. Times are counted from now: `since...` upwards to a greatest value, all others down to 0. */
export type VmField =
  // The truth, which nobody in the model can read but the fresh read of the node.
  | "sick"
  | "healthyFor"
  | "sinceReboot"
  | "sinceForeign"
  | "booting"
  | "bootChanged"
  // Its status still says that it is well, though its machine is down: for how much longer, and for how long it does.
  | "lag"
  | "looksWellFor"
  // It fails, and not for long: the breaker counts it.
  | "young"
  // Promises given, for the invariants only: it is known to be cured, it was ever seen with GPUs, its latest reboot
  // was that of a GPU node, no intent before this time because its outcome was settled, since the latest intent.
  | "cured"
  | "everGpu"
  | "longWait"
  | "promised"
  | "sinceIntent"
  // Reboots of its incident that were carried out; attempts that were, or that a boot after them speaks for; and whether
  // the latest attempt is one of these.
  | "reboots"
  | "evidence"
  | "evident"
  // Its record in Redis: the latest boot id is known, and since when.
  | "bootKnown"
  | "sinceBootSeen"
  // Its entry in the ledger, and in the snapshot of etcd.
  | "notBefore"
  | "outcome"
  | "gpu"
  | "attempts"
  | "savedNotBefore"
  | "savedOutcome"
  // Redis: the latest plan lets its repair proceed, and its repair sleeps.
  | "proceeds"
  | "asleep";

/** What a worker has in hand. */
export type WorkerField =
  | "step"
  /** The VM of its transaction, counted from 1; 0: none. */
  | "vm"
  /** The ledger still has the version that it read. */
  | "fresh"
  /** The entry of its VM carries the token of its intent. */
  | "mine"
  | "savedMine"
  /** Since the first read of its transaction. */
  | "age"
  /** It takes the node for one with GPUs. */
  | "seesGpu"
  /** It goes on against an open breaker, because a grant lets it. */
  | "granted"
  /** The VM that its request on the way is about, counted from 1, and how long it is on the way. */
  | "request"
  | "requestAge"
  // What its process remembers of the ledger: the number that it saw last (0: none), for how long, and that the ledger
  // was not written to for long after that look, and is that very object; the same of the snapshot.
  | "known"
  | "knownAge"
  | "inSight"
  | "sameObject"
  | "savedInSight"
  | "savedSameObject";

/** What holds for the ledger as a whole. */
export type SharedField =
  | "sinceBeat"
  | "quarantine"
  | "saved"
  | "savedSinceBeat"
  | "savedQuarantine"
  | "savedAge"
  // Sequence numbers of the ledger, the snapshot and the memory of Redis (0: none), as ranks: only their order matters.
  | "sequence"
  | "savedSequence"
  | "sharedSequence"
  // The snapshot is one of this very object; a person vouches for good, where the protection against that is left out.
  | "savedObject"
  | "vouched"
  // An operator pauses all repairs: what was ordered last, and what the ledger knows.
  | "pauseOrdered"
  | "paused"
  | "savedPaused"
  // The latest plan's age; and no worker makes plans any more.
  | "sincePlan"
  | "unplanned"
  // The repairs that the ledger's grant still allows.
  | "grantLeft"
  | "savedGrantLeft"
  // For the invariants only: repairs that began by the latest grant, and how long the breaker has been open without one.
  | "begun"
  | "sinceOpen";
