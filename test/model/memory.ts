/**
 * Who remembers the ledger (decision 24, `core/ledger/trust.ts`): each process the number that it saw last, and Redis the
 * highest. Only the order of the numbers matters, so a state keeps their ranks. A ledger that was set back reaches the next
 * number that is remembered with its next write, which is the earliest that it can.
 */
import type { State } from "./layout.ts";
import type { Model } from "./model.ts";

/** The rank of no number; those of the processes come after the first three. */
const NONE = 0;
const [LEDGER, SAVED, SHARED, FIRST_WORKER] = [0, 1, 2, 3] as const;

const NUMBERS: number[] = [];

/** The numbers as they stand, in an array that is used again by the next question. */
function numbersOf({ world, fields: { worker, shared } }: Model, state: State): number[] {
  NUMBERS.length = FIRST_WORKER + world.workers;
  NUMBERS[LEDGER] = shared.sequence.get(state);
  NUMBERS[SAVED] = shared.savedSequence.get(state);
  NUMBERS[SHARED] = shared.sharedSequence.get(state);
  for (let row = 0; row < world.workers; row += 1) NUMBERS[FIRST_WORKER + row] = worker.known.get(state, row);
  return NUMBERS;
}

/** Keeps the order of the numbers, and nothing else of them. */
function keep({ world, fields: { worker, shared } }: Model, next: State, numbers: readonly number[]): void {
  shared.sequence.set(next, 0, rankOf(numbers, LEDGER));
  shared.savedSequence.set(next, 0, rankOf(numbers, SAVED));
  shared.sharedSequence.set(next, 0, rankOf(numbers, SHARED));
  for (let row = 0; row < world.workers; row += 1)
    worker.known.set(next, row, rankOf(numbers, FIRST_WORKER + row));
}

function rankOf(numbers: readonly number[], at: number): number {
  const number = numbers[at] as number;
  let lower = 0;
  for (let other = 0; other < numbers.length; other += 1) {
    const value = numbers[other] as number;
    if (value !== NONE && value < number && numbers.indexOf(value) === other) lower += 1;
  }
  return number === NONE ? NONE : lower + 1;
}

/**
 * The number of the next write. Above all that is remembered it is a new one. A ledger that was set back reaches the next
 * number that is remembered; the numbers of another object stay below it, because they begin again and windows are short.
 */
function raised({ world }: Model, numbers: readonly number[], number: number): number {
  let next = Infinity;
  for (const other of numbers) if (other > number && other < next) next = other;
  if (next === Infinity) return number + 1;
  return world.recreation ? (number + next) / 2 : next;
}

/** Whether the ledger has a lower number than this process, or Redis, remembers: it went back. */
export function wentBack(
  { fields: { worker: of, shared }, has }: Model,
  state: State,
  worker: number,
): boolean {
  const highest = Math.max(shared.sharedSequence.get(state), of.known.get(state, worker));
  return has.sequenceIsCompared && shared.sequence.get(state) < highest;
}

/** `goesOn`: whether a silent ledger is the one that this process saw, and no write to it can be missing. */
export function vouches(model: Model, state: State, worker: number): boolean {
  const { world, fields, has } = model;
  const { worker: of, shared } = fields;
  const known = of.known.get(state, worker);
  const sequence = shared.sequence.get(state);
  if (known === NONE || (has.sequenceIsCompared && sequence < known)) return false;
  if (world.recreation && has.memoryOfObject && of.sameObject.get(state, worker) === 0) return false;
  if (has.memoryInSight && of.inSight.get(state, worker) === 0) return false;
  const isRecent = of.knownAge.get(state, worker) <= world.heartbeatMaxAge || !has.memoryIsRecent;
  return shared.sharedSequence.get(state) >= known || (sequence === known && isRecent);
}

/** This process has read the ledger, `age` ago, and may build on it; `told`: Redis remembers its number, too. */
export function know(model: Model, next: State, worker: number, age = 0, told = true): void {
  const { world, fields } = model;
  if (!world.memory) return;
  const { worker: of, shared } = fields;
  const numbers = numbersOf(model, next);
  const sequence = numbers[LEDGER] as number;
  numbers[FIRST_WORKER + worker] = sequence;
  if (told) numbers[SHARED] = Math.max(numbers[SHARED] as number, sequence);
  keep(model, next, numbers);
  of.knownAge.set(next, worker, Math.min(age, of.knownAge.max));
  of.inSight.set(next, worker, 1);
  of.sameObject.set(next, worker, 1);
  of.savedInSight.set(next, worker, shared.saved.get(next));
  of.savedSameObject.set(next, worker, shared.savedObject.get(next));
}

