import {
  isRecord,
  recordOf,
  shown,
  type JsonRecord,
  type KubeObject,
  type ObjectMeta,
} from "./kube-object.ts";
import { qualifiedName, type Resource } from "./resource.ts";
import { StatusError } from "./status-error.ts";

/** Names as most kinds want them (DNS-1123 subdomain). @throws {StatusError} Invalid */
export function validName(name: string, resource: Resource): void {
  if (name.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) return;
  throw invalid(
    resource,
    name,
    "metadata.name",
    name === ""
      ? "Required value: name or generateName is required"
      : `Invalid value: "${name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'`,
  );
}

/** A refusal of one field. */
function invalid(resource: Resource, name: string, field: string, message: string): StatusError {
  return new StatusError("Invalid", `${resource.kind} "${name}" is invalid: ${field}: ${message}`, {
    name,
    kind: resource.kind,
    causes: [{ reason: "FieldValueInvalid", message, field }],
  });
}

/** What a client may say of metadata: labels and annotations must be maps of texts. @throws {StatusError} BadRequest */
export function metadataOf(
  meta: JsonRecord,
): Omit<ObjectMeta, "name" | "uid" | "resourceVersion" | "creationTimestamp"> {
  const { labels, annotations, managedFields, finalizers, ownerReferences, generateName } = meta;
  const known = { managedFields, finalizers, ownerReferences, generateName };
  return {
    ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)),
    ...texts("labels", labels),
    ...texts("annotations", annotations),
  };
}

/**
 * The object that an update leaves: identity stays, `/status` changes only status (and metadata), everything else
 * only the rest, and a provider id that is set stays as it is. @throws {StatusError} BadRequest, Invalid
 */
export function admitUpdate(change: {
  readonly resource: Resource;
  readonly current: KubeObject;
  readonly wanted: JsonRecord;
  readonly status: boolean;
}): KubeObject {
  const { resource, current, wanted, status } = change;
  const { name } = current.metadata;
  const meta = recordOf(wanted["metadata"]);
  if (meta["name"] !== undefined && meta["name"] !== name) {
    throw new StatusError(
      "BadRequest",
      `the name of the object (${shown(meta["name"])}) does not match the name on the URL (${name})`,
    );
  }
  if (meta["uid"] !== undefined && meta["uid"] !== "" && meta["uid"] !== current.metadata.uid) {
    throw new StatusError(
      "Conflict",
      `Operation cannot be fulfilled on ${qualifiedName(resource)} "${name}": Precondition failed: UID in precondition: ${shown(meta["uid"])}, UID in object meta: ${current.metadata.uid}`,
    );
  }
  const from = status ? current : wanted;
  const next: KubeObject = {
    ...from,
    ...(resource.hasStatus ? { status: (status ? wanted : current)["status"] } : {}),
    apiVersion: current.apiVersion,
    kind: current.kind,
    metadata: {
      ...metadataOf(meta),
      name,
      ...(current.metadata.namespace === undefined ? {} : { namespace: current.metadata.namespace }),
      uid: current.metadata.uid,
      resourceVersion: current.metadata.resourceVersion,
      creationTimestamp: current.metadata.creationTimestamp,
    },
  };
  if (resource.kind === "Node") checkProviderId(resource, current, next);
  if (current["immutable"] === true && !sameData(current, next)) {
    throw invalid(resource, name, "data", "Forbidden: field is immutable when `immutable` is set");
  }
  return next;
}

function checkProviderId(resource: Resource, current: KubeObject, next: KubeObject): void {
  const before = recordOf(current["spec"])["providerID"];
  const after = recordOf(next["spec"])["providerID"];
  if (before === undefined || before === "" || before === after) return;
  throw invalid(
    resource,
    current.metadata.name,
    "spec.providerID",
    'Forbidden: node updates may not change providerID except from "" to valid',
  );
}

function sameData(one: KubeObject, other: KubeObject): boolean {
  return (
    JSON.stringify([one["data"], one["binaryData"]]) === JSON.stringify([other["data"], other["binaryData"]])
  );
}

function texts(field: "labels" | "annotations", value: unknown): Record<string, Record<string, string>> {
  if (value === undefined || value === null) return {};
  if (!isTextMap(value)) {
    throw new StatusError("BadRequest", `unable to decode metadata.${field}: expected a map of strings`);
  }
  return Object.keys(value).length === 0 ? {} : { [field]: value };
}

function isTextMap(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((entry) => typeof entry === "string");
}
