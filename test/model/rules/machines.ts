import { BOOTING } from "../state.ts";
import { noteBreaker } from "./breaker.ts";
import type { Rule } from "./rule.ts";

/** A node falls sick, or heals by itself, whenever it likes. A rebooted one is down until it comes up. */
export const healthChanges: Rule = {
  name: "a node falls sick or heals",
  step(model, state, out) {
    const { world, fields } = model;
    const of = fields.vm;
    for (let vm = 0; vm < world.vms; vm += 1) {
      if (of.booting.get(state, vm) !== BOOTING.No) continue;
      const sick = of.sick.get(state, vm) === 0;
      if (!sick && !world.heals) continue;
      const next = out.from(state);
      of.sick.set(next, vm, sick ? 1 : 0);
      of.young.set(next, vm, sick ? 1 : 0);
      of.healthyFor.set(next, vm, 0);
      noteBreaker(model, next);
      out.add(sick ? "falls sick" : "heals", -1, vm);
    }
  },
};

/** A rebooted VM comes up with a new boot id, as late as it likes, healthy or not. */
export const machineComesUp: Rule = {
  name: "a VM comes up",
  appliesTo: ({ fields }) => fields.vm.booting.max > 0,
  step(model, state, out) {
    const { world, fields } = model;
    const of = fields.vm;
    for (let vm = 0; vm < world.vms; vm += 1) {
      const booting = of.booting.get(state, vm);
      if (booting === BOOTING.No) continue;
      for (const sick of [0, 1]) {
        const next = out.from(state);
        of.booting.set(next, vm, BOOTING.No);
        of.bootChanged.set(next, vm, 1);
        for (const field of [of.lag, of.looksWellFor]) field.set(next, vm, 0);
        of.bootKnown.set(next, vm, 0);
        if (booting === BOOTING.Foreign) of.sinceForeign.set(next, vm, 0);
        of.sick.set(next, vm, sick);
        if (sick === 0) of.young.set(next, vm, 0);
        of.healthyFor.set(next, vm, 0);
        noteBreaker(model, next);
        out.add(
          sick === 1 ? "comes up with a new boot id, still sick" : "comes up healthy with a new boot id",
          -1,
          vm,
        );
      }
    }
  },
};

/** An operator, the provider or another agent reboots the VM. */
export const foreignReboot: Rule = {
  name: "somebody else reboots a VM",
  appliesTo: ({ world }) => world.foreignReboots !== "Never",
  step({ world, fields: { vm: of } }, state, out) {
    for (let vm = 0; vm < world.vms; vm += 1) {
      const next = out.from(state);
      of.booting.set(next, vm, BOOTING.Foreign);
      if (of.sick.get(state, vm) === 0) of.young.set(next, vm, 1);
      of.sick.set(next, vm, 1);
      of.healthyFor.set(next, vm, 0);
      out.add("is rebooted by somebody else", -1, vm);
    }
  },
};

/** A judgement sees a new boot id and remembers when. */
export const bootIsSeen: Rule = {
  name: "the record sees a boot",
  appliesTo: ({ world }) => world.foreignReboots !== "Never",
  step({ world, fields: { vm: of }, has }, state, out) {
    for (let vm = 0; vm < world.vms; vm += 1) {
      if (of.bootKnown.get(state, vm) === 1) continue;
      const next = out.from(state);
      const takenForOurs = !has.everyBootCounts && of.notBefore.get(state, vm) > 0;
      of.bootKnown.set(next, vm, 1);
      of.sinceBootSeen.set(next, vm, takenForOurs ? of.sinceBootSeen.max : 0);
      out.add("has a new boot id, and the record keeps when it was seen", -1, vm);
    }
  },
};

/** Redis is lost: the new record takes the boot id that it finds for the one that was always there. */
export const recordIsLost: Rule = {
  name: "the record is lost",
  appliesTo: ({ world }) => world.foreignReboots === "Forgotten",
  step({ world, fields: { vm: of } }, state, out) {
    for (let vm = 0; vm < world.vms; vm += 1) {
      const next = out.from(state);
      of.bootKnown.set(next, vm, 1);
      of.sinceBootSeen.set(next, vm, of.sinceBootSeen.max);
      out.add("loses its record with Redis", -1, vm);
    }
  },
};
