import { arrayOf, isRecord, recordOf, shown, type KubeObject } from "./kube-object.ts";
import type { Resource } from "./resource.ts";

interface Column {
  readonly name: string;
  readonly type?: string;
  /** Shown only with `-o wide`. */
  readonly wide?: boolean;
  readonly cell: (object: KubeObject, now: number) => string | number;
}

const AGE: Column = { name: "Age", cell: (object, now) => age(object.metadata.creationTimestamp, now) };
const NAME: Column = { name: "Name", type: "name", cell: (object) => object.metadata.name };

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  Node: [
    NAME,
    { name: "Status", cell: nodeStatus },
    { name: "Roles", cell: roles },
    AGE,
    { name: "Version", cell: (node) => nodeInfo(node, "kubeletVersion") },
    { name: "Internal-IP", wide: true, cell: (node) => address(node, "InternalIP") },
    { name: "External-IP", wide: true, cell: (node) => address(node, "ExternalIP") },
    { name: "OS-Image", wide: true, cell: (node) => nodeInfo(node, "osImage") },
    { name: "Kernel-Version", wide: true, cell: (node) => nodeInfo(node, "kernelVersion") },
    { name: "Container-Runtime", wide: true, cell: (node) => nodeInfo(node, "containerRuntimeVersion") },
  ],
  ConfigMap: [
    NAME,
    { name: "Data", type: "integer", cell: (map) => Object.keys(recordOf(map["data"])).length },
    AGE,
  ],
  Namespace: [NAME, { name: "Status", cell: () => "Active" }, AGE],
  Lease: [NAME, { name: "Holder", cell: (lease) => shown(recordOf(lease["spec"])["holderIdentity"]) }, AGE],
  Event: [
    { name: "Last Seen", cell: (event, now) => age(lastSeen(event), now) },
    { name: "Type", cell: (event) => shown(event["type"]) },
    { name: "Reason", cell: (event) => shown(event["reason"]) },
    { name: "Object", cell: eventObject },
    { name: "Message", cell: (event) => shown(event["message"] ?? event["note"]) },
  ],
};

/** The client prefers a Table (kubectl get). */
export function wantsTable(accept: string | undefined): boolean {
  return /as=Table;v=v1(;|,|$)/.test((accept ?? "").split(",")[0]?.trim() ?? "");
}

/**
 * Objects of a kind as a `meta.k8s.io/v1` Table; each row carries the metadata of its object, or with `includeObject=Object`
 * the whole of it (`kubectl --sort-by` sorts by its fields).
 */
export function table(
  resource: Resource,
  objects: readonly KubeObject[],
  metadata: Readonly<Record<string, unknown>>,
  now: number,
  query: URLSearchParams,
): Record<string, unknown> {
  const whole = query.get("includeObject") === "Object";
  const columns = COLUMNS[resource.kind] ?? [NAME, AGE];
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    columnDefinitions: columns.map(({ name, type, wide }) => ({
      name,
      type: type === "integer" ? "integer" : "string",
      format: type === "name" ? "name" : "",
      description: name,
      priority: wide === true ? 1 : 0,
    })),
    rows: objects.map((object) => ({
      cells: columns.map(({ cell }) => cell(object, now)),
      object: whole
        ? object
        : { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata },
    })),
  };
}

function nodeStatus(node: KubeObject): string {
  const ready = arrayOf(recordOf(node["status"])["conditions"])
    .filter(isRecord)
    .find((condition) => condition["type"] === "Ready");
  const word = ready === undefined ? "Unknown" : ready["status"] === "True" ? "Ready" : "NotReady";
  return recordOf(node["spec"])["unschedulable"] === true ? `${word},SchedulingDisabled` : word;
}

function roles(node: KubeObject): string {
  const prefix = "node-role.kubernetes.io/";
  const names = Object.keys(node.metadata.labels ?? {})
    .filter((label) => label.startsWith(prefix))
    .map((label) => label.slice(prefix.length));
  return names.join(",") || "<none>";
}

function nodeInfo(node: KubeObject, field: string): string {
  return shown(recordOf(recordOf(node["status"])["nodeInfo"])[field], "<unknown>");
}

function address(node: KubeObject, type: string): string {
  const found = arrayOf(recordOf(node["status"])["addresses"])
    .filter(isRecord)
    .find((entry) => entry["type"] === type);
  return shown(found?.["address"], "<none>");
}

function lastSeen(event: KubeObject): string {
  for (const time of [event["lastTimestamp"], event["deprecatedLastTimestamp"], event["eventTime"]]) {
    if (typeof time === "string" && time !== "") return time;
  }
  return event.metadata.creationTimestamp;
}

function eventObject(event: KubeObject): string {
  const about = recordOf(event["involvedObject"] ?? event["regarding"]);
  return `${shown(about["kind"]).toLowerCase()}/${shown(about["name"])}`;
}

/** `45s`, `12m`, `5h`, `30d`, as kubectl prints ages. */
function age(from: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(from)) / 1000));
  if (!Number.isFinite(seconds)) return "<unknown>";
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
