import type { Random } from "../../../packages/simulator/src/world/random.ts";

/** One part: makes `cases` inputs of a seeded chance and says what went wrong. */
export type Fuzz = (
  random: Random,
  cases: number,
) => Promise<{ readonly wrong: readonly string[]; readonly told: string }>;

/** Texts that broke something somewhere: sizes, escapes, numbers that are none, names of prototypes, encodings. */
const TEXTS = [
  "",
  " ",
  "0",
  "-1",
  "NaN",
  "Infinity",
  "1e309",
  "9".repeat(400),
  "true",
  "null",
  "__proto__",
  "constructor",
  "toString",
  "../../etc/passwd",
  "\u0000",
  "\u001b[31m\r\nfake: line",
  "\ud800",
  "\u202e\u200b",
  "€".repeat(3000),
  '\\"'.repeat(2000),
  "civo://",
  "civo://fad8638d-efac-41e0-8787-23d37d845685",
  "civo://15e0a7dd-744e-4558-8113-2192e4eca040/",
  "CIVO://15e0a7dd-744e-4558-8113-2192e4eca040",
  "aws:///eu-west-1a/i-0abc",
  "0001-01-01T00:00:00Z",
  "275760-09-13T00:00:00Z",
] as const;

/** A text from the list, or made of random code units. */
export function hostileText(random: Random): string {
  const listed = TEXTS[random.integer(TEXTS.length * 2)];
  if (listed !== undefined) return listed;
  const units = Array.from({ length: random.integer(40) }, () => random.integer(0x10000));
  return String.fromCharCode(...units);
}

const DEEPEST = 3;

/** Any JSON value, as `JSON.parse` would make it; `__proto__` becomes a key of its own. */
export function hostileValue(random: Random, depth = DEEPEST): unknown {
  const kinds = depth > 0 ? 9 : 6;
  switch (random.integer(kinds)) {
    case 0:
      return null;
    case 1:
      return random.next() < 0.5;
    case 2:
      return [0, -1, 1e308, Number.MAX_SAFE_INTEGER + 1, 0.1, random.integer(1e9)][random.integer(6)];
    case 3:
    case 4:
    case 5:
      return hostileText(random);
    case 6:
      return Array.from({ length: random.integer(5) }, () => hostileValue(random, depth - 1));
    case 7:
      return depth === DEEPEST ? many(random) : [];
    default:
      return hostileObject(random, depth);
  }
}

function hostileObject(random: Random, depth: number): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  const keys = random.integer(6);
  for (let i = 0; i < keys; i += 1) put(made, hostileText(random), hostileValue(random, depth - 1));
  return made;
}

/** An object of an API server has 1.5 MB at most (etcd); a few of these fit into one. */
const LARGEST = 500_000;

/** Now and then ten thousand of the same. */
function many(random: Random): unknown[] {
  const one = hostileValue(random, 1);
  const room = Math.floor(LARGEST / (JSON.stringify(one).length + 1));
  const length = random.next() < 0.02 ? 10_000 : random.integer(20);
  return Array.from({ length: Math.min(length, room) }, () => one);
}

/** As `JSON.parse` does it: `__proto__` is a key like any other. */
function put(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Replaces, adds or removes values at random places of a copy of `base`; `changes` of them at most. */
export function mutated(random: Random, base: object, changes: number): unknown {
  const copy = structuredClone(base);
  const count = 1 + random.integer(changes);
  for (let i = 0; i < count; i += 1) mutate(random, copy);
  return copy;
}

function mutate(random: Random, root: object): void {
  let place: object = root;
  for (;;) {
    const keys = Object.keys(place);
    const key = keys[random.integer(keys.length)];
    const inner: unknown = key === undefined ? undefined : Reflect.get(place, key);
    if (typeof inner === "object" && inner !== null && random.next() < 0.75) {
      place = inner;
      continue;
    }
    const choice = random.next();
    if (key === undefined || choice < 0.15) put(place, hostileText(random), hostileValue(random));
    else if (choice < 0.25) Reflect.deleteProperty(place, key);
    else put(place, key, hostileValue(random));
    return;
  }
}

/** Flips, cuts or doubles pieces of a text. */
export function garbled(random: Random, text: string): string {
  const at = random.integer(text.length + 1);
  const end = at + random.integer(text.length - at + 1);
  switch (random.integer(5)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(end);
    case 2:
      return text.slice(0, at) + hostileText(random) + text.slice(at);
    case 3:
      return text.slice(0, end) + text.slice(at);
    default:
      return text.slice(0, at) + String.fromCharCode(random.integer(128)) + text.slice(at + 1);
  }
}
