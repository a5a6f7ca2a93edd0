import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { nextStep } from "@node-agent/shared/core/gates/list.ts";
import { judge } from "@node-agent/shared/core/judge.ts";
import { poolOf, type NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { pausesOf } from "@node-agent/shared/core/pause.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import type { Random } from "../../../packages/simulator/src/world/random.ts";
import { hostileText, hostileValue } from "./hostile.ts";

const START = Date.UTC(2026, 0, 3);
const policy = { ...DEFAULT_POLICY, monitorOnly: false, blindGrace: 0 };
const rules = { policy, checkers: createCheckers(policy) };

/** One look at a node in its life: what was seen, and after how many minutes. */
export interface Look {
  readonly minute: number;
  readonly snapshot: NodeSnapshot;
}

/** What one look came to. */
export interface Seen {
  readonly isDue: boolean;
  readonly isSick: boolean;
  /** The same snapshot once more changes nothing. */
  readonly isStable: boolean;
}

/** A node's life under the agent's eyes, without a reboot: judged at each look, and asked whether a reboot is due. */
export function live(looks: readonly Look[]): Seen[] {
  let record: NodeRecord | undefined;
  return looks.map(({ minute, snapshot }) => {
    const view = { now: START + minute * MINUTE, observed: 10 * HOUR + minute * MINUTE };
    const judged = judge(snapshot, { record, damaged: false }, rules, view);
    const again = judge(snapshot, { record: judged.after, damaged: false }, rules, view);
    record = again.after;
    const { step } = nextStep({
      ...view,
      record,
      policy,
      viewAge: 0,
      pauses: pausesOf({ name: snapshot.name, pool: poolOf(snapshot), snapshot }, policy.paused, undefined),
      node: snapshot,
    });
    const isSick = judged.evaluation.verdict === "Fail";
    return { isDue: step === "CallExecutor", isSick, isStable: !again.changed };
  });
}

type Fields = Record<string, unknown>;

/** The same node with hostile fields, conditions, taints, labels and resources that no rule of ours speaks of. */
export function withExtras(random: Random, base: object): object {
  const raw = structuredClone(base) as { metadata: Fields; spec: Fields; status: Fields };
  const { metadata, spec, status } = raw;
  const times = random.integer(4);
  for (let i = 0; i <= times; i += 1) {
    metadata["labels"] = extended(random, metadata["labels"]);
    metadata["annotations"] = extended(random, metadata["annotations"]);
    status["capacity"] = extended(random, status["capacity"]);
    status["allocatable"] = extended(random, status["allocatable"]);
    metadata["managedFields"] = hostileValue(random);
    spec["taints"] = [...listOf(spec["taints"]), hostileEntry(random, "key")];
    status["conditions"] = [...listOf(status["conditions"]), hostileEntry(random, "type")];
    status[`extra-${i}`] = hostileValue(random);
  }
  return raw;
}

function extended(random: Random, fields: unknown): object {
  const copy = { ...(fields as object | undefined) };
  const value = random.next() < 0.5 ? hostileText(random) : hostileValue(random);
  const own = { value, enumerable: true, configurable: true, writable: true };
  return Object.defineProperty(copy, hostileText(random), own);
}

function hostileEntry(random: Random, name: "key" | "type"): unknown {
  if (random.next() < 0.3) return hostileValue(random);
  const status = random.next() < 0.5 ? "True" : hostileText(random);
  return { [name]: hostileText(random), status, effect: "NoExecute", reason: hostileText(random) };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
