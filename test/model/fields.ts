import type { Configuration } from "./configuration.ts";
import { layRows, type Rows, type State } from "./layout.ts";
import { BOOTING, OUTCOME, STEP, type SharedField, type VmField, type WorkerField } from "./state.ts";

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
export function fieldsOf(world: Configuration, spans: Spans): Fields {
  const vms = layRows<VmField>(0, world.vms, ofVm(world, spans));
  const workers = layRows<WorkerField>(vms.end, world.workers, ofWorker(world));
  const shared = layRows<SharedField>(workers.end, 1, ofAll(world, spans));
  const usesShared = Object.values(shared.fields).some(({ max }) => max > 0);
  const words = usesShared ? shared.end : workers.end;
  return { vm: vms.fields, worker: workers.fields, shared: shared.fields, vms, workers, words };
}

/** The greatest values of the fields of one kind. */
type Maxima<Name extends string> = Readonly<Record<Name, number>>;

function ofVm(world: Configuration, { longest, allowance }: Spans): Maxima<VmField> {
  const wait = Math.max(world.wait, world.gpuWait ?? 0);
  const restores = world.restore !== "Never";
  const foreign = world.foreignReboots !== "Never";
  const keepsOutcome = world.releases || world.verification || world.without.includes("openIntentExpires");
  return {
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
    lag: world.statusLag,
    looksWellFor: yes(world.statusLag > 0, allowance + 1),
    attempts: world.maxAttempts,
    reboots: world.maxAttempts,
    evidence: world.maxAttempts,
    evident: yes(world.maxAttempts > 0),
    proceeds: yes(world.planStale > 0),
    asleep: yes(world.planStale > 0),
    young: yes(world.breaker > 0),
    savedNotBefore: yes(restores, longest),
    savedOutcome: yes(restores && world.releases, OUTCOME.Released),
  };
}

function ofWorker(world: Configuration): Maxima<WorkerField> {
  const restores = world.restore !== "Never";
  const oldest = Math.max(
    world.sendDeadline + 1,
    world.pauseBeforeSend + 1,
    yes(restores, world.heartbeatMaxAge + 1),
  );
  const objects = yes(world.memory && world.recreation);
  return {
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
    known: yes(world.memory, numbersIn(world)),
    knownAge: yes(world.memory, world.heartbeatMaxAge + 1),
    inSight: yes(world.memory),
    savedInSight: yes(world.memory),
    sameObject: objects,
    savedSameObject: objects,
  };
}

function ofAll(world: Configuration, { longest }: Spans): Maxima<SharedField> {
  const restores = world.restore !== "Never";
  const silent = yes(restores, world.heartbeatMaxAge + 1);
  const numbers = yes(world.memory, numbersIn(world));
  return {
    sinceBeat: silent,
    quarantine: yes(restores || world.recreation, longest),
    saved: yes(restores),
    savedSinceBeat: silent,
    savedAge: yes(world.memory && !world.restoresOutlast, world.heartbeatMaxAge + 1),
    savedQuarantine: yes(world.memory, longest),
    sequence: numbers,
    savedSequence: numbers,
    sharedSequence: numbers,
    savedObject: yes(world.memory && world.recreation),
    vouched: yes(world.trust && world.without.includes("trustEndsOne")),
    pauseOrdered: yes(world.pauses),
    paused: yes(world.pauses),
    savedPaused: yes(world.pauses && restores),
    sincePlan: yes(world.planStale > 0, world.planStale + 1),
    unplanned: yes(world.planStale > 0),
    grantLeft: world.grant,
    savedGrantLeft: yes(restores, world.grant),
    begun: world.grant,
    sinceOpen: yes(world.breaker > 0, world.sendDeadline + 1),
  };
}

/** Sequence numbers that are remembered: of the ledger, the snapshot, Redis and each worker. */
function numbersIn({ workers }: Configuration): number {
  return workers + 3;
}

/** All VMs healthy for long, never rebooted, an empty ledger that all trust, a plan that holds nothing, idle workers. */
export function initialState({ vm, vms, worker, workers, shared, words }: Fields): State {
  const state: State = new Uint32Array(words);
  // Every process has seen the ledger, and Redis remembers it.
  for (const field of [shared.sequence, shared.sharedSequence]) field.set(state, 0, 1);
  for (let row = 0; row < workers.count; row += 1) {
    for (const field of [worker.known, worker.inSight, worker.sameObject]) field.set(state, row, 1);
  }
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
