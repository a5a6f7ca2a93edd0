import { isVerdictPending, proofOf, speaks, type RebootProof } from "@node-agent/shared/core/verification.ts";
import { transition } from "@node-agent/shared/core/transition.ts";
import type { NodeRecord, RebootAttempt } from "@node-agent/shared/core/record.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import type { NodeReadResult } from "@node-agent/shared/ports/node-reader.ts";
import type { ClusterView } from "@node-agent/shared/ports/snapshot-store.ts";
import type { VersionedRecord } from "@node-agent/shared/ports/state-store.ts";
import { deadlineSignal } from "@node-agent/shared/runtime/deadline.ts";
import { judge } from "@node-agent/shared/core/judge.ts";
import { blamed, verdictTimingsOf, type RebootDeps } from "./reboot-transaction.ts";

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
  deps: RebootDeps,
  signal: AbortSignal,
): Promise<Verified> {
  const { record, view, version } = stored;
  const { store, journal, rules } = deps;
  const attempt = record?.lastReboot;
  if (record === undefined || attempt === undefined || !mayBeTold(record, view, deps)) {
    return { stored };
  }
  const { name } = record;
  // Node and ledger are objects of Kubernetes; only what the error itself blames on Redis is the fault of Redis.
  const read = await blamed(async () => readTruth(name, deps, signal), "Kubernetes", name, journal);
  if ("failed" in read) return { stored, unsettled: { gate: "NodeUnreadable", why: read.failed } };
  const proof = verdictOn(read.value, record, view, deps);
  if (proof === undefined) return { stored };
  const told = await blamed(async () => settle(attempt, proof, view.now, deps), "Kubernetes", name, journal);
  if ("failed" in told) return { stored, unsettled: { gate: "Verifying", why: told.failed } };
  const { token } = attempt;
  const event =
    proof === "Recovered"
      ? ({ type: "RebootRecovered", token } as const)
      : ({ type: "RebootVerified", token, verification: proof } as const);
  const next = transition(record, event, rules.policy, view.now).record;
  if (!(await store.compareAndSet(name, version, next))) {
    return { stored: await store.get(name), overtaken: true };
  }
  if (proof !== "Recovered") journal.verified(next, proof);
  return { stored: await store.get(name) };
}

/** By what Redis says there may be a verdict; of a node that is gone nothing more will come, so that none is waited for. */
function mayBeTold(record: NodeRecord, view: ClusterView, deps: RebootDeps): boolean {
  if (proofNow(record, view, true, deps) !== undefined) return true;
  return record.phase === "Unknown" && isVerdictPending(record);
}

function proofNow(
  record: NodeRecord,
  { now, observed }: ClusterView,
  isSpeaking: boolean,
  deps: RebootDeps,
): RebootProof | undefined {
  const seen = { now, observed, policy: deps.rules.policy, speaks: isSpeaking };
  return proofOf(record, seen, verdictTimingsOf(deps));
}

/** Limits and cure rate are built on the verdict: it is given on the node as it is, not on what Redis says. */
function verdictOn(
  read: NodeReadResult,
  record: NodeRecord,
  view: ClusterView,
  deps: RebootDeps,
): RebootProof | undefined {
  // The VM may live on: its window stays with it.
  if (!read.found) return record.phase === "Unknown" ? "Gone" : undefined;
  const truth = judge(read.node, { record, damaged: false }, deps.rules, view).after;
  return proofNow(truth, view, speaks(read.node), deps);
}

async function readTruth(
  name: string,
  { reader, clock, timings }: RebootDeps,
  parent: AbortSignal,
): Promise<NodeReadResult> {
  using deadline = deadlineSignal(clock, timings.readDeadline, parent);
  return await reader.read(name, deadline.signal);
}

async function settle(
  { instanceId, token }: RebootAttempt,
  proof: RebootProof,
  now: EpochMillis,
  { ledger }: RebootDeps,
): Promise<void> {
  if (ledger === undefined) return;
  const written =
    proof === "Recovered"
      ? await ledger.recover(instanceId, token, now)
      : await ledger.settle(instanceId, token, proof, now);
  if (!written) throw new Error(`what the reboot came to (${proof}) could not be written to the ledger`);
}
