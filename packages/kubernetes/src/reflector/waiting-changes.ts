import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";

/**
 * What happened to nodes while a handler was busy: one entry per node however much happens to it, so that memory is
 * bounded by the nodes. The newest state of a node wins; a disappearance stays in front of what came back after it.
 */
export interface WaitingChanges {
  changed(node: NodeSnapshot, at: EpochMillis): void;
  disappeared(name: string, at: EpochMillis): void;
  /** Takes all nodes but those whose disappearance has to be told first. */
  takeChanged(): NodeSnapshot[];
  /** Takes the disappearance that waits longest; what came back after it may be taken from now on. */
  takeDisappeared(): string | undefined;
  size(): number;
  /** When the oldest of those that `takeChanged` would take came in. */
  changedSince(): EpochMillis | undefined;
}

interface Waiting {
  readonly at: EpochMillis;
  readonly isGone: boolean;
  readonly node: NodeSnapshot | undefined;
}

/** Nothing waits yet. */
export function createWaitingChanges(): WaitingChanges {
  // A map keeps the order in which its keys came in, also when their values change: the first are the oldest.
  const entries = new Map<string, Waiting>();
  return {
    changed: (node, at) => {
      const before = entries.get(node.name);
      entries.set(node.name, { at: before?.at ?? at, isGone: before?.isGone ?? false, node });
    },
    disappeared: (name, at) => {
      entries.set(name, { at: entries.get(name)?.at ?? at, isGone: true, node: undefined });
    },
    takeChanged: () => {
      const nodes: NodeSnapshot[] = [];
      for (const [name, { isGone, node }] of entries) {
        if (isGone || node === undefined) continue;
        nodes.push(node);
        entries.delete(name);
      }
      return nodes;
    },
    takeDisappeared: () => {
      const [name, entry] = entries.entries().find(([, { isGone }]) => isGone) ?? [];
      if (name === undefined || entry === undefined) return undefined;
      if (entry.node === undefined) entries.delete(name);
      else entries.set(name, { ...entry, isGone: false });
      return name;
    },
    size: () => entries.size,
    changedSince: () => entries.values().find(({ isGone }) => !isGone)?.at,
  };
}
