/**
 * The judge of every chaos run. It knows nothing of the agents: it reads the list of reboots that the simulated cloud
 * carried out, and what the test itself did to the machines.
 */
import type { OracleReboot } from "../support/topology-simulator.ts";
import { countOpen, type OpenCount, type OpenRules } from "./open-reboots.ts";

/** What the oracle must know besides the reboots. */
export interface OracleRules extends OpenRules {
  /** The wait of the VM behind a node. */
  readonly waitOf: (node: string) => number;
  /** When the test healed a node without a reboot: instants of the simulator's clock. */
  readonly healedAt: ReadonlyMap<string, readonly number[]>;
  /** How long before its execution a reboot may have been decided (S + D + M): a node that healed within it may be hit. */
  readonly allowance: number;
}

/** What came of a run. The lists are violations, each in words; `overBudget` is I3. */
export interface Verdict extends OpenCount {
  readonly reboots: number;
  /** I1: two reboots of one VM within its wait. */
  readonly doubles: readonly string[];
  /** I2: a machine that was well, and had been for longer than the allowance. */
  readonly healthy: readonly string[];
  /** Machines that healed by themselves so shortly before that nobody could know: allowed, and told. */
  readonly healedTooLate: number;
  /** The least time between two reboots of one VM, against its wait: negative is a double. */
  readonly leastSpare: number;
}

/** Judges a list of executed reboots. */
export function judgeReboots(reboots: readonly OracleReboot[], rules: OracleRules): Verdict {
  const spares = sparesOf(reboots, rules);
  const hits = reboots.filter(({ healthyAtExecution }) => healthyAtExecution);
  const excused = hits.filter((hit) => isExcused(hit, rules));
  return {
    reboots: reboots.length,
    doubles: spares.filter(({ spare }) => spare < 0).map(({ words }) => words),
    healthy: hits
      .filter((hit) => !excused.includes(hit))
      .map(({ node, at }) => `${node} was well at ${iso(at)}`),
    ...countOpen(reboots, rules),
    healedTooLate: excused.length,
    leastSpare: Math.min(Infinity, ...spares.map(({ spare }) => spare)),
  };
}

/** The violations of a verdict, in words; none: the run kept every promise. */
export function violationsOf({ doubles, healthy, overBudget: over }: Verdict): string[] {
  return [
    ...doubles.map((words) => `double (I1): ${words}`),
    ...healthy.map((words) => `healthy (I2): ${words}`),
    ...over.map((words) => `over budget (I3): ${words}`),
  ];
}

function sparesOf(
  reboots: readonly OracleReboot[],
  { waitOf }: OracleRules,
): { readonly spare: number; readonly words: string }[] {
  return [...Map.groupBy(reboots, ({ instanceId }) => instanceId).values()].flatMap((own) => {
    const inOrder = own.toSorted((a, b) => a.at - b.at);
    return inOrder.slice(1).map((reboot, i) => {
      // Counted to the request: when the cloud is late with the second one, the decision was still too early.
      const gap = reboot.requestAt - (inOrder[i]?.at ?? 0);
      const wait = waitOf(reboot.node);
      return { spare: gap - wait, words: `${reboot.node} after ${gap} of ${wait} ms, at ${iso(reboot.at)}` };
    });
  });
}

function isExcused({ node, at }: OracleReboot, { healedAt, allowance }: OracleRules): boolean {
  return (healedAt.get(node) ?? []).some((healed) => healed <= at && healed >= at - allowance);
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
