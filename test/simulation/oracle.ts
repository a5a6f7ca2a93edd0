import type { Millis } from "@node-agent/shared/core/time.ts";
import { LEDGER, POLICY } from "./settings.ts";
import type { Execution, Truth } from "./truth.ts";

/** A broken promise, named by its invariant. */
export interface Violation {
  readonly invariant: "I1" | "I2" | "I3" | "I4";
  readonly what: string;
}

/** How long a node may have been well before a call that was decided while it was sick is carried out. */
const ALLOWANCE: Millis = LEDGER.sendDeadline + LEDGER.callDeadline + LEDGER.margin;

/** Judges the executions, by the world's own log and true time; the system's records are not asked. */
export function judgeExecutions(truth: Truth): Violation[] {
  const violations: Violation[] = [];
  const latest = new Map<string, Execution>();
  for (const execution of truth.executions) {
    const { instanceId, node, at, wellSince, gpu, openOthers, openInPool } = execution;
    const before = latest.get(instanceId);
    const wait = gpu ? POLICY.rebootWait.gpu : POLICY.rebootWait.standard;
    if (before !== undefined && at - before.at < wait) {
      violations.push({ invariant: "I1", what: `${node} was rebooted twice within ${at - before.at} ms` });
    }
    if (wellSince !== undefined && at - wellSince > ALLOWANCE) {
      violations.push({
        invariant: "I2",
        what: `${node} was rebooted ${at - wellSince} ms after it was well`,
      });
    }
    const { cluster, pool } = POLICY.storm.budgets;
    if (openOthers >= cluster) {
      violations.push({
        invariant: "I3",
        what: `${node} was rebooted with ${openOthers} others open, ${cluster} allowed`,
      });
    }
    if (openInPool >= pool) {
      violations.push({
        invariant: "I3",
        what: `${node} was rebooted with ${openInPool} others of its pool open`,
      });
    }
    latest.set(instanceId, execution);
  }
  return violations;
}

/** What is known of a node at the end of a run. */
export interface Ending {
  readonly phase: string;
  /** The gate that its pending reboot names, if it has one. */
  readonly waitsFor: string | undefined;
}

/**
 * Nodes that are still sick after the faults stopped and everything had its time. Two endings are open ones: given up
 * after its attempts, and held by the storm guard because its whole pool is down; both wait for a person.
 */
export function forgotten(truth: Truth, endings: ReadonlyMap<string, Ending>): Violation[] {
  const machines = [...truth.machines.values()].filter(({ exists }) => exists);
  const sick = machines.filter(({ wellSince }) => wellSince === undefined);
  return sick
    .filter(({ name, pool }) => {
      const { phase, waitsFor } = endings.get(name) ?? { phase: "none", waitsFor: undefined };
      const poolIsDown = machines.every((one) => one.pool !== pool || one.wellSince === undefined);
      return phase !== "Failed" && !(waitsFor === "Storm" && poolIsDown);
    })
    .map(({ name, sickness }) => {
      const { phase, waitsFor } = endings.get(name) ?? { phase: "none", waitsFor: undefined };
      return {
        invariant: "I4",
        what: `${name} is still ${sickness}, phase ${phase}, waits for ${waitsFor ?? "nothing"}`,
      };
    });
}
