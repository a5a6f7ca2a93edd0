const TIMES = new Set([
  "creationTimestamp",
  "deletionTimestamp",
  "lastHeartbeatTime",
  "lastTransitionTime",
  "timeAdded",
  "time",
]);

/** The object as client-node's list deserialises it: the same fields, with every timestamp as a Date. */
export function listShape(value: unknown, key = ""): unknown {
  if (typeof value === "string") return TIMES.has(key) ? new Date(value) : value;
  if (Array.isArray(value)) return value.map((element) => listShape(element));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, listShape(inner, name)]));
}
