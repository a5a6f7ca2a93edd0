/** No ledger was ever written to so often: a number beyond it was forged, or is damage. */
const MAX_SEQUENCE = 2 ** 48;

/**
 * A remembered sequence number, if it can be one, else 0. What stands in Redis must not push the ledger to where counting
 * ends, and must not keep it there.
 */
export function plausible(seq: number): number {
  return Number.isSafeInteger(seq) && seq >= 0 && seq <= MAX_SEQUENCE ? seq : 0;
}
