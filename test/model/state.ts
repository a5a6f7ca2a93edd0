import type { Configuration } from "./configuration.ts";
import { layRows, type Rows, type State } from "./layout.ts";

/**
 * Where a worker stands in the reboot transaction. `Idle`: nothing in hand. It leaves by reading the ledger (the first
 * read: the send deadline runs from here) to `ReadNode`, by finding the node sick to `WriteIntent`, by writing the intent
 * to `Send`, by sending to `AwaitAnswer` (through `AboutToSend` where a freeze at the socket is explored). When it
 * knows that nothing happened it goes to `ReadToRelease` and `WriteRelease`. Held by the plan it goes to `FallAsleep`. A crash at any step leads to `Idle`.
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
  // Redis: the latest plan lets its repair proceed, and its repair sleeps until a plan wakes it.
  | "proceeds"
  | "asleep"
  | "savedNotBefore"
  | "savedOutcome";

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
  | "requestAge";

/** What holds for the ledger as a whole. */
export type SharedField =
  | "sinceBeat"
  | "quarantine"
  | "saved"
  | "savedSinceBeat"
  // The latest plan's age; and no worker makes plans any more.
  | "sincePlan"
  | "unplanned"
  // The repairs that the ledger's grant still allows.
  | "grantLeft"
  | "savedGrantLeft"
  // For the invariants only: repairs that began by the latest grant, and how long the breaker has been open without one.
  | "begun"
  | "sinceOpen";

/** Where everything lies in a state. */
export interface Fields {
  readonly vm: Rows<VmField>["fields"];
  readonly worker: Rows<WorkerField>["fields"];
  readonly shared: Rows<SharedField>["fields"];
  readonly vms: Rows<VmField>;
  readonly workers: Rows<WorkerField>;
  readonly words: number;
}

/** The spans that a world's state has room for. */
export interface Spans {
  /** The longest window, with all allowances and the clock that is furthest ahead. */
  readonly longest: number;
  /** From the last look at a healthy node to the latest execution. */
  readonly allowance: number;
}

/** Lays out the state of a world; what cannot happen in it takes no room. */
export function fieldsOf(world: Configuration, { longest, allowance }: Spans): Fields {
  const wait = Math.max(world.wait, world.gpuWait ?? 0);
  const restores = world.restore !== "Never";
  const foreign = world.foreignReboots !== "Never";
  const keepsOutcome = world.releases || world.verification || world.without.includes("openIntentExpires");
  const vms = layRows<VmField>(0, world.vms, {
    sick: 1,
    healthyFor: allowance + 1,
    sinceReboot: wait,
    notBefore: longest,
    outcome: yes(keepsOutcome, OUTCOME.Released),
    sinceIntent: yes(world.releases, world.cooldown),
    booting: yes(world.verification || foreign, BOOTING.Foreign),
    bootChanged: yes(world.verification),
    cured: yes(world.verification && world.vms > 1),
    promised: yes(world.verification, longest),
    sinceForeign: yes(foreign, wait),
    bootKnown: yes(foreign),
    sinceBootSeen: yes(foreign, wait),
    gpu: yes(world.gpuWait !== undefined),
    everGpu: yes(world.gpuWait !== undefined),
    longWait: yes(world.gpuWait !== undefined),
    attempts: world.maxAttempts,
    reboots: world.maxAttempts,
    evidence: world.maxAttempts,
    evident: yes(world.maxAttempts > 0),
    proceeds: yes(world.planStale > 0),
    asleep: yes(world.planStale > 0),
    young: yes(world.breaker > 0),
    savedNotBefore: yes(restores, longest),
    savedOutcome: yes(restores && world.releases, OUTCOME.Released),
  });
  const oldest = Math.max(
    world.sendDeadline + 1,
    world.pauseBeforeSend + 1,
    yes(restores, world.heartbeatMaxAge + 1),
  );
  const workers = layRows<WorkerField>(vms.end, world.workers, {
    step: world.planStale > 0 ? STEP.FallAsleep : STEP.WriteRelease,
    vm: world.vms,
    fresh: 1,
    mine: yes(world.releases),
    savedMine: yes(world.releases && restores),
    age: oldest,
    seesGpu: yes(world.gpuWait !== undefined),
    granted: yes(world.grant > 0),
    request: world.vms,
    requestAge: world.callDeadline + world.lateExecution,
  });
  const shared = layRows<SharedField>(workers.end, 1, {
    sinceBeat: yes(restores, world.heartbeatMaxAge + 1),
    quarantine: yes(restores || world.recreation, longest),
    saved: yes(restores),
    savedSinceBeat: yes(restores, world.heartbeatMaxAge + 1),
    sincePlan: yes(world.planStale > 0, world.planStale + 1),
    unplanned: yes(world.planStale > 0),
    grantLeft: world.grant,
    savedGrantLeft: yes(restores, world.grant),
    begun: world.grant,
    sinceOpen: yes(world.breaker > 0, world.sendDeadline + 1),
  });
  const usesShared = restores || world.recreation || world.planStale > 0 || world.breaker > 0;
  const words = usesShared ? shared.end : workers.end;
  return { vm: vms.fields, worker: workers.fields, shared: shared.fields, vms, workers, words };
}

/** All VMs healthy for long, never rebooted, an empty ledger that everybody trusts, a plan that holds nothing, idle workers. */
export function initialState({ vm, vms, words }: Fields): State {
  const state: State = new Uint32Array(words);
  for (let row = 0; row < vms.count; row += 1) {
    for (const field of [
      vm.healthyFor,
      vm.sinceReboot,
      vm.sinceForeign,
      vm.sinceBootSeen,
      vm.bootKnown,
      vm.proceeds,
      vm.sinceIntent,
    ]) {
      field.set(state, row, field.max);
    }
  }
  return state;
}

/** The greatest value of a field that is there only in some worlds. */
function yes(present: boolean, max = 1): number {
  return present ? max : 0;
}