/** The process ends, and another one begins, which remembers nothing. */
export function forgetLedger(model: Model, next: State, worker: number): void {
  const of = model.fields.worker;
  const numbers = numbersOf(model, next);
  numbers[FIRST_WORKER + worker] = NONE;
  keep(model, next, numbers);
  for (const field of [of.knownAge, of.inSight, of.sameObject, of.savedInSight, of.savedSameObject])
    field.set(next, worker, 0);
}

/** Redis forgets, or goes back to what the snapshot knows. */
export function setShared(model: Model, next: State, to: "Nothing" | "Saved"): void {
  const numbers = numbersOf(model, next);
  numbers[SHARED] = to === "Nothing" ? NONE : (numbers[SAVED] as number);
  keep(model, next, numbers);
}

/** A write of this worker, or of another gate, raises the number; `lifted`: above all that this worker remembers. */
export function raiseSequence(model: Model, next: State, worker?: number, age = 0, lifted = false): void {
  if (!model.world.memory) return;
  const numbers = numbersOf(model, next);
  const known = worker === undefined ? NONE : (numbers[FIRST_WORKER + worker] as number);
  const highest = lifted ? Math.max(numbers[SHARED] as number, known) : NONE;
  numbers[LEDGER] = raised(model, numbers, Math.max(numbers[LEDGER] as number, highest));
  numbers[SHARED] = Math.max(numbers[SHARED] as number, numbers[LEDGER]);
  keep(model, next, numbers);
  outOfSight(model, next);
  if (worker !== undefined) know(model, next, worker, age);
}

/** The ledger is written to now: in sight of the processes that looked at it lately, out of sight of the others. */
function outOfSight({ world, fields: { worker: of } }: Model, next: State): void {
  for (let row = 0; row < world.workers; row += 1) {
    const isRecent = of.knownAge.get(next, row) <= world.heartbeatMaxAge;
    of.inSight.set(next, row, of.known.get(next, row) !== NONE && isRecent ? 1 : 0);
  }
}

/** The snapshot has what the ledger has. */
export function saveSequence(model: Model, next: State): void {
  const { world, fields } = model;
  if (!world.memory) return;
  const { worker: of, shared } = fields;
  const numbers = numbersOf(model, next);
  numbers[SAVED] = numbers[LEDGER] as number;
  keep(model, next, numbers);
  shared.savedAge.set(next, 0, 0);
  shared.savedQuarantine.set(next, 0, shared.quarantine.get(next));
  shared.savedObject.set(next, 0, 1);
  for (let row = 0; row < world.workers; row += 1) {
    of.savedInSight.set(next, row, of.inSight.get(next, row));
    of.savedSameObject.set(next, row, of.sameObject.get(next, row));
  }
}

/** The ledger has what the snapshot has. */
export function restoreSequence(model: Model, next: State): void {
  const { world, fields } = model;
  if (!world.memory) return;
  const { worker: of, shared } = fields;
  const numbers = numbersOf(model, next);
  numbers[LEDGER] = numbers[SAVED] as number;
  keep(model, next, numbers);
  shared.savedObject.set(next, 0, 1);
  for (let row = 0; row < world.workers; row += 1) {
    of.inSight.set(next, row, of.savedInSight.get(next, row));
    of.sameObject.set(next, row, of.savedSameObject.get(next, row));
  }
}

/** Another object: its numbers begin below all that is remembered. */
export function restartSequence(model: Model, next: State): void {
  const { world, fields } = model;
  if (!world.memory) return;
  const numbers = numbersOf(model, next);
  numbers[LEDGER] = 0.5;
  keep(model, next, numbers);
  fields.shared.savedObject.set(next, 0, 0);
  for (let row = 0; row < world.workers; row += 1) fields.worker.sameObject.set(next, row, 0);
  outOfSight(model, next);
}

/** Whether this restore is one of those that workers can tell, by what the world assumes. */
export function mayBeRestored(model: Model, state: State, along: boolean): boolean {
  const { world, fields } = model;
  const { worker: of, shared } = fields;
  if (!world.memory) return !along;
  if (shared.savedAge.get(state) < shared.savedAge.max) return false;
  for (let row = 0; row < world.workers; row += 1) {
    const known = of.known.get(state, row);
    if (known === NONE) continue;
    if (world.restoresOutlast && of.knownAge.get(state, row) <= world.heartbeatMaxAge) return false;
    const isSame = !world.recreation || of.savedSameObject.get(state, row) === 1;
    const isAhead = of.savedInSight.get(state, row) === 1 && shared.savedSequence.get(state) >= known;
    if (along && world.backupsAreSeen && isSame && isAhead) return false;
  }
  return true;
}
