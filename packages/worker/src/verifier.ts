import { verificationOf } from "@node-agent/shared/core/verification.ts";
import { transition } from "@node-agent/shared/core/transition.ts";
import type { RebootAttempt, RebootVerification } from "@node-agent/shared/core/record.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import type { StateStore, VersionedRecord } from "@node-agent/shared/ports/state-store.ts";
import type { Journal } from "./journal.ts";
import type { Rules } from "./judge.ts";
import type { LedgerGate } from "./ledger-gate.ts";

/** What verification works with. */
export interface VerifierDeps {
  readonly store: StateStore;
  readonly ledger: Pick<LedgerGate, "settle"> | undefined;
  readonly journal: Journal;
  readonly rules: Rules;
}

/** The record to go on with; `unsettled`: the ledger could not be told, and why, so the record was not told either. */
export interface Verified {
  readonly stored: VersionedRecord;
  readonly unsettled?: string;
}

/**
 * Tells what the latest reboot came to, once it can be told: to the ledger, on which budgets and the efficacy guard are
 * built, then to the record, so that it is told once. Throws only when Redis fails.
 */
export async function verifyReboot(stored: VersionedRecord, deps: VerifierDeps): Promise<Verified> {
  const { record, view, version } = stored;
  const verification = record === undefined ? undefined : verificationOf(record, view.now);
  const attempt = record?.lastReboot;
  if (record === undefined || verification === undefined || attempt === undefined) return { stored };
  const { store, journal, rules } = deps;
  const unsettled = await settle(attempt, verification, view.now, deps);
  if (unsettled !== undefined) {
    journal.fault("Kubernetes", unsettled, record.name);
    return { stored, unsettled };
  }
  const event = { type: "RebootVerified", token: attempt.token, verification } as const;
  const next = transition(record, event, rules.policy, view.now).record;
  // Somebody was faster: what they wrote is verified when the job looks again.
  if (await store.compareAndSet(record.name, version, next)) journal.verified(next, verification);
  return { stored: await store.get(record.name) };
}

async function settle(
  { instanceId, token }: RebootAttempt,
  verification: RebootVerification,
  now: EpochMillis,
  { ledger }: VerifierDeps,
): Promise<string | undefined> {
  if (ledger === undefined) return undefined;
  try {
    const written = await ledger.settle(instanceId, token, verification, now);
    return written
      ? undefined
      : `what the reboot came to (${verification}) could not be written to the ledger`;
  } catch (error) {
    return error instanceof Error ? error.message : "unknown error";
  }
}
