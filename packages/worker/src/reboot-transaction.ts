import type { DeadlineStep, TimedStep } from "@node-agent/shared/contract/metric-labels.ts";
import type { GateName } from "@node-agent/shared/core/gates/gate.ts";
import type { RebootStep } from "@node-agent/shared/core/gates/list.ts";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import type { VerdictTimings } from "@node-agent/shared/core/verification.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { dependencyOf, type Dependency } from "@node-agent/shared/ports/dependency.ts";
import type { Executor } from "@node-agent/shared/ports/executor.ts";
import type { EvidenceReader } from "@node-agent/shared/ports/node-evidence.ts";
import type { NodeReader } from "@node-agent/shared/ports/node-reader.ts";
import type { PlanStore } from "@node-agent/shared/ports/plan-store.ts";
import type { StateStore, VersionedRecord } from "@node-agent/shared/ports/state-store.ts";
import type { CallBrake } from "./call-brake.ts";
import { deadlineSignal } from "@node-agent/shared/runtime/deadline.ts";
import type { FleetWatch } from "./fleet-watch.ts";
import type { Journal } from "./journal.ts";
import type { Rules } from "@node-agent/shared/core/judge.ts";
import type { LedgerGate } from "./ledger-gate.ts";
import type { Lateness, Stopwatch } from "./stopwatch.ts";
import type { Whereabouts } from "./whereabouts.ts";

/** The spans of the reboot transaction (facts on the protocol, 3.4). */
export interface RebootTimings {
  /** S: from the first read to the call. */
  readonly sendDeadline: Millis;
  /** D: from the call to its abort. */
  readonly callDeadline: Millis;
  /** How long one fresh read of the node, the fleet, the ledger or the cloud may take. */
  readonly readDeadline: Millis;
  /** The pause after something held a reboot back that names no time of its own. */
  readonly blockedRetry: Millis;
  /** The pause after a call that surely was not made, or was refused. */
  readonly retryPause: Millis;
  /** A plan of the fleet older than this holds nothing. */
  readonly planStale: Millis;
  /** How long a call may be on its way: send deadline, call deadline and the margin of the cloud. */
  readonly flight: Millis;
}

/** What the reboot transaction works with. */
export interface RebootDeps {
  readonly store: StateStore;
  readonly reader: NodeReader;
  readonly fleet: Pick<FleetWatch, "health">;
  /** Whether the configuration selects a node: the others are nobody's to reboot. */
  readonly selects: (node: NodeSnapshot) => boolean;
  /** The authority on reboots. Absent in monitor-only mode, which needs none, and only there. */
  readonly ledger: LedgerGate | undefined;
  readonly executor: Executor;
  readonly evidence: EvidenceReader;
  readonly plans: Pick<PlanStore, "latest">;
  /** One for all jobs of this process. */
  readonly brake: Pick<CallBrake, "claim">;
  readonly whereabouts: Pick<Whereabouts, "hosting">;
  readonly journal: Journal;
  readonly rules: Rules;
  readonly clock: Clock;
  readonly timings: RebootTimings;
  readonly newToken: () => string;
  readonly lateness: Lateness;
  /** Told of each send deadline that was missed, and which step is to blame. */
  readonly onMissed: (step: DeadlineStep) => void;
  /** Waits for a random span up to `most`, so that workers that met do not meet again. */
  readonly jitter: (most: Millis, signal: AbortSignal) => Promise<void>;
}

/** How a transaction ended that the plan did not hold: the job ends, or looks again, telling what it waits for. */
export type TransactionRun = Exclude<RebootStep, { step: "CallExecutor" }> & {
  readonly record: NodeRecord | undefined;
};

/** What the job does next: what its transaction decided, or sleep while the plan holds it. */
export type RebootRun =
  | TransactionRun
  | {
      readonly step: "Held";
      /** What it would show if no plan had said anything yet. */
      readonly own?: { readonly gate: GateName; readonly why: string };
      readonly at: EpochMillis;
      readonly record: NodeRecord;
    };

/** How long the verdict on a reboot waits. */
export function verdictTimingsOf({ timings, rules }: Pick<RebootDeps, "rules" | "timings">): VerdictTimings {
  const { recoveredAfter, curedAfter } = rules.policy.storm;
  return { flight: timings.flight, recoveredAfter, curedAfter };
}

/** One pass: what was read first, and when. Everything that limits the pass counts from here. */
export interface Transaction {
  readonly node: string;
  readonly stored: VersionedRecord;
  readonly startedMono: Millis;
  readonly startedWall: EpochMillis;
  readonly signal: AbortSignal;
  /** What took how long since then. */
  readonly stopwatch: Stopwatch;
}

/** What is read of the world, and whose fault it is when it cannot be read. */
const DEPENDENCY_OF = {
  Ledger: "Kubernetes",
  Node: "Kubernetes",
  Fleet: "Kubernetes",
  Cloud: "Cloud",
} satisfies Partial<Record<TimedStep, Dependency>>;

/** A read of the world with a deadline: its failure is a gate that holds, never an exception. */
export async function tried<T>(
  { signal: parent, node, stopwatch }: Transaction,
  { clock, timings, journal }: Pick<RebootDeps, "clock" | "timings" | "journal">,
  step: keyof typeof DEPENDENCY_OF,
  read: (signal: AbortSignal) => Promise<T>,
): Promise<{ readonly value: T } | { readonly failed: string }> {
  using deadline = deadlineSignal(clock, timings.readDeadline, parent);
  const timed = async (): Promise<T> => stopwatch.time(step, async () => read(deadline.signal));
  return await blamed(timed, DEPENDENCY_OF[step], node, journal);
}

/** What the work returns, or why it failed: then the journal blames what the error names, else what was asked. */
export async function blamed<T>(
  work: () => Promise<T>,
  asked: Dependency,
  node: string,
  journal: Journal,
): Promise<{ readonly value: T } | { readonly failed: string }> {
  try {
    return { value: await work() };
  } catch (error) {
    const failed = error instanceof Error ? error.message : "unknown error";
    journal.fault(dependencyOf(error) ?? asked, failed, node);
    return { failed };
  }
}

/** The store's clock, carried on by our own monotonic one since the first read. */
export function nowOf({ stored, startedMono }: Transaction, clock: Clock): EpochMillis {
  return stored.view.now + Math.max(0, clock.monotonic() - startedMono);
}
