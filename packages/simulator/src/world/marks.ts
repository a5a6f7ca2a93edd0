import { withTaints, type NodeObject, type WireTaint } from "./node-object.ts";

/** Marks that another controller or a person puts on a node; null takes a label or annotation off. */
export interface Marks {
  readonly labels?: Readonly<Record<string, string | null>> | undefined;
  readonly annotations?: Readonly<Record<string, string | null>> | undefined;
  /** Added, or put in place of one with the same key and effect. */
  readonly taints?:
    | readonly { readonly key: string; readonly value?: string | undefined; readonly effect: string }[]
    | undefined;
  /** Keys of taints to take off. */
  readonly removeTaints?: readonly string[] | undefined;
  readonly unschedulable?: boolean | undefined;
  /** Deletion was asked for and finalizers keep the object; false takes that back. */
  readonly deleting?: boolean | undefined;
}

/** The node with these marks put on and taken off. */
export function marked(node: NodeObject, marks: Marks, time: string): NodeObject {
  const { deletionTimestamp, ...metadata } = node.metadata;
  const deleted = marks.deleting === undefined ? deletionTimestamp : marks.deleting ? time : undefined;
  const { unschedulable, ...spec } = node.spec;
  const cordoned = marks.unschedulable ?? unschedulable ?? false;
  const added = (marks.taints ?? []).map(({ key, value, effect }): WireTaint =>
    value === undefined ? { key, effect } : { key, value, effect },
  );
  const kept = (node.spec.taints ?? []).filter(
    (taint) =>
      marks.removeTaints?.includes(taint.key) !== true &&
      !added.some(({ key, effect }) => key === taint.key && effect === taint.effect),
  );
  const changed = {
    ...node,
    metadata: {
      ...metadata,
      labels: merged(node.metadata.labels, marks.labels),
      annotations: merged(node.metadata.annotations, marks.annotations),
      ...(deleted === undefined ? {} : { deletionTimestamp: deleted }),
    },
    spec: { ...spec, ...(cordoned ? { unschedulable: true } : {}) },
  };
  return withTaints(changed, [...kept, ...added]);
}

function merged(
  before: Readonly<Record<string, string>> | undefined,
  changes: Readonly<Record<string, string | null>> = {},
): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ ...before, ...changes }).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}
