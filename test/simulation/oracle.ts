import type { Millis } from "@node-agent/shared/core/time.ts";
import { mostOf } from "./most.ts";
import type { Settings } from "./settings.ts";
import type { Execution } from "./truth.ts";
import type { World } from "./world.ts";

/** Promises, as in the design; those with other names are told of beside them. */
export type Invariant =
  | "I1"
  | "I2"
  | "I3"
  | "I4"
  | "I5"
  | "I6"
  | "Pause"
  | "Threshold"
  | "Grace"
  | "Rate"
  | "Breaker"
  | "Sleep"
  | "Named";

/** A broken promise, named by its invariant. */
export interface Violation {
  readonly invariant: Invariant;
  readonly what: string;
}

/** Judges the executions, by the world's own log and true time; the system's records are not asked. */
export function judgeExecutions(world: World): Violation[] {
  const { truth, promised } = world;
  const violations: Violation[] = [];
  const latest = new Map<string, Execution>();
  for (const execution of truth.executions) {
    const before = latest.get(execution.instanceId);
    const found = [
      twice(execution, before, promised),
      healthy(execution, promised),
      tooMany(execution, promised),
      promised.policy.monitorOnly ? "I5 it was rebooted in monitor-only mode" : undefined,
      wrongVm(execution),
      held(execution, promised),
      world.forged ? undefined : tooEarly(execution, promised),
      world.forged ? undefined : tooSoonAfterBlindness(execution, promised),
    ];
    for (const what of found) {
      if (what === undefined) continue;
      const [invariant = "", ...words] = what.split(" ");
      const at = ((execution.at - world.time.start) / 1000).toFixed(1);
      violations.push({
        invariant: invariant as Invariant,
        what: `${execution.node} at ${at} s: ${words.join(" ")}`,
      });
    }
    latest.set(execution.instanceId, execution);
  }
  return violations;
}

/** How long after a decision a call may still be carried out. */
export function allowanceOf({ ledger }: Settings): Millis {
  return ledger.sendDeadline + ledger.callDeadline + ledger.margin;
}

function twice(
  { at, gpu }: Execution,
  before: Execution | undefined,
  { policy }: Settings,
): string | undefined {
  const wait = gpu ? policy.rebootWait.gpu : policy.rebootWait.standard;
  if (before === undefined || at - before.at >= wait) return undefined;
  return `I1 it was rebooted twice within ${Math.round(at - before.at)} ms`;
}

function healthy({ at, wellSince }: Execution, settings: Settings): string | undefined {
  if (wellSince === undefined || at - wellSince <= allowanceOf(settings)) return undefined;
  return `I2 it was rebooted ${Math.round(at - wellSince)} ms after it was well`;
}

function tooMany(execution: Execution, { policy }: Settings): string | undefined {
  const { openOthers, openInPool, openInZone, nodes, nodesInPool, nodesInZone } = execution;
  const { cluster, pool, zone } = policy.limits.open;
  const most = mostOf(cluster, nodes);
  if (openOthers >= most) return `I3 it was rebooted with ${openOthers} others open, ${most} allowed`;
  if (openInPool >= mostOf(pool, nodesInPool))
    return `I3 it was rebooted with ${openInPool} others of its pool open`;
  if (openInZone >= mostOf(zone, nodesInZone))
    return `I3 it was rebooted with ${openInZone} others of its zone open`;
  return undefined;
}

function wrongVm({ node, askedFor }: Execution): string | undefined {
  return node === askedFor ? undefined : `I6 it was rebooted for the sake of ${askedFor}`;
}

function held({ at, pausedSince, optedOutSince }: Execution, settings: Settings): string | undefined {
  const allowance = allowanceOf(settings);
  if (pausedSince !== undefined && at - pausedSince > allowance) {
    return `Pause it was rebooted ${Math.round(at - pausedSince)} ms after the fleet was paused`;
  }
  if (optedOutSince !== undefined && at - optedOutSince > allowance) {
    return `Pause it was rebooted ${Math.round(at - optedOutSince)} ms after it opted out`;
  }
  return undefined;
}

/** Each checker's own threshold, on a clock that drains as fast as it fills; less what clocks may be off. */
function tooEarly({ shortBy }: Execution, { ledger }: Settings): string | undefined {
  if (shortBy === undefined || shortBy <= ledger.clockSkew) return undefined;
  return `Threshold it was rebooted when every clock was short of its threshold by ${Math.round(shortBy)} ms`;
}

/** The grace after a blindness, less what clocks may be off. */
function tooSoonAfterBlindness({ inSight }: Execution, { policy, ledger }: Settings): string | undefined {
  if (inSight === undefined || inSight >= policy.blindGrace - ledger.clockSkew) return undefined;
  return `Grace it was rebooted ${Math.round(inSight)} ms after the cluster came into sight again`;
}
