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

/** A budget of `bytes` bytes; one that is part of another takes from that as well. */
export function createByteBudget(
  bytes: number,
  takeFromParent: (cost: number) => boolean = () => true,
): ByteBudget {
  let left = bytes;
  const take = (cost: number): boolean => {
    if (cost > left || !takeFromParent(cost)) return false;
    left -= cost;
    return true;
  };
  return { take, part: (partBytes) => createByteBudget(partBytes, take) };
}
