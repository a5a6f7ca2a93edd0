import type { GateName } from "@node-agent/shared/core/gates/gate.ts";
import type { RebootStep } from "@node-agent/shared/core/gates/list.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { MINUTE, SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import type { ClusterView } from "@node-agent/shared/ports/snapshot-store.ts";
import type { RebootDeps, RebootRun } from "./reboot-transaction.ts";

/** How long a repair that the plan holds sleeps, unless the plan wakes it. */
const HELD_SLEEP: Millis = 10 * MINUTE;

/** How often a watcher beats at least while a repair is near. */
const NEAR_BEAT: Millis = 0.25 * SECOND;

/** Gates that end by themselves at a known time, which a pending repair waits for on its own. */
const OWN_TIME: ReadonlySet<GateName> = new Set(["Threshold", "WaitWindow", "Settle"]);

/**
 * The plan of the fleet holds this repair, and shows what by: another look at the world would find what one look for all
 * has found. A hold that ends at a known time the repair sleeps through on its own. Without a plan every repair looks for
 * itself. Undefined: nothing of the plan holds it.
 */
export async function heldByPlan(
  record: NodeRecord,
  step: RebootStep,
  { now, age = 0 }: Pick<ClusterView, "now" | "age">,
  { plans, timings }: Pick<RebootDeps, "plans" | "timings">,
): Promise<RebootRun | undefined> {
  if (step.step === "Finish") return undefined;
  const latest = await plans.latest();
  if (latest === undefined || Math.abs(now - latest.at) > timings.planStale) return undefined;
  if (step.step === "WaitUntil" && OWN_TIME.has(step.gate)) {
    const { gate, why } = step;
    // Observed time stands still between two beats; the next one counts what has passed since the latest.
    const at = gate === "Threshold" ? Math.max(now, step.at - age) + NEAR_BEAT : step.at;
    return { step: "Held", at, record, own: { gate, why } };
  }
  if (latest.proceed.includes(record.name)) return undefined;
  return { step: "Held", at: now + HELD_SLEEP, record };
}
