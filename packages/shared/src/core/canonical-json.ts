import { isRawObject } from "./raw-values.ts";

/** Printable ASCII without quote and backslash: JSON of it is the text between quotes. */
const PLAIN = /^[ !#-[\]-~]*$/;
/** What an object takes for an index when it orders its keys. */
const INDEX = /^(?:0|[1-9]\d{0,9})$/;
const MOST_INDEX = 0xffff_fffe;

/**
 * JSON with sorted keys: the same bytes as `JSON.stringify` of objects whose keys were put in order before, for values
 * that JSON has. Written by hand, because it runs for every node event; that it stays the same bytes matters, because
 * fingerprints made of them are stored and compared with those of other versions.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === "string") return textJson(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join()}]`;
  if (!isRawObject(value)) return JSON.stringify(value);
  let json = "";
  for (const key of keysInOrder(value)) {
    const inner = value[key];
    if (inner !== undefined) json += `${json === "" ? "" : ","}${textJson(key)}:${canonicalJson(inner)}`;
  }
  return `{${json}}`;
}

function textJson(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/** By UTF-16 code units; keys that look like an index stand first and by number, as in every object. */
function keysInOrder(object: object): string[] {
  // oxlint-disable-next-line unicorn/no-array-sort -- the list is ours, and a copy per object costs.
  const keys = Object.keys(object).sort();
  if (!keys.some(isIndex)) return keys;
  const indexes = keys.filter(isIndex).toSorted((a, b) => Number(a) - Number(b));
  return [...indexes, ...keys.filter((key) => !isIndex(key))];
}

function isIndex(key: string): boolean {
  return INDEX.test(key) && Number(key) <= MOST_INDEX;
}
