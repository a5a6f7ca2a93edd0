import type { NodeSnapshot } from "./node.ts";
import type { NodeRecord } from "./record.ts";
import { ANNOTATION_PREFIX } from "./snapshot-fields.ts";
import type { EpochMillis } from "./time.ts";

/** The annotation by which an operator has the repair of a node tried again: the instant of the order, ISO 8601 in UTC. */
export const RETRY_ANNOTATION = `${ANNOTATION_PREFIX}retry`;

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z$/u;

/** When an operator ordered it; undefined: never, or by a value that is no instant of the past. */
export function retryOrderedAt(
  { annotations }: Pick<NodeSnapshot, "annotations">,
  now: EpochMillis,
): EpochMillis | undefined {
  const value = annotations[RETRY_ANNOTATION];
  if (value === undefined || !INSTANT.test(value)) return undefined;
  const at = Date.parse(value);
  // An order from the future is another clock's: it holds as soon as its time has come.
  return Number.isFinite(at) && at <= now ? at : undefined;
}

/**
 * The record after an order: every attempt before it is given back, so that a node that was given up is repaired again. The
 * order is remembered, so that it counts once. The wait after the latest reboot stays, and so does the limit per day.
 */
export function retried(record: NodeRecord, orderedAt: EpochMillis | undefined): NodeRecord {
  if (orderedAt === undefined || orderedAt <= (record.retriedAt ?? 0)) return record;
  const { lastIncident: _lastIncident, incident, ...rest } = record;
  return {
    ...rest,
    retriedAt: orderedAt,
    ...(incident === undefined ? {} : { incident: { ...incident, attempts: 0 } }),
  };
}
