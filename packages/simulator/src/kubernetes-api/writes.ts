import { isDeepStrictEqual } from "node:util";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { ApiRequest } from "../http/exchange.ts";
import { jsonPatch, JsonPatchError } from "../patch/json-patch.ts";
import { mergePatch } from "../patch/merge-patch.ts";
import { strategicMergePatch } from "../patch/strategic-merge.ts";
import type { Random } from "../world/random.ts";
import { admitUpdate, metadataOf, validName } from "./admission.ts";
import {
  isRecord,
  kubeTime,
  recordOf,
  shown,
  textOf,
  type JsonRecord,
  type KubeObject,
} from "./kube-object.ts";
import { keyOf } from "./object-store.ts";
import { apiVersionOf, qualifiedName, type Resource, type Target } from "./resource.ts";
import { StatusError } from "./status-error.ts";

/** What writing needs besides the request. */
export interface WriteDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly namespaceExists: (namespace: string) => boolean;
}

/** The object a target names. @throws {StatusError} NotFound */
export function find({ resource, namespace, name = "" }: Target): KubeObject {
  const object = resource.store.get(keyOf(resource.namespaced ? namespace : undefined, name));
  if (object === undefined) {
    throw new StatusError("NotFound", `${qualifiedName(resource)} "${name}" not found`, {
      name,
      group: resource.group,
      kind: resource.plural,
    });
  }
  return object;
}

/** POST on a collection. @throws {StatusError} AlreadyExists, BadRequest, Invalid, NotFound */
export function create(target: Target, request: ApiRequest, deps: WriteDeps): KubeObject {
  const { resource, namespace } = target;
  const body = parseObject(request, target);
  const stored = resource.fromWire?.(body) ?? body;
  if (resource.namespaced && !deps.namespaceExists(namespace ?? "")) {
    throw new StatusError("NotFound", `namespaces "${namespace}" not found`, {
      name: namespace ?? "",
      kind: "namespaces",
    });
  }
  const meta = recordOf(stored["metadata"]);
  const prefix = textOf(meta["generateName"]);
  const name = textOf(meta["name"]) ?? (prefix === undefined ? "" : prefix + deps.random.text(5));
  validName(name, resource);
  const key = keyOf(resource.namespaced ? namespace : undefined, name);
  if (resource.store.get(key) !== undefined) {
    throw new StatusError("AlreadyExists", `${qualifiedName(resource)} "${name}" already exists`, {
      name,
      kind: resource.plural,
    });
  }
  const draft = {
    ...stored,
    kind: storedKind(target, stored).kind,
    apiVersion: storedKind(target, stored).apiVersion,
    metadata: {
      ...metadataOf(meta),
      name,
      ...(resource.namespaced && namespace !== undefined ? { namespace } : {}),
      uid: deps.random.uuid(),
      creationTimestamp: kubeTime(deps.clock.now()),
    },
  };
  return isDryRun(request)
    ? { ...draft, metadata: { ...draft.metadata, resourceVersion: "" } }
    : resource.store.put(key, draft);
}

/** PUT on an object or its status. @throws {StatusError} Conflict, NotFound ... */
export function replace(target: Target, request: ApiRequest): KubeObject {
  const current = find(target);
  const body = parseObject(request, target);
  return update(target, request, current, target.resource.fromWire?.(body) ?? body);
}

/** PATCH (merge, json, strategic) on an object or its status. @throws {StatusError} Conflict, Invalid ... */
export function patch(target: Target, request: ApiRequest): KubeObject {
  const current = find(target);
  const wire = target.resource.toWire?.(current) ?? current;
  const patched = applyPatch(wire, request);
  if (!isRecord(patched)) throw new StatusError("BadRequest", "the patch leaves no object");
  return update(target, request, current, target.resource.fromWire?.(patched) ?? patched);
}

