import { layRows, type Field, type State } from "../layout.ts";
import type { Successors, System, Violation } from "../successors.ts";
import type { RedisFault, RedisWorld } from "./redis-world.ts";

/** `Idle` leads by the claim to `ReadNode`, by a sick node to `Send`, by the call to `AwaitAnswer`. */
const STEP = { Idle: 0, ReadNode: 1, Send: 2, AwaitAnswer: 3 } as const;

type Fields = ReturnType<typeof fieldsOf>;
type Rule = (world: RedisWorld, fields: Fields, state: State, out: Successors) => void;

function fieldsOf(world: RedisWorld) {
  const { wait, sendDeadline, callDeadline, lease, workers } = world;
  const machine = layRows(0, 1, {
    sick: 1,
    healthyFor: sendDeadline + callDeadline + 1,
    sinceReboot: wait,
    master: 1,
  });
  const copy = layRows(machine.end, 2, { notBefore: wait + sendDeadline + callDeadline, lock: lease });
  const worker = layRows(copy.end, workers, {
    step: STEP.AwaitAnswer,
    age: sendDeadline + 1,
    request: 1,
    requestAge: callDeadline,
    talksTo: 1,
  });
  return { machine: machine.fields, copy: copy.fields, worker: worker.fields, words: worker.end };
}

/** The protocol on Redis alone in one world, ready to be explored. One VM: that is enough for I1 and I2. */
export function redisSystemOf(world: RedisWorld): System {
  const fields = fieldsOf(world);
  return {
    words: fields.words,
    initial: () => {
      const state: State = new Uint32Array(fields.words);
      fields.machine.healthyFor.set(state, 0, fields.machine.healthyFor.max);
      fields.machine.sinceReboot.set(state, 0, fields.machine.sinceReboot.max);
      return state;
    },
    expand: (state, out) => {
      for (const rule of RULES) rule(world, fields, state, out);
    },
  };
}

const timePasses: Rule = (world, { machine, copy, worker }, state, out) => {
  const next = out.from(state);
  machine.sinceReboot.raise(next);
  if (machine.sick.get(next) === 0) machine.healthyFor.raise(next);
  for (const row of [0, 1]) {
    copy.notBefore.lower(next, row);
    copy.lock.lower(next, row);
  }
  for (let row = 0; row < world.workers; row += 1) {
    const step = worker.step.get(next, row);
    if (step === STEP.ReadNode || step === STEP.Send) worker.age.raise(next, row);
    if (worker.request.get(next, row) === 0) continue;
    if (worker.requestAge.get(next, row) < world.callDeadline) worker.requestAge.raise(next, row);
    else forget(next, row, [worker.request, worker.requestAge]);
  }
  out.add("time passes");
};

const healthChanges: Rule = (_world, { machine }, state, out) => {
  const next = out.from(state);
  const sick = machine.sick.get(state) === 0;
  machine.sick.set(next, 0, sick ? 1 : 0);
  machine.healthyFor.set(next, 0, 0);
  out.add(sick ? "falls sick" : "heals", -1, 0);
};

/** One script, atomic on the copy that the worker talks to: check, and claim. */
const claim: Rule = (world, { copy, worker }, state, out) => {
  for (let row = 0; row < world.workers; row += 1) {
    if (worker.step.get(state, row) !== STEP.Idle || worker.request.get(state, row) !== 0) continue;
    const at = worker.talksTo.get(state, row);
    if (copy.notBefore.get(state, at) > 0 || copy.lock.get(state, at) > 0) continue;
    const next = out.from(state);
    if (world.variant === "AfterTheCall") copy.lock.set(next, at, copy.lock.max);
    else copy.notBefore.set(next, at, copy.notBefore.max);
    worker.step.set(next, row, STEP.ReadNode);
    out.add("claims the VM in Redis", row, 0);
  }
};

const readNode: Rule = (world, { machine, worker }, state, out) => {
  for (let row = 0; row < world.workers; row += 1) {
    if (worker.step.get(state, row) !== STEP.ReadNode || machine.sick.get(state) === 0) continue;
    const next = out.from(state);
    worker.step.set(next, row, STEP.Send);
    out.add("reads the node: sick", row, 0);
  }
};

const send: Rule = (world, { worker }, state, out) => {
  for (let row = 0; row < world.workers; row += 1) {
    if (worker.step.get(state, row) !== STEP.Send || worker.age.get(state, row) > world.sendDeadline)
      continue;
    const next = out.from(state);
    worker.step.set(next, row, STEP.AwaitAnswer);
    worker.age.set(next, row, 0);
    worker.request.set(next, row, 1);
    out.add("calls the cloud", row, 0);
  }
};

