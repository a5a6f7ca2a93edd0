import { isRecord, recordOf, type KubeObject } from "./kube-object.ts";
import type { Resource } from "./resource.ts";
import { StatusError } from "./status-error.ts";

/** True for objects that a list or watch shows. */
export type Selector = (object: KubeObject) => boolean;

type LabelTest = (labels: Readonly<Record<string, unknown>>) => boolean;

const KEY = "[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?";
const SET = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const EQUALITY = new RegExp(`^(${KEY})\\s*(==|!=|=)\\s*([-A-Za-z0-9_.]*)$`);
const EXISTENCE = new RegExp(`^(!?)\\s*(${KEY})$`);

/** Parses `labelSelector` (=, ==, !=, in, notin, exists, !). @throws {StatusError} BadRequest */
function labelSelector(text: string): Selector {
  const tests = splitOutsideParentheses(text).map(labelTest);
  return (object) => {
    const labels = recordOf(object.metadata.labels);
    return tests.every((test) => test(labels));
  };
}

function labelTest(requirement: string): LabelTest {
  const set = SET.exec(requirement);
  if (set !== null) {
    const [, key = "", operator, list = ""] = set;
    const values = new Set(list.split(",").map((value) => value.trim()));
    return operator === "in"
      ? (labels) => Object.hasOwn(labels, key) && values.has(String(labels[key]))
      : (labels) => !Object.hasOwn(labels, key) || !values.has(String(labels[key]));
  }
  const equality = EQUALITY.exec(requirement);
  if (equality !== null) {
    const [, key = "", operator, value = ""] = equality;
    return operator === "!="
      ? (labels) => !Object.hasOwn(labels, key) || labels[key] !== value
      : (labels) => Object.hasOwn(labels, key) && labels[key] === value;
  }
  const existence = EXISTENCE.exec(requirement);
  if (existence !== null) {
    const [, not, key = ""] = existence;
    return (labels) => Object.hasOwn(labels, key) === (not === "");
  }
  throw new StatusError("BadRequest", `unable to parse requirement: found '${requirement}'`);
}

function splitOutsideParentheses(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** Parses `fieldSelector` (=, ==, !=) over the fields that the kind knows. @throws {StatusError} BadRequest */
function fieldSelector(text: string, resource: Resource): Selector {
  const tests = text
    .split(",")
    .filter((part) => part.trim() !== "")
    .map((part) => fieldTest(part.trim(), resource));
  return (object) => tests.every((test) => test(object));
}

function fieldTest(requirement: string, resource: Resource): Selector {
  const parsed = /^([^=!]+?)(==|!=|=)(.*)$/.exec(requirement);
  if (parsed === null) throw new StatusError("BadRequest", `invalid field selector: "${requirement}"`);
  const [, field = "", operator, value = ""] = parsed;
  const known = ["metadata.name", ...(resource.namespaced ? ["metadata.namespace"] : []), ...resource.fields];
  if (!known.includes(field)) {
    throw new StatusError("BadRequest", `field label not supported: ${field}`);
  }
  const path = field.split(".");
  return (object) => (fieldText(object, path) === value) === (operator !== "!=");
}

function fieldText(object: KubeObject, path: readonly string[]): string {
  let value: unknown = object;
  for (const part of path) value = isRecord(value) ? value[part] : undefined;
  if (value === undefined && path.at(-1) === "unschedulable") return "false";
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : "";
}

/** Both selectors of a request and its namespace as one. */
export function selectorOf(
  query: URLSearchParams,
  resource: Resource,
  namespace: string | undefined,
): Selector {
  const tests: Selector[] = [];
  if (namespace !== undefined) tests.push((object) => object.metadata.namespace === namespace);
  const labels = query.get("labelSelector");
  if (labels !== null && labels !== "") tests.push(labelSelector(labels));
  const fields = query.get("fieldSelector");
  if (fields !== null && fields !== "") tests.push(fieldSelector(fields, resource));
  return (object) => tests.every((test) => test(object));
}
