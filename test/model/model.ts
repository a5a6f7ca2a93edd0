import { LEDGER_TIMINGS, windowOf } from "@node-agent/shared/core/ledger/timings.ts";
import type { Configuration } from "./configuration.ts";
import { fieldsOf, type Fields } from "./fields.ts";
import type { State } from "./layout.ts";
import { raiseSequence } from "./memory.ts";
import { INVARIANTS, type InvariantId } from "./invariants.ts";
import { PROTECTIONS, type Protection } from "./protections.ts";
import { OUTCOME, STEP } from "./state.ts";

/** A world with everything worked out that its rules need over and over. */
export interface Model {
  readonly world: Configuration;
  readonly fields: Fields;
  /** Which protections are there. */
  readonly has: Readonly<Record<Protection, boolean>>;
  /** Which promises are checked. */
  readonly checks: Readonly<Record<InvariantId, boolean>>;
  /** From stamp to the end of the window, for VMs without and with GPUs. */
  readonly window: number;
  readonly gpuWindow: number;
  /** How long a quarantine lasts. */
  readonly quarantine: number;
  /** From the last read of a node to the latest moment at which the cloud may still reboot it. */
  readonly allowance: number;
  /** Calls can be answered, so a worker waits for the answer. */
  readonly awaitsAnswers: boolean;
}

/** Works out a world. */
export function modelOf(world: Configuration): Model {
  const missing = new Set<string>(world.without);
  const entries = Object.keys(PROTECTIONS).map((name) => [name, !missing.has(name)]);
  const has = Object.fromEntries(entries) as Record<Protection, boolean>;
  const checked = Object.keys(INVARIANTS).map((id) => [
    id,
    world.checks?.includes(id as InvariantId) ?? true,
  ]);
  const checks = Object.fromEntries(checked) as Record<InvariantId, boolean>;
  const spans = {
    sendDeadline: has.windowCoversTransaction ? world.sendDeadline : 0,
    callDeadline: has.windowCoversTransaction ? world.callDeadline : 0,
    clockSkew: has.windowCoversSkew ? world.clockSkew : 0,
    margin: has.windowCoversMargin ? world.margin : 0,
  };
  // The window is the product's own, so that nothing can be left out of it unnoticed.
  const window = windowOf(world.wait, { ...LEDGER_TIMINGS, ...spans });
  const gpuWindow = windowOf(world.gpuWait ?? world.wait, { ...LEDGER_TIMINGS, ...spans });
  const furthestAhead = Math.max(...world.workerClocks, ...world.apiClocks);
  const quarantine = Math.max(window, gpuWindow) + furthestAhead;
  const allowance = world.sendDeadline + world.callDeadline + world.pauseBeforeSend + world.lateExecution;
  const fields = fieldsOf(world, { longest: quarantine, allowance });
  const awaitsAnswers = world.releases || !has.unknownIsReboot;
  return { world, fields, has, checks, window, gpuWindow, quarantine, allowance, awaitsAnswers };
}

/** The earliest of the clocks that a worker looks at: windows are checked with it. */
export function earliest({ world, has }: Model, worker: number, apiClock: number): number {
  const own = world.workerClocks[worker] as number;
  return has.latestAndEarliestClock ? Math.min(own, apiClock) : own;
}

/** The latest of the clocks that a worker looks at: windows are stamped with it. */
export function latest({ world, has }: Model, worker: number, apiClock: number): number {
  const own = world.workerClocks[worker] as number;
  return has.latestAndEarliestClock ? Math.max(own, apiClock) : own;
}

/** The worker ends its transaction, or dies: nothing of it is left but what it wrote and sent. */
export function goIdle({ fields: { worker: of } }: Model, next: State, worker: number): void {
  of.step.set(next, worker, STEP.Idle);
  of.vm.set(next, worker, 0);
  of.fresh.set(next, worker, 0);
  of.mine.set(next, worker, 0);
  of.savedMine.set(next, worker, 0);
  of.age.set(next, worker, 0);
  of.seesGpu.set(next, worker, 0);
  of.granted.set(next, worker, 0);
}

/** The ledger has a new version: whoever read the one before cannot write any more. */
export function newVersion({ world, fields }: Model, next: State): void {
  for (let worker = 0; worker < world.workers; worker += 1) fields.worker.fresh.set(next, worker, 0);
}

/** A write of the ledger, which is a sign of life as old as the read that it builds on. */
export function writeLedger(model: Model, next: State, age = 0, worker?: number): void {
  newVersion(model, next);
  const { sinceBeat } = model.fields.shared;
  if (sinceBeat.get(next) > age) sinceBeat.set(next, 0, age);
  raiseSequence(model, next, worker, age);
}

/** The entry of this VM carries nobody's token any more but that of `owner`. */
export function ownEntry(
  { world, fields: { worker: of } }: Model,
  next: State,
  vm: number,
  owner?: number,
): void {
  for (let worker = 0; worker < world.workers; worker += 1) {
    if (of.vm.get(next, worker) === vm + 1) of.mine.set(next, worker, worker === owner ? 1 : 0);
  }
}

/** Whether the entry counts against the budget: its window is open and it did not surely end well or never happen. */
export function isOpen({ fields: { vm: of } }: Model, state: State, vm: number, now: number): boolean {
  const outcome = of.outcome.get(state, vm);
  return of.notBefore.get(state, vm) > now && outcome !== OUTCOME.Cured && outcome !== OUTCOME.Released;
}
