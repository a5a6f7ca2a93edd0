import { jsonBytes, type ByteBudget } from "./byte-budget.ts";
import { defined } from "./defined.ts";
import { DRA_LABEL } from "./checkers/gpu-allocation.ts";
import { MIG_COUNT_LABEL } from "./checkers/gpu-resources.ts";
import type { ConditionStatus, NodeCondition, NodeSnapshot, NodeTaint } from "./node.ts";
import { field, instantOf, listOf, objectOf, textOf, tokenOf, type RawObject } from "./raw-values.ts";
import {
  CAPS,
  KEPT_ANNOTATIONS,
  KEPT_LABELS,
  KEPT_TAINTS,
  KNOWN_CONDITIONS,
  LENGTHS,
  NVIDIA_RESOURCE,
  OWN_ANNOTATION,
} from "./snapshot-fields.ts";

/** The conditions of `status`, one per type, the known types first. */
export function conditionsOf(status: RawObject): readonly NodeCondition[] {
  const byType = new Map<string, NodeCondition>();
  for (const entry of listOf(field(status, "conditions"))) {
    const condition = conditionOf(entry);
    if (condition === undefined) continue;
    const other = byType.get(condition.type);
    byType.set(condition.type, other === undefined ? condition : healthier(other, condition));
  }
  return rankedBy([...byType.values()], KNOWN_CONDITIONS, ({ type }) => type).slice(0, CAPS.conditions);
}

function conditionOf(entry: unknown): NodeCondition | undefined {
  const raw = objectOf(entry);
  const type = tokenOf(field(raw, "type"), LENGTHS.conditionType);
  if (type === undefined) return undefined;
  return {
    type,
    status: statusOf(field(raw, "status")),
    ...defined({
      reason: tokenOf(field(raw, "reason"), LENGTHS.reason),
      lastTransitionAt: instantOf(field(raw, "lastTransitionTime")),
    }),
  };
}

function statusOf(value: unknown): ConditionStatus {
  return value === "True" || value === "False" ? value : "Unknown";
}

/**
 * Of two entries of one type, the one that asks for less. The API server keeps conditions as a map and cannot hold
 * both, so the object is forged or broken, and such an object must not be the cause of a reboot. The choice does
 * not depend on their order, unlike "the last wins".
 */
function healthier(a: NodeCondition, b: NodeCondition): NodeCondition {
  const ranking: readonly ConditionStatus[] =
    a.type === "Ready" ? ["True", "Unknown", "False"] : ["False", "Unknown", "True"];
  const difference =
    ranking.indexOf(a.status) - ranking.indexOf(b.status) ||
    (b.lastTransitionAt ?? 0) - (a.lastTransitionAt ?? 0) ||
    ((a.reason ?? "") <= (b.reason ?? "") ? -1 : 1);
  return difference <= 0 ? a : b;
}

/** The taints of `spec`, one per key and effect as the API server has it, those that a rule reads first. */
export function taintsOf(spec: RawObject): readonly NodeTaint[] {
  const taints = new Map<string, NodeTaint>();
  for (const entry of listOf(field(spec, "taints"))) {
    const raw = objectOf(entry);
    const key = tokenOf(field(raw, "key"), LENGTHS.taintKey);
    const effect = tokenOf(field(raw, "effect"), LENGTHS.taintEffect);
    if (key === undefined || effect === undefined) continue;
    const value = textOf(field(raw, "value"), LENGTHS.labelValue);
    taints.set(`${key} ${effect}`, { key, effect, ...defined({ value }) });
  }
  return rankedBy([...taints.values()], KEPT_TAINTS, ({ key }) => key).slice(0, CAPS.taints);
}

