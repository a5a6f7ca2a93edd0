import { verificationOf } from "@node-agent/shared/core/verification.ts";
import { transition } from "@node-agent/shared/core/transition.ts";
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

/**
 * Tells what the latest reboot came to, once it can be told: to the ledger, on which budgets and the efficacy guard are
 * built, then to the record, so that it is told once. Returns the record to go on with.
 */
export async function verifyReboot(stored: VersionedRecord, deps: VerifierDeps): Promise<VersionedRecord> {
  const { record, view, version } = stored;
  const verification = record === undefined ? undefined : verificationOf(record, view.now);
  const attempt = record?.lastReboot;
  if (record === undefined || verification === undefined || attempt === undefined) return stored;
  const { store, ledger, journal, rules } = deps;
  await ledger?.settle(attempt.instanceId, attempt.token, verification, view.now);
  const event = { type: "RebootVerified", token: attempt.token, verification } as const;
  const next = transition(record, event, rules.policy, view.now).record;
  // Somebody was faster: what they wrote is verified when the job looks again.
  if (await store.compareAndSet(record.name, version, next)) journal.verified(next, verification);
  return store.get(record.name);
}
