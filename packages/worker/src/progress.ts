/** What a pending reboot shows of itself: written by its transaction, and by the plan while the plan holds it. */
import type { RebootProgress } from "@node-agent/shared/contract/queues.ts";
import type { GateName } from "@node-agent/shared/core/gates/gate.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";

/** What is to be shown. `until`: when that ends, or when it is asked again. */
export interface ShownHold {
  readonly gate: GateName | "nothing";
  readonly why: string;
  readonly until: EpochMillis | undefined;
  readonly record: NodeRecord | undefined;
  /** The plan holds it; absent: its own transaction found that. */
  readonly by?: "plan";
}

/** The progress after `before`; whoever writes it twice at once counts the same change. */
export function progressOf(
  { gate, why, until, record, by }: ShownHold,
  before: RebootProgress | undefined,
  now: EpochMillis,
): RebootProgress & { readonly changes: number } {
  const attempts = record?.incident?.attempts;
  const isSameGate = before?.waitsFor === gate;
  const isSame = isSameGate && before.attempts === attempts;
  return {
    phase: record?.phase ?? "Unknown",
    waitsFor: gate,
    why: why.slice(0, 512),
    ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
    ...(attempts === undefined ? {} : { attempts }),
    changes: (before?.changes ?? 0) + Number(!isSame),
    since: (isSameGate ? before.since : undefined) ?? new Date(now).toISOString(),
    ...(by === undefined ? {} : { by }),
  };
}