/** Our own annotations and the markers of other owners. */
export function annotationsOf(metadata: RawObject, budget: ByteBudget): Record<string, string> {
  const source = objectOf(field(metadata, "annotations"));
  const own = Object.keys(source).filter((key) => OWN_ANNOTATION.test(key));
  const keys = [...KEPT_ANNOTATIONS, ...own.toSorted().slice(0, CAPS.ownAnnotations)];
  return copyEntries(source, keys, LENGTHS.annotationValue, budget);
}

/** The labels on the allow-list, then those of DRA drivers and GFD's counts of MIG profiles. */
export function labelsOf(metadata: RawObject, budget: ByteBudget): Record<string, string> {
  const source = objectOf(field(metadata, "labels"));
  const profiles = Object.keys(source).filter((key) => MIG_COUNT_LABEL.test(key));
  const dra = Object.keys(source).filter((key) => DRA_LABEL.test(key));
  const keys = [
    ...KEPT_LABELS,
    ...dra.toSorted().slice(0, CAPS.draLabels),
    ...profiles.toSorted().slice(0, CAPS.migLabels),
  ];
  return copyEntries(source, keys, LENGTHS.labelValue, budget);
}

/** NVIDIA's resources: GPUs, then MIG profiles, then the rest. A resource is kept in both maps or in none. */
export function resourcesOf(
  status: RawObject,
  budget: ByteBudget,
): Pick<NodeSnapshot, "capacity" | "allocatable"> {
  const sources = {
    capacity: objectOf(field(status, "capacity")),
    allocatable: objectOf(field(status, "allocatable")),
  };
  const capacity: Record<string, string> = {};
  const allocatable: Record<string, string> = {};
  const keys = new Set([...Object.keys(sources.capacity), ...Object.keys(sources.allocatable)]);
  const ranked = [...keys].filter((key) => NVIDIA_RESOURCE.test(key)).toSorted(byResourceImportance);
  for (const key of ranked.slice(0, CAPS.resources)) {
    const total = quantityOf(field(sources.capacity, key));
    const usable = quantityOf(field(sources.allocatable, key));
    // Charged as if both were there: one alone would read as a loss.
    if (!budget.take(jsonBytes([key, total, key, usable]))) continue;
    if (total !== undefined) capacity[key] = total;
    if (usable !== undefined) allocatable[key] = usable;
  }
  return { capacity, allocatable };
}

/** A quantity as text; JSON numbers are accepted, as the API server accepts them. */
function quantityOf(value: unknown): string | undefined {
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  return tokenOf(value, LENGTHS.quantity);
}

function byResourceImportance(a: string, b: string): number {
  return resourceRank(a) - resourceRank(b) || (a < b ? -1 : 1);
}

function resourceRank(key: string): number {
  if (key === "nvidia.com/gpu") return 0;
  if (key === "nvidia.com/gpu.shared") return 1;
  return key.startsWith("nvidia.com/mig-") ? 2 : 3;
}

/** The elements that fit, in their order. */
export function keepElements<T>(elements: readonly T[], budget: ByteBudget): T[] {
  // Its comma counts.
  return elements.filter((element) => budget.take(jsonBytes(element) + 1));
}

/** Copies those entries of `source` that are strings, as long as the budget lasts. */
function copyEntries(
  source: RawObject,
  keys: Iterable<string>,
  maxLength: number,
  budget: ByteBudget,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const key of keys) {
    const value = field(source, key);
    if (typeof value !== "string") continue;
    // An empty value carries meaning (`node-role.kubernetes.io/master: ""`), so it stays.
    const text = textOf(value, maxLength) ?? "";
    // Colon and comma count.
    if (budget.take(jsonBytes(key) + jsonBytes(text) + 2)) kept[key] = text;
  }
  return kept;
}

/** Elements named in `first` in that order, then the others as they came. */
function rankedBy<T>(elements: readonly T[], first: readonly string[], nameOf: (element: T) => string): T[] {
  const rank = (element: T): number => {
    const index = first.indexOf(nameOf(element));
    return index === -1 ? first.length : index;
  };
  return elements.toSorted((a, b) => rank(a) - rank(b));
}
