import { CHECKER_NAMES } from "@node-agent/shared/core/check.ts";
import type { RepairPolicy } from "@node-agent/shared/core/policy.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { StateStore } from "@node-agent/shared/ports/state-store.ts";
import type { Logger } from "@node-agent/shared/runtime/logger.ts";

/** What the look at idle checkers works with. */
export interface IdleCheckersDeps {
  readonly state: Pick<StateStore, "countRecords">;
  readonly policy: RepairPolicy;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Time for the nodes of a cluster to be judged first. */
  readonly after: Millis;
}

/**
 * Logs once, after the start, every enabled checker that judges no node of this cluster: a checker that never applies looks
 * like one that always passes. The same as a gauge: `civo_node_agent_checker_nodes`.
 */
export async function logIdleCheckers(deps: IdleCheckersDeps, signal: AbortSignal): Promise<void> {
  const { state, policy, logger, clock, after } = deps;
  await clock.sleep(after, signal);
  if (signal.aborted) return;
  try {
    const counts = await state.countRecords();
    const nodes = counts.reduce((sum, { gauge, count }) => (gauge === "nodes" ? sum + count : sum), 0);
    const applies = new Set(
      counts.filter(({ gauge }) => gauge === "judgedNodes").map(({ labels }) => labels["checker"]),
    );
    const idle = CHECKER_NAMES.filter((name) => policy.checkers[name].enabled && !applies.has(name));
    if (nodes > 0 && idle.length > 0) {
      logger.info({ checkers: idle, nodes }, "these checkers apply to no node of this cluster");
    }
  } catch (error) {
    logger.warn({ err: error }, "could not count the nodes that each checker judges");
  }
}
