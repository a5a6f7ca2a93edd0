import type { Configuration } from "./configuration.ts";
import { initialState } from "./fields.ts";
import { modelOf } from "./model.ts";
import { REBOOTS } from "./rules/cloud.ts";
import { RULES } from "./step.ts";
import type { System } from "./successors.ts";
import { canonicalizerOf } from "./symmetry.ts";

/** The reboot protocol in one world, ready to be explored. */
export function systemOf(world: Configuration, symmetry = true): System {
  const model = modelOf(world);
  const rules = RULES.filter(({ appliesTo }) => appliesTo?.(model) ?? true);
  return {
    words: model.fields.words,
    initial: () => initialState(model.fields),
    expand: (state, out) => {
      for (const { step } of rules) step(model, state, out);
    },
    ...(symmetry ? { canonicalize: canonicalizerOf(model) } : {}),
    ...(model.checks.progress ? { progress: REBOOTS } : {}),
  };
}
