const encoder = new TextEncoder();
const BEYOND_ASCII = /[\u0080-\uffff]/;

/**
 * FNV-1a, 64 bits, of the text's UTF-8 bytes, as 16 hex digits. Tells contents apart, and proves nothing against
 * someone who wants a collision. It runs for every node event: 16-bit limbs keep all arithmetic in small integers, and
 * ASCII text needs no encoder.
 */
export function fnv1a64(text: string): string {
  const bytes = BEYOND_ASCII.test(text)
    ? Array.from(encoder.encode(text), (byte) => String.fromCharCode(byte)).join("")
    : text;
  let high = 0xcbf29ce4 | 0;
  let middle = 0x8422;
  let low = 0x2325;
  for (let i = 0; i < bytes.length; i += 1) {
    low ^= bytes.charCodeAt(i);
    // The prime is 2^40 + 0x1b3: multiply by 0x1b3, and add the lower word shifted by 40 bits.
    const shifted = ((middle << 16) | low) << 8;
    const first = low * 0x1b3;
    const second = middle * 0x1b3 + (first >>> 16);
    high = (Math.imul(high, 0x1b3) + (second >>> 16) + shifted) | 0;
    middle = second & 0xffff;
    low = first & 0xffff;
  }
  return hex(high >>> 0, 8) + hex(middle, 4) + hex(low, 4);
}

function hex(word: number, digits: number): string {
  return word.toString(16).padStart(digits, "0");
}
