import { defined } from "./defined.ts";
import type { NodeRecord } from "./record.ts";

/** A worker that gave a sign of life a moment ago. */
export interface LiveWorker {
  readonly id: string;
  /** The node that it runs on; absent: it was not told. */
  readonly node?: string;
  readonly monitorOnly: boolean;
  /** Names the rules by which it judges; absent: an older version does not tell. */
  readonly rules?: string;
  /** A digest of the policy that it judges by; absent: an older version. */
  readonly policy?: string;
  /** It stopped in good order a moment ago. */
  readonly left?: true;
}

/** What runs on a node that is about to be rebooted, and who else could do it. */
export interface Hosting {
  /** The node of the worker that asks; absent: it was not told, or it is no worker that asks. */
  readonly own?: string;
  /** Every other worker that may reboot in this mode, by its node; absent: it was not told. */
  readonly others: readonly { readonly node?: string }[];
  /** Redis runs on the node; absent: nobody can tell. */
  readonly redis?: boolean;
  /** Reboots of other nodes whose wait still runs. */
  readonly openReboots: number;
}

/** Sums up what bears on the reboot of a node. Workers of the other mode count for nothing: they could not do it. */
export function hostingOf(
  target: string,
  asking: LiveWorker,
  live: readonly LiveWorker[],
  records: readonly NodeRecord[],
  redis: boolean | undefined,
): Hosting {
  const { monitorOnly } = asking;
  const open = records.filter(
    (record) =>
      record.name !== target && record.phase === "WaitingReboot" && record.monitorOnly === monitorOnly,
  );
  return {
    ...defined({ own: asking.node, redis }),
    others: live
      .filter((worker) => worker.id !== asking.id && worker.monitorOnly === monitorOnly)
      .map(({ node }) => defined({ node })),
    openReboots: open.length,
  };
}
