import { recordOf, shown, textOf, type JsonRecord, type KubeObject } from "./kube-object.ts";
import { StatusError } from "./status-error.ts";

/** An Event as events.k8s.io/v1 shows it; stored is the core form, one store for both. */
export function toEventsV1(stored: KubeObject): KubeObject {
  const {
    involvedObject,
    message,
    reportingComponent,
    source,
    firstTimestamp,
    lastTimestamp,
    count,
    ...rest
  } = stored;
  return {
    ...rest,
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: stored.metadata,
    regarding: involvedObject,
    note: message,
    reportingController: reportingComponent,
    deprecatedSource: source,
    deprecatedFirstTimestamp: firstTimestamp,
    deprecatedLastTimestamp: lastTimestamp,
    deprecatedCount: count,
  };
}

/**
 * A core/v1 Event as the API server takes it: about an object of its own namespace, or in `default` about one that has
 * none (legacyValidateEvent of pkg/apis/core/validation/events.go). @throws {StatusError} Invalid
 */
export function checkedCoreEvent(wire: JsonRecord): JsonRecord {
  const namespace = textOf(recordOf(wire["metadata"])["namespace"]) ?? "";
  const involved = textOf(recordOf(wire["involvedObject"])["namespace"]) ?? "";
  const agrees = involved === "" ? ["", "default"].includes(namespace) : involved === namespace;
  if (!agrees) throw badEvent(wire, "involvedObject.namespace", "does not match event.namespace");
  return wire;
}

/** The stored form of an events.k8s.io/v1 Event. @throws {StatusError} Invalid when a required field is missing */
export function fromEventsV1(wire: JsonRecord): JsonRecord {
  requireText(wire, "eventTime", 64);
  requireText(wire, "reportingController", 128);
  requireText(wire, "reportingInstance", 128);
  requireText(wire, "action", 128);
  requireText(wire, "reason", 128);
  if (wire["type"] !== "Normal" && wire["type"] !== "Warning")
    throw badEvent(wire, "type", "must be Normal or Warning");
  if (typeof wire["note"] === "string" && wire["note"].length > 1024) {
    throw badEvent(wire, "note", "can have at most 1024 characters");
  }
  const {
    regarding,
    note,
    reportingController,
    deprecatedSource,
    deprecatedFirstTimestamp,
    deprecatedLastTimestamp,
    deprecatedCount,
    ...rest
  } = wire;
  return {
    ...rest,
    apiVersion: "v1",
    involvedObject: regarding,
    message: note,
    reportingComponent: reportingController,
    source: deprecatedSource ?? { component: reportingController },
    firstTimestamp: deprecatedFirstTimestamp ?? null,
    lastTimestamp: deprecatedLastTimestamp ?? null,
    ...(deprecatedCount === undefined ? {} : { count: deprecatedCount }),
  };
}

function requireText(wire: JsonRecord, field: string, longest: number): void {
  const value = wire[field];
  if (typeof value !== "string" || value === "") throw badEvent(wire, field, "Required value");
  if (value.length > longest) throw badEvent(wire, field, `can have at most ${longest} characters`);
}

function badEvent(wire: JsonRecord, field: string, message: string): StatusError {
  const name = shown(recordOf(wire["metadata"])["name"]);
  return new StatusError("Invalid", `Event "${name}" is invalid: ${field}: ${message}`, {
    name,
    kind: "Event",
    causes: [{ reason: "FieldValueInvalid", message, field }],
  });
}
