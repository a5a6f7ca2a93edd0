const encoder = new TextEncoder();

/** How many bytes a value takes as JSON in UTF-8. */
export function jsonBytes(value: unknown): number {
  return encoder.encode(JSON.stringify(value)).length;
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
