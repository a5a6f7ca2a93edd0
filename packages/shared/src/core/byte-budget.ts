const encoder = new TextEncoder();
const BEYOND_ASCII = /[\u0080-\uffff]/;

/** How many bytes a value takes as JSON in UTF-8. It runs for every node event: ASCII text needs no encoder. */
export function jsonBytes(value: unknown): number {
  const json = JSON.stringify(value);
  return BEYOND_ASCII.test(json) ? encoder.encode(json).length : json.length;
}

/** Hands out a fixed number of bytes of JSON to entries, first come, first served. */
export interface ByteBudget {
  /** Takes so many bytes, or refuses and takes none. */
  take(bytes: number): boolean;
  /** A budget of at most `bytes` within this one, so that one group of entries cannot eat the room of the others. */
  part(bytes: number): ByteBudget;
}

/** A budget of `bytes` bytes. */
export function createByteBudget(bytes: number): ByteBudget {
  return budgetWithin(bytes, () => true);
}

function budgetWithin(bytes: number, takeFromParent: (cost: number) => boolean): ByteBudget {
  let left = bytes;
  const take = (cost: number): boolean => {
    if (cost > left || !takeFromParent(cost)) return false;
    left -= cost;
    return true;
  };
  return { take, part: (partBytes) => budgetWithin(partBytes, take) };
}

/** Takes the room for one more element of an array, its comma included. */
export function takeElement(budget: ByteBudget, value: unknown): boolean {
  return budget.take(jsonBytes(value) + 1);
}

/** Takes the room for one more `"key":"value"` of an object, colon and comma included. */
export function takeEntry(budget: ByteBudget, key: string, value: string): boolean {
  return budget.take(jsonBytes(key) + jsonBytes(value) + 2);
}