const cloudReboots: Rule = (world, fields, state, out) => {
  const { machine, worker } = fields;
  for (let row = 0; row < world.workers; row += 1) {
    if (worker.request.get(state, row) === 0) continue;
    const next = out.from(state);
    forget(next, row, [worker.request, worker.requestAge]);
    machine.sick.set(next, 0, 1);
    machine.healthyFor.set(next, 0, 0);
    machine.sinceReboot.set(next, 0, 0);
    out.add("its call is carried out: the cloud reboots", row, 0, brokenBy(world, fields, state));
    const lost = out.from(state);
    forget(lost, row, [worker.request, worker.requestAge]);
    out.add("its call is lost", row, 0);
  }
};

function brokenBy(world: RedisWorld, { machine }: Fields, state: State): Violation | undefined {
  const since = machine.sinceReboot.get(state);
  if (since < world.wait) return { invariant: "I1", why: `rebooted ${since} after the reboot before` };
  const healthyFor = machine.sick.get(state) === 1 ? 0 : machine.healthyFor.get(state);
  if (healthyFor <= world.sendDeadline + world.callDeadline) return undefined;
  return { invariant: "I2", why: `healthy for ${healthyFor}` };
}

/** The call came back, or nobody knows. */
const hearAnswer: Rule = (world, { copy, worker }, state, out) => {
  for (let row = 0; row < world.workers; row += 1) {
    if (worker.step.get(state, row) !== STEP.AwaitAnswer) continue;
    const at = worker.talksTo.get(state, row);
    if (world.variant === "AfterTheCall") {
      const next = out.from(state);
      copy.notBefore.set(next, at, copy.notBefore.max);
      worker.step.set(next, row, STEP.Idle);
      out.add("hears the answer and writes the window", row, 0);
    }
    if (world.variant === "TimeoutIsFailure") {
      const next = out.from(state);
      copy.notBefore.set(next, at, 0);
      worker.step.set(next, row, STEP.Idle);
      out.add("hears no answer, and frees the window", row, 0);
    }
  }
};

const giveUp: Rule = (world, { worker }, state, out) => {
  for (let row = 0; row < world.workers; row += 1) {
    if (worker.step.get(state, row) === STEP.Idle) continue;
    const next = out.from(state);
    forget(next, row, [worker.step, worker.age]);
    out.add("stops or crashes", row, 0);
  }
};

/** The replica catches up, and clients of a deposed master find the new one. */
const replicate: Rule = (world, { machine, copy, worker }, state, out) => {
  const master = machine.master.get(state);
  for (let row = 0; row < world.workers; row += 1) {
    if (worker.talksTo.get(state, row) === master) continue;
    const found = out.from(state);
    worker.talksTo.set(found, row, master);
    out.add("finds the new master", row);
  }
  const next = out.from(state);
  copy.notBefore.set(next, 1 - master, copy.notBefore.get(state, master));
  copy.lock.set(next, 1 - master, copy.lock.get(state, master));
  out.add("the replica catches up");
};

const FAULTS: Readonly<Record<RedisFault, Rule>> = {
  Failover(world, { machine, worker }, state, out) {
    const next = out.from(state);
    const master = 1 - machine.master.get(state);
    machine.master.set(next, 0, master);
    for (let row = 0; row < world.workers; row += 1) worker.talksTo.set(next, row, master);
    out.add("Redis fails over");
  },
  SplitBrain(_world, { machine }, state, out) {
    const next = out.from(state);
    machine.master.set(next, 0, 1 - machine.master.get(state));
    out.add("Redis splits: clients stay with the old master");
  },
  Flush(_world, { machine, copy }, state, out) {
    const next = out.from(state);
    forget(next, machine.master.get(state), [copy.notBefore, copy.lock]);
    out.add("Redis is flushed");
  },
  Forge(_world, { machine, copy }, state, out) {
    const next = out.from(state);
    copy.notBefore.set(next, machine.master.get(state), 0);
    out.add("somebody writes into Redis that no window is open");
  },
};

const redisFaults: Rule = (world, fields, state, out) => {
  for (const fault of world.faults) FAULTS[fault](world, fields, state, out);
};

const RULES: readonly Rule[] = [
  timePasses,
  healthChanges,
  claim,
  readNode,
  send,
  cloudReboots,
  hearAnswer,
  giveUp,
  replicate,
  redisFaults,
];

function forget(next: State, row: number, fields: readonly Field[]): void {
  for (const field of fields) field.set(next, row, 0);
}
