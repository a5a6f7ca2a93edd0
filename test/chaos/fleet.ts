import type { PoolPart } from "../support/topology-simulator.ts";
import type { OracleRules } from "./oracle.ts";
import { LATEST_EXECUTION, OPEN, SPANS } from "./settings.ts";

const GPU_POOL = "gpu";
const POOLS = ["a", "b", "c", GPU_POOL] as const;

/** Pools of about the same size, one of them with GPUs. The name of a node begins with that of its pool. */
export function poolsOf(nodes: number): PoolPart[] {
  return POOLS.map((name, i) => {
    const count = Math.floor((nodes + i) / POOLS.length);
    const nodeNames = Array.from({ length: count }, (_, n) => `${name}-${n + 1}`);
    return { name, nodeNames, gpus: name === GPU_POOL ? 8 : 0 };
  });
}

/** The pool that a node is in. */
function poolOf(node: string): string {
  return node.slice(0, node.lastIndexOf("-"));
}

/** Whether the node has GPUs. */
export function hasGpus(node: string): boolean {
  return poolOf(node) === GPU_POOL;
}

/** What the oracle must know of this fleet. */
export function oracleRules(
  healedAt: OracleRules["healedAt"] = new Map(),
  wait: OracleRules["waitOf"] = (node) => (hasGpus(node) ? SPANS.wait.gpu : SPANS.wait.standard),
): OracleRules {
  return {
    waitOf: wait,
    poolOf,
    healedAt,
    allowance: SPANS.sendDeadline + LATEST_EXECUTION,
    down: SPANS.boot + SPANS.kubeletReady,
    open: OPEN,
  };
}
