import { DriftTally, type Drift, type DriftKind } from "@node-agent/shared/contract/drift.ts";
import type { CacheOutcome } from "./node-cache.ts";
import { compareResourceVersions } from "./resource-version.ts";

/**
 * Counts the drift that a list finds in the view. Drift is a difference that the watch should have brought and did not:
 *
 *   Stale     the content differs, and the listed object is not newer than the version that the watch had reached: its
 *             event was passed over
 *   Missing   the same of a node that the view did not have
 *   Extra     a node that the list does not have (or that is not ours any more), when its deletion is surely not newer
 *             than what the watch had reached
 *
 * An object that is newer than that is no drift but news, which the watch would have brought next. `everything` is for a
 * watch that brings nothing: whatever differs then is what it failed to bring, however new.
 */
export interface DriftCount {
  /** What became of a listed object, and whether the view knew a node of its name. */
  listed(outcome: CacheOutcome, name: string, version: string, known: boolean): void;
  add(kind: DriftKind, name: string): void;
  /** An object of this version is what the watch should have brought by now. */
  isOverdue(version: string): boolean;
  /** Undefined when nothing has drifted. */
  found(): Drift | undefined;
}

/** Begins a count for a list; `reached` is the version that the watch has passed. */
export function createDriftCount(reached: string, everything = false): DriftCount {
  const tally = new DriftTally();
  const isOverdue = (version: string): boolean => {
    const order = compareResourceVersions(version, reached);
    // What cannot be compared is not called drift.
    return everything || order === -1 || order === 0;
  };
  return {
    isOverdue,
    add: (kind, name) => tally.add(kind, name),
    listed: (outcome, name, version, known) => {
      if (outcome.kind === "Changed" && isOverdue(version)) tally.add(known ? "Stale" : "Missing", name);
    },
    found: () => tally.found(),
  };
}
