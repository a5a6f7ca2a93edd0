import type { PoolPart } from "../support/topology-simulator.ts";
import type { OpenLimits } from "./open-reboots.ts";
import type { OracleRules } from "./oracle.ts";
import { LATEST_EXECUTION, OPEN, SHORTEST_THRESHOLD, SPANS } from "./settings.ts";
import type { Witness } from "./witness.ts";

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

/** What the oracle cannot know of itself; what is left out did not happen, or is as the settings say. */
export interface RunFacts {
  readonly healedAt?: OracleRules["healedAt"];
  readonly waitOf?: OracleRules["waitOf"];
  readonly witness?: Pick<Witness, "sickUntil">;
  readonly open?: OpenLimits;
}

/** What the oracle must know of this fleet. */
export function oracleRules(facts: RunFacts = {}): OracleRules {
  const { healedAt = new Map(), waitOf = waitOfNode, witness, open = OPEN } = facts;
  return {
    waitOf,
    poolOf,
    healedAt,
    allowance: SPANS.sendDeadline + LATEST_EXECUTION,
    open,
    openUntil: ({ node, at }) => {
      // Whatever anybody saw: nothing is well before it has booted.
      const sickUntil = Math.max(at + SPANS.boot, witness?.sickUntil(node, at) ?? at);
      // One that still fails after its boot is known to be still bad: its place is free.
      return Math.min(sickUntil, at + waitOf(node), at + SPANS.boot + SHORTEST_THRESHOLD);
    },
  };
}

function waitOfNode(node: string): number {
  return hasGpus(node) ? SPANS.wait.gpu : SPANS.wait.standard;
}
