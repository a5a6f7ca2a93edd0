/** A seeded source of everything that looks random in the world: the same seed gives the same names and ids. */
export class Random {
  #state: number;

  /** Any integer seeds it. */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number in [0, 1); mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer in [0, below). */
  integer(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** `length` characters of `alphabet`. */
  text(length: number, alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"): string {
    let text = "";
    while (text.length < length) text += alphabet[this.integer(alphabet.length)] ?? "";
    return text;
  }

  /** `length` hexadecimal digits. */
  hex(length: number): string {
    return this.text(length, "0123456789abcdef");
  }

  /** A UUID of version 4. */
  uuid(): string {
    const variant = this.text(1, "89ab");
    return `${this.hex(8)}-${this.hex(4)}-4${this.hex(3)}-${variant}${this.hex(3)}-${this.hex(12)}`;
  }
}
