/**
 * Limits on how many repairs may begin, and breakers, judged by the executions and the machines alone. A
 * call may be carried out later than it was decided (`allowance`), and clocks may be off: so much a limit is forgiven.
 */
import { DAY, HOUR, type Millis } from "@node-agent/shared/core/time.ts";
import { allowanceOf, type Violation } from "./oracle.ts";
import type { Settings } from "./settings.ts";
import { mostOf } from "./most.ts";
import type { Execution, Truth } from "./truth.ts";
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

/** Executions that came faster than the limits allow, or while a breaker had long been open. */
export function judgeLimits({ truth, promised, time }: World): Violation[] {
  const { executions } = truth;
  const ofVms = Map.groupBy(executions, ({ instanceId }) => instanceId);
  const { nodePerDay } = promised.policy.limits;
  const perVm = { name: "of one VM in a day", most: nodePerDay, span: DAY };
  const told = (what: string, { node, at }: Execution): string =>
    `${node} at ${((at - time.start) / 1000).toFixed(1)} s: ${what}`;
  const found: Found[] = [
    ...tooFast(executions, inAnHour(truth, promised), promised),
    ...[...ofVms.values()].flatMap((own) => tooFast(own, perVm, promised)),
    ...executions.flatMap((execution) => whileBroken(execution, promised) ?? []),
  ];
  return found.map(({ invariant, what, execution }) => ({ invariant, what: told(what, execution) }));
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
function whileBroken(execution: Execution, settings: Settings): Found | undefined {
  const { at, brokenSince, granted } = execution;
  if (brokenSince === undefined || granted) return undefined;
  const lasted: Millis = at - brokenSince;
  const blind = allowanceOf(settings) + settings.fleetShared + settings.readDeadline;
  if (lasted <= blind) return undefined;
  const what = `it was rebooted ${Math.round(lasted)} ms after so many failed that it had to be held`;
  return { invariant: "Breaker", what, execution };
}

/** Whether so many intents were written of late that a rate may hold this node. */
export function isRationed({ attempts, time, promised, truth }: World, node: string): boolean {
  const { now } = time;
  return (
    attempts.count(now - HOUR) >= inAnHour(truth, promised).most ||
    attempts.count(now - DAY, node) >= promised.policy.limits.nodePerDay
  );
}

function inAnHour({ machines }: Truth, { policy }: Settings): Limit {
  return { name: "in an hour", most: mostOf(policy.limits.rate, machines.size), span: HOUR };
}
