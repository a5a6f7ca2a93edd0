import { arrayOf, isRecord, type JsonRecord } from "../kubernetes-api/kube-object.ts";
import { define } from "./merge-patch.ts";

/**
 * Lists that merge by a key, by their path (kubernetes/api core/v1/types.go). Everything else replaces: taints are
 * atomic, so a patch with one taint removes all others.
 */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  "metadata.ownerReferences": "uid",
  "status.conditions": "type",
  "status.addresses": "type",
};

/** Lists of plain values that merge as sets. */
const SET_LISTS: ReadonlySet<string> = new Set(["metadata.finalizers", "spec.podCIDRs"]);

const ORDER = "$setElementOrder/";
const DELETE_PRIMITIVES = "$deleteFromPrimitiveList/";

/** Strategic merge patch for the kinds that are served, with `$patch`, `$deleteFromPrimitiveList` and `$retainKeys`. */
export function strategicMergePatch(target: unknown, patch: unknown, path = ""): unknown {
  if (!isRecord(patch)) return patch;
  const directive = patch["$patch"];
  if (directive === "delete") return undefined;
  const merged: JsonRecord = isRecord(target) && directive !== "replace" ? { ...target } : {};
  retain(merged, patch["$retainKeys"]);
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_PRIMITIVES)) {
      const list = key.slice(DELETE_PRIMITIVES.length);
      const dropped = new Set(arrayOf(value));
      merged[list] = arrayOf(merged[list]).filter((entry) => !dropped.has(entry));
      continue;
    }
    if (key === "$patch" || key === "$retainKeys" || key.startsWith(ORDER)) continue;
    if (value === null) {
      Reflect.deleteProperty(merged, key);
      continue;
    }
    const result = mergeField(merged[key], value, path === "" ? key : `${path}.${key}`);
    if (result === undefined) Reflect.deleteProperty(merged, key);
    else define(merged, key, result);
  }
  return merged;
}

function mergeField(before: unknown, value: unknown, path: string): unknown {
  if (!Array.isArray(value)) return strategicMergePatch(before, value, path);
  const mergeKey = MERGE_KEYS[path];
  if (mergeKey !== undefined) return mergeByKey(arrayOf(before), value, mergeKey, path);
  if (SET_LISTS.has(path)) return [...new Set([...arrayOf(before), ...arrayOf(value)])];
  return value;
}

function mergeByKey(
  before: readonly unknown[],
  patch: readonly unknown[],
  key: string,
  path: string,
): unknown[] {
  if (patch.some((entry) => isRecord(entry) && entry["$patch"] === "replace")) {
    return patch.filter((entry) => !(isRecord(entry) && entry["$patch"] === "replace"));
  }
  const merged = [...before];
  for (const entry of patch) {
    const id = isRecord(entry) ? entry[key] : undefined;
    const index = merged.findIndex((old) => isRecord(old) && old[key] === id);
    const result = strategicMergePatch(merged[index], entry, path);
    if (result === undefined) merged.splice(index, index < 0 ? 0 : 1);
    else if (index < 0) merged.push(result);
    else merged[index] = result;
  }
  return merged;
}

function retain(merged: JsonRecord, keys: unknown): void {
  if (!Array.isArray(keys)) return;
  const kept = new Set<unknown>(keys);
  for (const key of Object.keys(merged)) if (!kept.has(key)) Reflect.deleteProperty(merged, key);
}
