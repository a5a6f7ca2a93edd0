/**
 * A list that lost most of the nodes is more often a wrong list (a selector, a label, a half-restored etcd) than a
 * fleet that is gone. Such a loss is believed only when a second list misses the same nodes (I-19).
 */
export interface MassDisappearanceGuard {
  /**
   * Judges the cached names that a list did not have, of so many known before it. `gone` may be told; `suspects` is
   * the number of those that wait for another list.
   */
  judge(
    missing: readonly string[],
    known: number,
  ): { readonly gone: readonly string[]; readonly suspects: number };
  /** True after a judgement that left suspects. */
  wantsSecondList(): boolean;
}

/** The share of the known nodes that a single list may lose without being asked again. */
const BELIEVABLE_LOSS = 0.5;

/** Makes a guard that suspects nobody. */
export function createMassDisappearanceGuard(): MassDisappearanceGuard {
  let suspects = new Set<string>();
  return {
    judge: (missing, known) => {
      const confirmed = missing.filter((name) => suspects.has(name));
      const fresh = missing.filter((name) => !suspects.has(name));
      // All of one node is 100 %: an empty list is covered by the share.
      const isSuspicious = fresh.length > known * BELIEVABLE_LOSS;
      suspects = new Set(isSuspicious ? fresh : []);
      return { gone: isSuspicious ? confirmed : missing, suspects: suspects.size };
    },
    wantsSecondList: () => suspects.size > 0,
  };
}
