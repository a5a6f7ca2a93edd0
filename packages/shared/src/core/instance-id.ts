import type { NodeSnapshot } from "./node.ts";
import type { NodeRecord } from "./record.ts";

/** The VM that a node names by its provider id, whatever the cloud, or that was rebooted last; undefined: none is named. */
export function instanceIdOf(
  snapshot: NodeSnapshot | undefined,
  record: NodeRecord | undefined,
): string | undefined {
  const id = (snapshot?.providerId ?? record?.providerId)?.split("/").at(-1);
  // A node without one was found by its host name when it was rebooted.
  return id === undefined || id === "" ? record?.lastReboot?.instanceId : id;
}
