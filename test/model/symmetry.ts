import type { Field, Rows, State } from "./layout.ts";
import type { Model } from "./model.ts";

/**
 * Workers whose clocks agree are interchangeable, and so are all VMs: of the states that differ only in who is who, one
 * stands for all. Rows of VMs are put in ascending order and the workers' references renamed with them; rows of equal
 * workers are put in ascending order; where VMs tie, the smallest result wins.
 */
export function canonicalizerOf({ world, fields }: Model): (state: State) => void {
  const { vms, workers, words } = fields;
  const groups = workerGroups(world.workerClocks);
  const orders = permutations(world.vms);
  const candidate: State = new Uint32Array(words);
  const best: State = new Uint32Array(words);
  const sortWorkers = (state: State): void => {
    for (const group of groups) sortRows(state, workers, group);
  };
  if (orders.length === 1) return sortWorkers;

  return (state) => {
    let found = false;
    for (const order of orders) {
      if (!isAscending(state, vms, order)) continue;
      candidate.set(state);
      reorder(state, candidate, vms, order);
      rename(candidate, workers, [workers.fields.vm, workers.fields.request], order);
      sortWorkers(candidate);
      if (!found || compare(candidate, best) < 0) best.set(candidate);
      found = true;
    }
    state.set(best);
  };
}

/** Numbers of the workers with equal clocks, for each clock that more than one has. */
function workerGroups(clocks: readonly number[]): number[][] {
  const groups = Map.groupBy(clocks.keys(), (worker) => clocks[worker] as number);
  return [...groups.values()].filter((group) => group.length > 1);
}

/** All orders of 0 to count - 1; `order[place]` is the row that comes to a place. */
function permutations(count: number): number[][] {
  if (count === 0) return [[]];
  return permutations(count - 1).flatMap((order) =>
    Array.from({ length: count }, (_, place) => order.toSpliced(place, 0, count - 1)),
  );
}

function compareRows(state: State, { first, stride }: Rows<string>, left: number, right: number): number {
  for (let word = 0; word < stride; word += 1) {
    const difference =
      (state[first + left * stride + word] as number) - (state[first + right * stride + word] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

function isAscending(state: State, rows: Rows<string>, order: readonly number[]): boolean {
  for (let place = 1; place < order.length; place += 1) {
    if (compareRows(state, rows, order[place - 1] as number, order[place] as number) > 0) return false;
  }
  return true;
}

function reorder(from: State, to: State, { first, stride }: Rows<string>, order: readonly number[]): void {
  for (let place = 0; place < order.length; place += 1) {
    const row = order[place] as number;
    for (let word = 0; word < stride; word += 1) {
      to[first + place * stride + word] = from[first + row * stride + word] as number;
    }
  }
}

/** References count from 1, and 0 refers to nobody. */
function rename(
  state: State,
  { count }: Rows<string>,
  references: readonly Field[],
  order: readonly number[],
): void {
  for (const field of references) {
    for (let row = 0; row < count; row += 1) {
      const vm = field.get(state, row);
      if (vm > 0) field.set(state, row, order.indexOf(vm - 1) + 1);
    }
  }
}

/** Selection sort: there are two or three. */
function sortRows(state: State, rows: Rows<string>, group: readonly number[]): void {
  for (let i = 0; i < group.length; i += 1) {
    for (let j = i + 1; j < group.length; j += 1) {
      const [left, right] = [group[i] as number, group[j] as number];
      if (compareRows(state, rows, left, right) > 0) swapRows(state, rows, left, right);
    }
  }
}

function swapRows(state: State, { first, stride }: Rows<string>, left: number, right: number): void {
  for (let word = 0; word < stride; word += 1) {
    const [a, b] = [first + left * stride + word, first + right * stride + word];
    const kept = state[a] as number;
    state[a] = state[b] as number;
    state[b] = kept;
  }
}

function compare(left: State, right: State): number {
  for (let word = 0; word < left.length; word += 1) {
    const difference = (left[word] as number) - (right[word] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}
