/**
 * Limits on how fast reboots may follow each other and on storms, judged by the executions and the machines alone. A
 * call may be carried out later than it was decided (`allowance`), and clocks may be off: so much a limit is forgiven.
 */
import { DAY, HOUR, type Millis } from "@node-agent/shared/core/time.ts";
import { allowanceOf, type Violation } from "./oracle.ts";
import type { Settings } from "./settings.ts";
import type { Execution } from "./truth.ts";
import type { World } from "./world.ts";

interface Limit {
  readonly name: string;
  /** The most executions in the span. */
  readonly most: number;
  readonly span: Millis;
}

interface Found extends Violation {
  readonly execution: Execution;
}

/** Executions that came faster than the limits allow, or while a storm had long been plain to see. */
export function judgeLimits({ truth, promised, time }: World): Violation[] {
  const { executions } = truth;
  const ofVms = Map.groupBy(executions, ({ instanceId }) => instanceId);
  const { nodePerDay } = promised.policy.storm.budgets;
  const perVm = { name: "of one VM in a day", most: nodePerDay, span: DAY };
  const told = (what: string, { node, at }: Execution): string =>
    `${node} at ${((at - time.start) / 1000).toFixed(1)} s: ${what}`;
  const found: Found[] = [
    ...limitsOf(promised).flatMap((limit) => tooFast(executions, limit, promised)),
    ...[...ofVms.values()].flatMap((own) => tooFast(own, perVm, promised)),
    ...executions.flatMap((execution) => inStorm(execution, promised) ?? []),
  ];
  return found.map(({ invariant, what, execution }) => ({ invariant, what: told(what, execution) }));
}

function limitsOf({ policy, callLimit }: Settings): Limit[] {
  const { spacing, perHour, perDay } = policy.storm.budgets;
  return [
    { name: "within the spacing", most: 1, span: spacing },
    { name: "in an hour", most: perHour, span: HOUR },
    { name: "in a day", most: perDay, span: DAY },
    // A call that was not made keeps its slot, and may be made at the end of it: then the next slots are free again.
    ...(callLimit === undefined
      ? []
      : [{ name: "within the call limit's span", most: 2 * callLimit.max, span: callLimit.per }]),
  ];
}

function tooFast(executions: readonly Execution[], { name, most, span }: Limit, settings: Settings): Found[] {
  const surely = span - allowanceOf(settings) - settings.ledger.clockSkew;
  const inOrder = executions.toSorted((a, b) => a.at - b.at);
  return inOrder.flatMap((execution, i) => {
    const before = inOrder[i - most];
    if (before === undefined || execution.at - before.at >= surely) return [];
    const gap = Math.round(execution.at - before.at);
    const what = `it was rebooted as one of ${most + 1} within ${gap} ms, ${most} ${name} allowed`;
    return [{ invariant: "Rate", what, execution }];
  });
}

/** The decision may have been made so long ago, on a list of the nodes that was read before it. */
function inStorm(execution: Execution, settings: Settings): Found | undefined {
  const { at, stormSince, granted } = execution;
  if (stormSince === undefined || granted) return undefined;
  const lasted: Millis = at - stormSince;
  const blind = allowanceOf(settings) + settings.fleetShared + settings.readDeadline;
  if (lasted <= blind) return undefined;
  const what = `it was rebooted ${Math.round(lasted)} ms into a storm that everybody could see`;
  return { invariant: "Storm", what, execution };
}

/** Whether so many intents were written of late that a budget may hold this node. */
export function isRationed({ attempts, time, promised }: World, node: string): boolean {
  const { perHour, perDay, nodePerDay } = promised.policy.storm.budgets;
  const { now } = time;
  return (
    attempts.count(now - HOUR) >= perHour ||
    attempts.count(now - DAY) >= perDay ||
    attempts.count(now - DAY, node) >= nodePerDay
  );
}
