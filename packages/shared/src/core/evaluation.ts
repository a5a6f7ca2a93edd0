import type { CheckerName, CheckVerdict, HealthChecker, NodeHistory, RepairAction } from "./check.ts";
import { isReady } from "./checkers/conditions.ts";
import { GPU_STARTUP } from "./checkers/gpu.ts";
import { gpuLesson, type GpuLesson } from "./checkers/gpu-memory.ts";
import { STARTUP_GRACE } from "./checkers/node-ready.ts";
import type { NodeSnapshot } from "./node.ts";
import type { Millis } from "./time.ts";

/** One checker's judgement together with what its failure would mean. */
export interface Judgement {
  readonly checker: CheckerName;
  readonly verdict: CheckVerdict;
  readonly reason: string;
  readonly threshold: Millis;
  readonly action: RepairAction;
}

/**
 * The judgement of a whole node. `Undecided` means that the node was never Ready and its start-up grace still
 * runs: failures of other checkers do not count yet.
 */
export interface Evaluation extends GpuLesson {
  readonly verdict: "Pass" | "Fail" | "Undecided";
  readonly judgements: readonly Judgement[];
  /** The node is Ready in this snapshot. */
  readonly ready: boolean;
}

/**
 * Judges a node by every checker. One failure fails the node, skips do not; a node in its start-up grace is
 * undecided whatever the others say. What the history needs to learn is read whichever checkers are enabled.
 */
export function evaluate(
  node: NodeSnapshot,
  checkers: readonly HealthChecker[],
  history: NodeHistory,
): Evaluation {
  const judgements = checkers.map((checker): Judgement => {
    const { verdict, reason } = checker.check(node, history);
    return { checker: checker.name, verdict, reason, threshold: checker.threshold, action: checker.action };
  });
  return {
    verdict: verdictOf(judgements),
    judgements,
    ready: isReady(node),
    ...gpuLesson(node, history),
  };
}

/** A checker gives the node time to start up, so that time alone will change this judgement. */
export function isStartingUp({ judgements }: Evaluation): boolean {
  return judgements.some(
    ({ verdict, reason }) => verdict === "Skip" && (reason === STARTUP_GRACE || reason === GPU_STARTUP),
  );
}

function verdictOf(judgements: readonly Judgement[]): Evaluation["verdict"] {
  if (judgements.some(({ verdict, reason }) => verdict === "Skip" && reason === STARTUP_GRACE)) {
    return "Undecided";
  }
  return judgements.some(({ verdict }) => verdict === "Fail") ? "Fail" : "Pass";
}
