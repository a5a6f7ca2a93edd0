import { DELIVERY } from "@node-agent/shared/contract/drift.ts";
import type { Evaluation } from "@node-agent/shared/core/evaluation.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import type { PendingNode } from "@node-agent/shared/ports/evaluation-store.ts";

/**
 * Notices records that their snapshots do not bear out. Such a record says Healthy for longer than a delivery takes,
 * while the very snapshot that this process found failing before still stands and still fails: the record was written
 * by somebody who had seen something else (a fresh read before a reboot, a lost race, a forgery). The judgement that
 * notices it repairs it; the resync has every node judged within 16 ticks.
 */
export class RecordAudit {
  /** By what this process judged each node last: the version of its snapshot, and whether it failed. */
  readonly #judged = new Map<string, { readonly version: string; readonly failed: boolean }>();

  /** Takes in a judgement; true when it found the record to have drifted. */
  drifted(
    { name, snapshotVersion, record }: Pick<PendingNode, "name" | "snapshotVersion" | "record">,
    verdict: Evaluation["verdict"],
    now: EpochMillis,
  ): boolean {
    const before = this.#judged.get(name);
    const failed = verdict === "Fail";
    this.#judged.set(name, { version: snapshotVersion, failed });
    const isKnown = before?.version === snapshotVersion && before.failed;
    return failed && isKnown && record?.phase === "Healthy" && now - record.phaseSince > DELIVERY;
  }

  forget(name: string): void {
    this.#judged.delete(name);
  }
}
