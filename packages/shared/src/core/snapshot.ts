import { createByteBudget, jsonBytes } from "./byte-budget.ts";
import { canonicalJson } from "./canonical-json.ts";
import { defined } from "./defined.ts";
import { fnv1a64 } from "./fnv1a.ts";
import type { NodeCondition, NodeSnapshot } from "./node.ts";
import { field, instantOf, isRawObject, objectOf, tokenOf, type RawObject } from "./raw-values.ts";
import { KEPT_TAINTS, KNOWN_CONDITIONS, LENGTHS, PART_BYTES, SNAPSHOT_MAX_BYTES } from "./snapshot-fields.ts";
import {
  annotationsOf,
  conditionsOf,
  keepElements,
  labelsOf,
  resourcesOf,
  taintsOf,
} from "./snapshot-readers.ts";

export { ANNOTATION_PREFIX } from "./snapshot-fields.ts";

/** A snapshot, or the sentence that says what of the object could not be used. */
export type SnapshotResult =
  | { readonly ok: true; readonly snapshot: NodeSnapshot }
  | { readonly ok: false; readonly error: string };

const DNS_1123_SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const RESOURCE_VERSION = /^[1-9][0-9]*$/;

/**
 * Reduces a Node object of any origin (list with Dates, watch with strings, hostile) to what the rules read: at most
 * 4096 bytes of JSON. Never throws. Refused is only what has no identity: no valid name, uid or resourceVersion.
 */
export function toSnapshot(raw: unknown): SnapshotResult {
  try {
    return readNode(raw);
  } catch {
    // JSON cannot get here; an exotic object (a throwing getter, a revoked proxy) can, and is no node.
    return refused("the object cannot be read");
  }
}

function readNode(raw: unknown): SnapshotResult {
  if (!isRawObject(raw)) return refused("not an object");
  const metadata = objectOf(field(raw, "metadata"));
  const name = field(metadata, "name");
  if (!isNodeName(name)) return refused("metadata.name is not a DNS-1123 subdomain");
  const uid = tokenOf(field(metadata, "uid"), LENGTHS.uid);
  if (uid === undefined) return refused("metadata.uid is missing or not a token of at most 64 characters");
  const resourceVersion = field(metadata, "resourceVersion");
  if (!isResourceVersion(resourceVersion)) {
    return refused("metadata.resourceVersion is not a decimal number without leading zero");
  }
  return { ok: true, snapshot: assemble(raw, metadata, { name, uid, resourceVersion }) };
}

function refused(error: string): SnapshotResult {
  return { ok: false, error };
}

function isNodeName(value: unknown): value is string {
  return typeof value === "string" && value.length <= LENGTHS.name && DNS_1123_SUBDOMAIN.test(value);
}

/** KEP-5504: digits without leading zero are comparable, anything else is not. */
function isResourceVersion(value: unknown): value is string {
  return typeof value === "string" && value.length <= LENGTHS.resourceVersion && RESOURCE_VERSION.test(value);
}

function assemble(
  raw: RawObject,
  metadata: RawObject,
  identity: Pick<NodeSnapshot, "name" | "uid" | "resourceVersion">,
): NodeSnapshot {
  const spec = objectOf(field(raw, "spec"));
  const status = objectOf(field(raw, "status"));
  const nodeInfo = objectOf(field(status, "nodeInfo"));
  const head = {
    schema: 1 as const,
    ...identity,
    ...defined({
      createdAt: instantOf(field(metadata, "creationTimestamp")),
      deletionAt: instantOf(field(metadata, "deletionTimestamp")),
      providerId: tokenOf(field(spec, "providerID"), LENGTHS.providerId),
      bootId: tokenOf(field(nodeInfo, "bootID"), LENGTHS.bootId),
      kubeletVersion: tokenOf(field(nodeInfo, "kubeletVersion"), LENGTHS.version),
      operatingSystem: tokenOf(field(nodeInfo, "operatingSystem"), LENGTHS.version),
    }),
    unschedulable: field(spec, "unschedulable") === true,
  };
  const empty = { labels: {}, annotations: {}, taints: [], conditions: [], capacity: {}, allocatable: {} };
  const budget = createByteBudget(SNAPSHOT_MAX_BYTES - jsonBytes({ ...head, ...empty }));

  // The order is that of importance: what rules read takes its room before what is only kept for people to see.
  const conditions = Map.groupBy(conditionsOf(status), isKnownCondition);
  const taints = Map.groupBy(taintsOf(spec), ({ key }) => KEPT_TAINTS.includes(key));
  const knownConditions = keepElements(conditions.get(true) ?? [], budget);
  const knownTaints = keepElements(taints.get(true) ?? [], budget.part(PART_BYTES.knownTaints));
  const annotations = annotationsOf(metadata, budget.part(PART_BYTES.annotations));
  const labels = labelsOf(metadata, budget.part(PART_BYTES.labels));
  const resources = resourcesOf(status, budget);
  return {
    ...head,
    labels,
    annotations,
    taints: [...knownTaints, ...keepElements(taints.get(false) ?? [], budget)],
    conditions: [...knownConditions, ...keepElements(conditions.get(false) ?? [], budget)],
    ...resources,
  };
}

function isKnownCondition({ type }: NodeCondition): boolean {
  return KNOWN_CONDITIONS.includes(type);
}

/**
 * A hash of what the snapshot says, equal for two snapshots of an unchanged node. Left out is `resourceVersion`
 * (changes with every heartbeat) and, of conditions that no checker reads, all but type and status (their writers
 * keep their own habits). `lastTransitionAt` of the known conditions counts: by the API's contract it moves only
 * when the status did, so it costs nothing, and it shows a flip there and back that happened between two looks.
 * Key order and list order do not matter. 64 bits of FNV-1a rather than the text itself, to keep 16 bytes per node;
 * a collision, one in 2^64, hides a change until the next one or the resync.
 */
export function snapshotFingerprint(snapshot: NodeSnapshot): string {
  const { resourceVersion: _, conditions, ...rest } = snapshot;
  const judged = conditions.map((condition) =>
    isKnownCondition(condition) ? condition : { type: condition.type, status: condition.status },
  );
  const lists = {
    conditions: judged.map(canonicalJson).toSorted(),
    taints: rest.taints.map(canonicalJson).toSorted(),
  };
  return fnv1a64(canonicalJson({ ...rest, ...lists }));
}
