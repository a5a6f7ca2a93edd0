/**
 * Kubernetes quantities (apimachinery `resource/quantity.go`), exactly. The kubelet writes 1000 shared GPUs as "1k",
 * which `Number` cannot read.
 */

// <sign><digits>[.<digits>]<suffix>, with at least one digit; "1E" is exa, "1E3" is an exponent, "1e" is nothing.
const QUANTITY =
  /^([+-]?)(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?(?:([KMGTPE])i|([numkMGTPE])|[eE]([+-]?[0-9]{1,19}))?$/;

/** The power of 1000 that a suffix stands for, or with an `i` of 1024, where `K` is `k`. */
const POWERS: ReadonlyMap<string, number> = new Map(
  ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"].map((suffix, at) => [suffix, at - 3]),
);

/** No quantity is larger than 2^63 - 1 units; larger ones are capped, as apimachinery does. */
const MAX_MILLIS = (2n ** 63n - 1n) * 1000n;

const MAX_LENGTH = 64;

/**
 * The quantity in thousandths, or undefined when the text is none. What is finer than a thousandth is rounded away
 * from zero, like `Quantity.MilliValue`. Never throws.
 */
export function parseQuantity(text: string): bigint | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const match = QUANTITY.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", binary, decimal, exponent] = match;
  const digits = BigInt(whole + fraction);
  const power = Number(exponent ?? 3 * powerOf(decimal)) + 3 - fraction.length;
  const millis = scale(digits << BigInt(10 * powerOf(binary)), power);
  return sign === "-" ? -millis : millis;
}

/** The quantity's whole units, never below 0, or undefined when the text is none or beyond exact numbers. */
export function wholeUnits(text: string): number | undefined {
  const millis = parseQuantity(text);
  if (millis === undefined) return undefined;
  const units = millis <= 0n ? 0 : Number(millis / 1000n);
  return Number.isSafeInteger(units) ? units : undefined;
}

function powerOf(suffix = ""): number {
  return POWERS.get(suffix === "K" ? "k" : suffix) ?? 0;
}

/** `value * 10^power`, rounded up and capped, without ever building a number larger than the cap needs. */
function scale(value: bigint, power: number): bigint {
  if (value === 0n) return 0n;
  if (power >= 0) {
    // 10^22 milli-units are beyond the cap already.
    const product = power > 22 ? MAX_MILLIS : value * 10n ** BigInt(power);
    return product > MAX_MILLIS ? MAX_MILLIS : product;
  }
  // The text has at most 64 digits and 2^60: dividing by more than 10^100 leaves less than one unit.
  const divisor = 10n ** BigInt(Math.min(-power, 100));
  const rounded = (value + divisor - 1n) / divisor;
  return rounded > MAX_MILLIS ? MAX_MILLIS : rounded;
}
