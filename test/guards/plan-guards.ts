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
    from: 'return { step: "Held", at: now + HELD_SLEEP, record };',
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
  {
    guard: "a result that is known is looked at before the wait is over",
    file: PLAN,
    from: " || isResultKnown(node, input);",
    to: ";",
    tests: PLAN_TESTS,
  },
  {
    guard: "still bad: only a kubelet that reports tells it before the wait is over",
    file: "packages/shared/src/core/verification.ts",
    from: "from !== undefined && view.speaks && view.now >= ",
    to: "from !== undefined && view.now >= ",
    tests: ["test/unit/core/verification.test.ts"],
  },
  {
    guard: "still bad: the boot id must have changed",
    file: "packages/shared/src/core/verification.ts",
    from: "if (!isOpen || !hasBootIds(record, lastReboot) || !hasRebooted(record, lastReboot)) return undefined;",
    to: "if (!isOpen) return undefined;",
    tests: ["test/unit/core/verification.test.ts"],
  },
  {
    guard: "not executed: of a node that is well it is proven at the end of the wait",
    file: "packages/shared/src/core/verification.ts",
    from: "return Math.max(landed, lastReboot.waitUntil);",
    to: "return landed;",
    tests: ["test/unit/core/verification.test.ts", "test/unit/core/relapse.test.ts"],
  },
  {
    guard: "a write of the same worker is no step back of the ledger",
    file: "packages/worker/src/ledger-gate.ts",
    from: "const { known, ...numbers } = before;",
    to: "const { known, ...numbers } = { ...before, seqHighWater: this.#seen };",
    tests: ["test/unit/worker/ledger-gate.test.ts"],
  },
  {
    guard: "what takes long is read ahead of every repair that may be called",
    file: "packages/worker/src/reboot-processor.ts",
    from: '    if (!isAhead) return { step: "Due", now: view.now };\n',
    to: "",
    tests: ["test/unit/worker/reboot-last-look.test.ts"],
  },
  {
    guard: "the brake of one process holds no longer than a look",
    file: "packages/worker/src/reboot-call.ts",
    from: "Math.min(claim.wait, timings.blockedRetry);",
    to: "claim.wait;",
    tests: ["test/unit/worker/reboot-processor.test.ts"],
  },
  {
    guard: "one wait: the record keeps the window of the ledger",
    file: "packages/worker/src/reboot-call.ts",
    from: "windowEnd ?? now + worstCase;",
    to: "now + worstCase;",
    tests: ["test/unit/worker/reboot-processor.test.ts"],
  },
  {
    guard: "one wait: the window of the ledger holds where the record has forgotten",
    file: "packages/shared/src/core/gates/own-state.ts",
    from: "Math.max(own, ledger?.notBefore ?? 0);",
    to: "own;",
    tests: ["test/unit/core/explain.test.ts"],
  },
];
