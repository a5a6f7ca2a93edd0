import { isVerdictPending, proofOf, speaks, type RebootProof } from "@node-agent/shared/core/verification.ts";
import { transition } from "@node-agent/shared/core/transition.ts";
import type { NodeRecord, RebootAttempt } from "@node-agent/shared/core/record.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { dependencyOf, type Dependency } from "@node-agent/shared/ports/dependency.ts";
import type { NodeReader, NodeReadResult } from "@node-agent/shared/ports/node-reader.ts";
import type { ClusterView } from "@node-agent/shared/ports/snapshot-store.ts";
import type { StateStore, VersionedRecord } from "@node-agent/shared/ports/state-store.ts";
import type { Journal } from "./journal.ts";
import { deadlineSignal } from "@node-agent/shared/runtime/deadline.ts";
import { judge, type Rules } from "./judge.ts";
import type { LedgerGate } from "./ledger-gate.ts";
import { verdictTimingsOf, type RebootTimings } from "./reboot-transaction.ts";

/** What verification works with. */
export interface VerifierDeps {
  readonly store: StateStore;
  readonly ledger: Pick<LedgerGate, "settle" | "recover"> | undefined;
  readonly journal: Journal;
  readonly rules: Rules;
  readonly reader: NodeReader;
  readonly clock: Clock;
  readonly timings: Pick<RebootTimings, "flight" | "readDeadline">;
}

/**
 * The record to go on with; `unsettled`: the ledger could not be told, and why, so the record was not told either;
 * `overtaken`: somebody wrote the record meanwhile, and it must still be told.
 */
export interface Verified {
  readonly stored: VersionedRecord;
  readonly unsettled?: { readonly gate: "Verifying" | "NodeUnreadable"; readonly why: string };
  readonly overtaken?: true;
}

/**
 * Tells that the node of the latest reboot is well again, and later what that reboot came to, once either can be told: to
 * the ledger, on which limits and cure rate are built, then to the record, so that it is told once. Throws only
 * when Redis fails.
 */
export async function verifyReboot(
  stored: VersionedRecord,
  deps: VerifierDeps,
  signal: AbortSignal,
): Promise<Verified> {
  const { record, view, version } = stored;
  const { store, journal, rules } = deps;
  const attempt = record?.lastReboot;
  if (record === undefined || attempt === undefined || !mayBeTold(record, view, deps)) {
    return { stored };
  }
  const read = await readTruth(record.name, deps, signal);
  if ("failed" in read) {
    journal.fault(read.dependency, read.failed, record.name);
    return { stored, unsettled: { gate: "NodeUnreadable", why: read.failed } };
  }
  const proof = verdictOn(read.value, record, view, deps);
  if (proof === undefined) return { stored };
  const unsettled = await settle(attempt, proof, view.now, deps);
  if (unsettled !== undefined) {
    journal.fault(unsettled.dependency, unsettled.failed, record.name);
    return { stored, unsettled: { gate: "Verifying", why: unsettled.failed } };
  }
  const { token } = attempt;
  const event =
    proof === "Recovered"
      ? ({ type: "RebootRecovered", token } as const)
      : ({ type: "RebootVerified", token, verification: proof } as const);
  const next = transition(record, event, rules.policy, view.now).record;
  if (!(await store.compareAndSet(record.name, version, next))) {
    return { stored: await store.get(record.name), overtaken: true };
  }
  if (proof !== "Recovered") journal.verified(next, proof);
  return { stored: await store.get(record.name) };
}

/** By what Redis says there may be a verdict; of a node that is gone nothing more will come, so that none is waited for. */
function mayBeTold(record: NodeRecord, view: ClusterView, deps: VerifierDeps): boolean {
  if (proofNow(record, view, true, deps) !== undefined) return true;
  return record.phase === "Unknown" && isVerdictPending(record);
}

function proofNow(
  record: NodeRecord,
  { now, observed }: ClusterView,
  isSpeaking: boolean,
  deps: VerifierDeps,
): RebootProof | undefined {
  const seen = { now, observed, policy: deps.rules.policy, speaks: isSpeaking };
  return proofOf(record, seen, verdictTimingsOf(deps));
}

/** Limits and cure rate are built on the verdict: it is given on the node as it is, not on what Redis says. */
function verdictOn(
  read: NodeReadResult,
  record: NodeRecord,
  view: ClusterView,
  deps: VerifierDeps,
): RebootProof | undefined {
  // The VM may live on: its window stays with it.
  if (!read.found) return record.phase === "Unknown" ? "Gone" : undefined;
  const truth = judge(read.node, { record, damaged: false }, deps.rules, view).after;
  return proofNow(truth, view, speaks(read.node), deps);
}

async function readTruth(
  name: string,
  { reader, clock, timings }: VerifierDeps,
  parent: AbortSignal,
): Promise<{ readonly value: NodeReadResult } | Failure> {
  using deadline = deadlineSignal(clock, timings.readDeadline, parent);
  try {
    return { value: await reader.read(name, deadline.signal) };
  } catch (error) {
    return failureOf(error);
  }
}

/** What could not be read or written, and whose fault that is. */
interface Failure {
  readonly failed: string;
  readonly dependency: Dependency;
}

/** Node and ledger are objects of Kubernetes; only what the error itself blames on Redis is the fault of Redis. */
function failureOf(error: unknown): Failure {
  const failed = error instanceof Error ? error.message : "unknown error";
  return { failed, dependency: dependencyOf(error) ?? "Kubernetes" };
}

async function settle(
  { instanceId, token }: RebootAttempt,
  proof: RebootProof,
  now: EpochMillis,
  { ledger }: VerifierDeps,
): Promise<Failure | undefined> {
  if (ledger === undefined) return undefined;
  try {
    const written =
      proof === "Recovered"
        ? await ledger.recover(instanceId, token, now)
        : await ledger.settle(instanceId, token, proof, now);
    if (written) return undefined;
    const failed = `what the reboot came to (${proof}) could not be written to the ledger`;
    return { failed, dependency: "Kubernetes" };
  } catch (error) {
    return failureOf(error);
  }
}
