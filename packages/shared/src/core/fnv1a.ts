const encoder = new TextEncoder();

/**
 * FNV-1a, 64 bits, of the text's UTF-8 bytes, as 16 hex digits. Tells contents apart, and proves nothing against
 * someone who wants a collision. Two 32-bit halves instead of a BigInt, since it runs for every node event.
 */
export function fnv1a64(text: string): string {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (const byte of encoder.encode(text)) {
    low = (low ^ byte) >>> 0;
    // The prime is 2^40 + 0x1b3: multiply both halves by 0x1b3 (< 2^41, exact) and add low << 40.
    const product = low * 0x1b3;
    const carry = Math.floor(product / 0x1_0000_0000);
    high = (high * 0x1b3 + carry + ((low << 8) >>> 0)) % 0x1_0000_0000;
    low = product >>> 0;
  }
  return hex(high) + hex(low);
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}
