import type { ClusterEvent } from "../cluster-event.ts";
import type { NodeRecord } from "../record.ts";
import type { EpochMillis } from "../time.ts";

/**
 * Something that a committed judgement brings to the attention of operators, apart from the repair itself. Given the
 * record before (undefined: none, or of another uid) and after, it returns the Event, or undefined when there is nothing
 * new. It must be silent when asked again with the same record on both sides.
 */
export type Notice = (
  before: NodeRecord | undefined,
  after: NodeRecord,
  now: EpochMillis,
) => ClusterEvent | undefined;
