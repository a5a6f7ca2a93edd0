import type { Share } from "@node-agent/shared/core/storm/policy.ts";

/** What a count and a share of so many nodes come to: the larger one, and at least one. */
export function mostOf({ count, percent }: Share, nodes: number): number {
  return Math.max(Math.trunc((nodes * percent) / 100), count, 1);
}
