/** What happens to the ledger other than by reboots: signs of life, snapshots and restores of etcd, recreation. */
import type { State } from "../layout.ts";
import { mayBeRestored, restartSequence, restoreSequence, saveSequence, setShared } from "../memory.ts";
import { newVersion, ownEntry, type Model } from "../model.ts";
import { OUTCOME, STEP } from "../state.ts";
import type { Rule } from "./rule.ts";

/** Whether nobody wrote to the ledger for so long that it may be a restored one. */
export function isSilent({ world, fields: { shared } }: Model, state: State): boolean {
  return shared.sinceBeat.max > 0 && shared.sinceBeat.get(state) > world.heartbeatMaxAge;
}

/** Any gate writes a sign of life; over a silent ledger it is a quarantine. */
export const heartbeat: Rule = {
  name: "a heartbeat",
  appliesTo: ({ world }) => world.restore !== "Never" && !world.memory,
  step(model, state, out) {
    const { shared } = model.fields;
    if (shared.sinceBeat.get(state) === 0) return;
    const silent = isSilent(model, state) && model.has.silenceQuarantines;
    const next = out.from(state);
    newVersion(model, next);
    if (silent) shared.quarantine.set(next, 0, model.quarantine);
    if (!silent || model.has.quarantineBeats) shared.sinceBeat.set(next, 0, 0);
    out.add(silent ? "the ledger is silent: a quarantine is written" : "a heartbeat is written");
  },
};

/** etcd keeps a snapshot. */
export const etcdSnapshot: Rule = {
  name: "a snapshot of etcd",
  appliesTo: ({ world }) => world.restore !== "Never",
  step(model, state, out) {
    const { world, fields } = model;
    const { vm, worker, shared } = fields;
    const next = out.from(state);
    shared.saved.set(next, 0, 1);
    shared.savedSinceBeat.set(next, 0, shared.sinceBeat.get(state));
    shared.savedPaused.set(next, 0, shared.paused.get(state));
    shared.savedGrantLeft.set(next, 0, shared.grantLeft.get(state));
    for (let row = 0; row < world.vms; row += 1) {
      vm.savedNotBefore.set(next, row, vm.notBefore.get(state, row));
      vm.savedOutcome.set(next, row, vm.outcome.get(state, row));
    }
    for (let row = 0; row < world.workers; row += 1)
      worker.savedMine.set(next, row, worker.mine.get(state, row));
    saveSequence(model, next);
    out.add("etcd takes a snapshot");
  },
};

/** etcd goes back to its snapshot. */
export const etcdRestore: Rule = {
  name: "a restore of etcd",
  appliesTo: ({ world }) => world.restore !== "Never",
  step(model, state, out) {
    const { world, fields } = model;
    const { shared } = fields;
    if (shared.saved.get(state) === 0) return;
    if (world.restore === "WhenSilent" && shared.savedSinceBeat.get(state) <= world.heartbeatMaxAge) return;
    for (const along of [false, true]) {
      if (!mayBeRestored(model, state, along)) continue;
      const next = out.from(state);
      restored(model, state, next);
      if (along) setShared(model, next, "Saved");
      out.add(along ? "etcd and Redis are restored from the snapshot" : "etcd is restored from the snapshot");
    }
  },
};

function restored(model: Model, state: State, next: State): void {
  const { world, fields } = model;
  const { vm, worker, shared } = fields;
  shared.sinceBeat.set(next, 0, shared.savedSinceBeat.get(state));
  shared.quarantine.set(next, 0, shared.savedQuarantine.get(state));
  shared.paused.set(next, 0, shared.savedPaused.get(state));
  shared.grantLeft.set(next, 0, shared.savedGrantLeft.get(state));
  for (let row = 0; row < world.vms; row += 1) {
    vm.notBefore.set(next, row, vm.savedNotBefore.get(state, row));
    vm.outcome.set(next, row, vm.savedOutcome.get(state, row));
  }
  for (let row = 0; row < world.workers; row += 1) {
    worker.mine.set(next, row, worker.savedMine.get(state, row));
    restoredUnder(model, state, next, row);
  }
  restoreSequence(model, next);
}

/** What a worker in the middle of a transaction finds: a version that it does not know, or the very one it read. */
function restoredUnder(
  { world, fields: { worker: of } }: Model,
  state: State,
  next: State,
  row: number,
): void {
  if (world.versionsRepeat === "Never") {
    of.fresh.set(next, row, 0);
    return;
  }
  const step = of.step.get(state, row);
  const hasRead = step !== STEP.Idle && step !== STEP.AwaitAnswer && step !== STEP.ReadToRelease;
  if (!hasRead) return;
  of.fresh.set(next, row, 1);
  if (world.versionsRepeat === "SlowerThanS")
    of.age.set(next, row, Math.max(of.age.get(next, row), world.sendDeadline + 1));
}

/** The ledger is deleted and created anew: it knows nothing, and is trusted only when it is as old as the longest window. */
export const recreation: Rule = {
  name: "the ledger is created anew",
  appliesTo: ({ world }) => world.recreation,
  step(model, state, out) {
    const { world, fields, has, quarantine } = model;
    const next = out.from(state);
    newVersion(model, next);
    for (let row = 0; row < world.vms; row += 1) {
      fields.vm.notBefore.set(next, row, 0);
      fields.vm.outcome.set(next, row, OUTCOME.None);
      ownEntry(model, next, row);
    }
    fields.shared.sinceBeat.set(next, 0, 0);
    fields.shared.quarantine.set(next, 0, has.youngLedgerWaits ? quarantine : 0);
    restartSequence(model, next);
    out.add("the ledger is deleted and created anew");
  },
};

/** Entries whose window is long over are left out of the ledger. */
export const pruning: Rule = {
  name: "an entry is pruned",
  appliesTo: ({ world }) => world.gpuWait !== undefined,
  step(model, state, out) {
    const of = model.fields.vm;
    for (let vm = 0; vm < model.world.vms; vm += 1) {
      if (of.notBefore.get(state, vm) > 0 || of.gpu.get(state, vm) === 0) continue;
      if (model.has.gpuOutlivesPruning) continue;
      const next = out.from(state);
      newVersion(model, next);
      of.gpu.set(next, vm, 0);
      out.add("is pruned from the ledger, and with it that it has GPUs", -1, vm);
    }
  },
};
