import { isRecord, type JsonRecord } from "../kubernetes-api/kube-object.ts";

/** JSON merge patch (RFC 7386): null deletes, objects merge, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged: JsonRecord = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(merged, key);
    else define(merged, key, mergePatch(merged[key], value));
  }
  return merged;
}

/** Sets a property without ever reaching a prototype. */
export function define(target: JsonRecord, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}