/** DELETE of one object. @throws {StatusError} Conflict (preconditions), NotFound */
export function remove(target: Target, request: ApiRequest): JsonRecord {
  const object = find(target);
  const options: unknown = request.body === "" ? {} : parseJson(request.body);
  const preconditions = recordOf(recordOf(options)["preconditions"]);
  for (const field of ["uid", "resourceVersion"] as const) {
    const wanted = preconditions[field];
    if (wanted !== undefined && wanted !== object.metadata[field]) {
      throw conflict(
        target,
        `Precondition failed: ${field} in precondition: ${shown(wanted)}, ${field} in object meta: ${object.metadata[field]}`,
      );
    }
  }
  const { resource, namespace, name = "" } = target;
  if (!isDryRun(request)) resource.store.delete(keyOf(resource.namespaced ? namespace : undefined, name));
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name, kind: resource.plural, uid: object.metadata.uid },
  };
}

function update(target: Target, request: ApiRequest, current: KubeObject, wanted: JsonRecord): KubeObject {
  const { resource, namespace, name = "" } = target;
  const meta = recordOf(wanted["metadata"]);
  const seen = meta["resourceVersion"];
  if (seen !== undefined && seen !== "" && seen !== current.metadata.resourceVersion) {
    throw conflict(
      target,
      "the object has been modified; please apply your changes to the latest version and try again",
    );
  }
  const next = admitUpdate({ resource, current, wanted, status: target.subresource === "status" });
  // A write that changes nothing is no write: no version, no event.
  if (isDryRun(request) || isDeepStrictEqual(plain(next), plain(current))) {
    return isDryRun(request) ? next : current;
  }
  return resource.store.put(keyOf(resource.namespaced ? namespace : undefined, name), next);
}

function applyPatch(current: KubeObject, request: ApiRequest): unknown {
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim();
  const body = parseJson(request.body);
  switch (type ?? "") {
    case "application/merge-patch+json":
      return mergePatch(current, body);
    case "application/strategic-merge-patch+json":
      return strategicMergePatch(current, body);
    case "application/json-patch+json":
      try {
        return jsonPatch(current, body);
      } catch (error) {
        if (!(error instanceof JsonPatchError)) throw error;
        if (!Array.isArray(body))
          throw new StatusError("BadRequest", `error decoding patch: ${error.message}`);
        throw new StatusError(
          "Invalid",
          `the server rejected our request due to an error in our request: ${error.message}`,
        );
      }
    default:
      throw new StatusError(
        "UnsupportedMediaType",
        `the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json`,
      );
  }
}

/** The body of a write as an object of this kind. @throws {StatusError} BadRequest, UnsupportedMediaType */
export function parseObject(
  request: ApiRequest,
  { resource }: { readonly resource: Pick<Resource, "kind" | "group" | "version"> },
): JsonRecord {
  const type = request.headers["content-type"] ?? "application/json";
  if (!type.startsWith("application/json")) {
    throw new StatusError("UnsupportedMediaType", `the simulator reads application/json only, not ${type}`);
  }
  const body = parseJson(request.body);
  if (!isRecord(body)) throw new StatusError("BadRequest", "the body must be an object");
  const kind = body["kind"] ?? resource.kind;
  const apiVersion = body["apiVersion"] ?? apiVersionOf(resource);
  if (kind !== resource.kind || apiVersion !== apiVersionOf(resource)) {
    throw new StatusError(
      "BadRequest",
      `${shown(kind)} in version "${shown(apiVersion)}" cannot be handled as a ${resource.kind}`,
    );
  }
  return { ...body, kind, apiVersion };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StatusError(
      "BadRequest",
      `couldn't parse the body: ${cause instanceof Error ? cause.message : "no JSON"}`,
    );
  }
}

function storedKind({ resource }: Target, stored: JsonRecord): { kind: string; apiVersion: string } {
  return { kind: resource.kind, apiVersion: textOf(stored["apiVersion"]) ?? apiVersionOf(resource) };
}

function conflict({ resource, name = "" }: Target, why: string): StatusError {
  return new StatusError(
    "Conflict",
    `Operation cannot be fulfilled on ${qualifiedName(resource)} "${name}": ${why}`,
    {
      name,
      kind: resource.plural,
    },
  );
}

function isDryRun({ query }: ApiRequest): boolean {
  return query.getAll("dryRun").includes("All");
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
