import type { BehindLook, NodeLook } from "../core/explain-input.ts";
import type { NodeSnapshot } from "../core/node.ts";
import type { Millis } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { NodeReader } from "../ports/node-reader.ts";
import type { SnapshotStore, StoredVersion } from "../ports/snapshot-store.ts";

const LOOKS_PER_DELIVERY = 20;

/** What the workers judge a node by, to be held against a fresh read. */
export interface BehindSources {
  readonly snapshots: Pick<SnapshotStore, "version">;
  /** Digest of a snapshot's content, as the store keeps it. */
  readonly digest: (snapshot: NodeSnapshot) => string;
  /** Whether the configuration selects a node: others are not stored. */
  readonly selects: (snapshot: NodeSnapshot) => boolean;
  readonly reader: NodeReader;
  readonly clock: Clock;
  readonly delivery: Millis;
}

/**
 * What is stored of a node, if it contradicts what was read of it, and did so for as long as a delivery may take while
 * nothing new was stored: the workers judge something else than what is the case. Undefined when it does not, or when
 * nobody can tell. Waits only when there is a contradiction.
 */
export async function lookBehind(
  name: string,
  node: NodeLook,
  sources: BehindSources,
): Promise<BehindLook | undefined> {
  const { snapshots, clock, delivery } = sources;
  const stored = await snapshots.version(name);
  if (!contradicts(node, stored, sources)) return undefined;
  const until = clock.monotonic() + delivery;
  while (clock.monotonic() < until) {
    await clock.sleep(delivery / LOOKS_PER_DELIVERY);
    const now = await snapshots.version(name);
    if (now?.raw !== stored?.raw) return undefined;
  }
  const again = await readAgain(name, sources);
  return contradicts(again, stored, sources) ? behindOf(again, stored) : undefined;
}

async function readAgain(name: string, { reader }: BehindSources): Promise<NodeLook> {
  try {
    const read = await reader.read(name);
    return read.found ? { state: "Found", snapshot: read.node } : { state: "Gone" };
  } catch {
    return { state: "Unread", why: "it was read before, and could not be read again" };
  }
}

function contradicts(
  node: NodeLook,
  stored: StoredVersion | undefined,
  { digest, selects }: BehindSources,
): boolean {
  const isStored = stored !== undefined && !stored.gone && stored.raw !== "";
  if (node.state === "Unread") return false;
  if (node.state === "Gone" || !selects(node.snapshot)) return isStored;
  return !isStored || stored.uid !== node.snapshot.uid || stored.fingerprint !== digest(node.snapshot);
}

function behindOf(node: NodeLook, stored: StoredVersion | undefined): BehindLook {
  const version = stored === undefined || stored.gone ? "" : stored.resourceVersion;
  return {
    ...(version === "" ? {} : { stored: version }),
    ...(node.state === "Found" ? { server: node.snapshot.resourceVersion } : {}),
  };
}
