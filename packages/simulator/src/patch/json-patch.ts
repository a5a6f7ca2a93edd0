import { isDeepStrictEqual } from "node:util";
import { arrayOf, isRecord, type JsonRecord } from "../kubernetes-api/kube-object.ts";
import { define } from "./merge-patch.ts";

/** The patch cannot be applied; the API server answers 422 with this message. */
export class JsonPatchError extends Error {
  readonly code = "JsonPatch";
  override readonly name = "JsonPatchError";
}

/** JSON patch (RFC 6902): add, remove, replace, move, copy, test. @throws {JsonPatchError} */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw new JsonPatchError("a JSON patch must be an array of operations");
  let document: unknown = structuredClone(target);
  for (const operation of arrayOf(patch)) {
    if (!isRecord(operation)) throw new JsonPatchError("an operation must be an object");
    document = applyOne(document, operation);
  }
  return document;
}

function applyOne(document: unknown, operation: JsonRecord): unknown {
  const path = pointer(operation["path"]);
  switch (operation["op"]) {
    case "add":
      return write(document, path, operation["value"], "add");
    case "replace":
      read(document, path);
      return write(document, path, operation["value"], "replace");
    case "remove":
      read(document, path);
      return remove(document, path);
    case "test":
      if (!isDeepStrictEqual(readOrUndefined(document, path), operation["value"])) {
        throw new JsonPatchError(`testing path ${String(operation["path"])} value failed`);
      }
      return document;
    case "copy":
      return write(document, path, structuredClone(read(document, pointer(operation["from"]))), "add");
    case "move": {
      const from = pointer(operation["from"]);
      const value = read(document, from);
      return write(remove(document, from), path, value, "add");
    }
    default:
      throw new JsonPatchError(`unexpected kind of operation: ${String(operation["op"])}`);
  }
}

function pointer(path: unknown): string[] {
  if (typeof path !== "string" || (path !== "" && !path.startsWith("/"))) {
    throw new JsonPatchError(`not a JSON pointer: ${String(path)}`);
  }
  return path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function readOrUndefined(document: unknown, path: readonly string[]): unknown {
  let value = document;
  for (const part of path) {
    if (Array.isArray(value)) value = /^\d+$/.test(part) ? arrayOf(value)[Number(part)] : undefined;
    else value = isRecord(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  }
  return value;
}

function read(document: unknown, path: readonly string[]): unknown {
  const value = readOrUndefined(document, path);
  if (value === undefined) throw new JsonPatchError(`nonexistent path: /${path.join("/")}`);
  return value;
}

function write(document: unknown, path: readonly string[], value: unknown, how: "add" | "replace"): unknown {
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = read(document, path.slice(0, -1));
  if (Array.isArray(parent)) {
    const index = last === "-" ? parent.length : Number(last);
    if (!Number.isInteger(index) || index < 0 || index > parent.length) {
      throw new JsonPatchError(`index out of bounds: /${path.join("/")}`);
    }
    parent.splice(index, how === "replace" ? 1 : 0, value);
  } else if (isRecord(parent)) {
    define(parent, last, value);
  } else {
    throw new JsonPatchError(`nothing can be set at /${path.join("/")}`);
  }
  return document;
}

function remove(document: unknown, path: readonly string[]): unknown {
  const last = path.at(-1);
  if (last === undefined) return null;
  const parent = read(document, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else if (isRecord(parent)) Reflect.deleteProperty(parent, last);
  return document;
}
