/**
 * Kubernetes quantities (apimachinery `resource/quantity.go`), exactly. The kubelet writes 1000 shared GPUs as "1k",
 * which `Number` cannot read.
 */

// <sign><digits>[.<digits>]<suffix>, with at least one digit; "1E" is exa, "1E3" is an exponent, "1e" is nothing.
const QUANTITY =
  /^([+-]?)(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?[0-9]{1,19}))?$/;

const BINARY_POWER: Readonly<Record<string, bigint>> = {
  Ki: 10n,
  Mi: 20n,
  Gi: 30n,
  Ti: 40n,
  Pi: 50n,
  Ei: 60n,
};

const DECIMAL_POWER: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};

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
  const power = decimalPower(decimal, exponent) + 3 - fraction.length;
  const millis = scale(digits << (binary === undefined ? 0n : (BINARY_POWER[binary] ?? 0n)), power);
  return sign === "-" ? -millis : millis;
}

/** The quantity's whole units, never below 0, or undefined when the text is none or beyond exact numbers. */
export function wholeUnits(text: string): number | undefined {
  const millis = parseQuantity(text);
  if (millis === undefined) return undefined;
  const units = millis <= 0n ? 0 : Number(millis / 1000n);
  return Number.isSafeInteger(units) ? units : undefined;
}

function decimalPower(suffix: string | undefined, exponent: string | undefined): number {
  if (exponent !== undefined) return Number(exponent);
  return suffix === undefined ? 0 : (DECIMAL_POWER[suffix] ?? 0);
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
