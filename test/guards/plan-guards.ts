import type { Guard } from "./guard.ts";

const PLAN = "packages/shared/src/core/plan/plan.ts";
const PLAN_TESTS = ["test/unit/core/plan.test.ts"];
const PLAN_HOLD = "packages/worker/src/plan-hold.ts";
const PLANNER_TESTS = ["test/unit/worker/planner.test.ts"];

/** What the plan of the fleet promises. */
export const PLAN_GUARDS: readonly Guard[] = [
  {
    guard: "the oldest goes first",
    file: PLAN,
    from: "for (const node of input.nodes.toSorted(byWaiting)) {",
    to: "for (const node of input.nodes) {",
    tests: PLAN_TESTS,
  },
  {
    guard: "what is planned counts into the limits of the same plan",
    file: PLAN,
    from: "asked.limits?.take(subject);",
    to: "",
    tests: PLAN_TESTS,
  },
  {
    guard: "a node that no watcher stored is held by the plan",
    file: PLAN,
    from: "if (snapshot === undefined) {",
    to: "if (Math.random() > 1) {",
    tests: PLAN_TESTS,
  },
  {
    guard: "a repair that the plan holds reads nothing of the world",
    file: PLAN_HOLD,
    from: 'return { end: "Held", until: now + HELD_SLEEP, record };',
    to: "return undefined;",
    tests: PLANNER_TESTS,
  },
  {
    guard: "without plans every repair looks for itself",
    file: PLAN_HOLD,
    from: "if (latest === undefined || Math.abs(now - latest.at) > timings.planStale) return undefined;",
    to: "if (latest === undefined) return undefined;",
    tests: PLANNER_TESTS,
  },
];
