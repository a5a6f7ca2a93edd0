import type { State } from "./layout.ts";

const EMPTY = -1;

/** The states seen so far, in the order in which they were found: one array of words and a hash table of places. */
export class StateSet {
  readonly #words: number;
  #states: Uint32Array;
  #table: Int32Array;
  #size = 0;

  constructor(words: number, expected = 1024) {
    this.#words = words;
    this.#states = new Uint32Array(expected * words);
    this.#table = new Int32Array(2 ** Math.ceil(Math.log2(expected * 2))).fill(EMPTY);
  }

  get size(): number {
    return this.#size;
  }

  /** The place of a state, which is added if it is new; then `size` grows by one. */
  add(state: State): number {
    const slot = this.#find(state);
    const known = this.#table[slot] as number;
    if (known !== EMPTY) return known;
    const index = this.#size;
    this.#table[slot] = index;
    this.#append(state);
    if (this.#size * 2 > this.#table.length) this.#rehash();
    return index;
  }

  /** The place of a state; undefined: never seen. */
  indexOf(state: State): number | undefined {
    const index = this.#table[this.#find(state)] as number;
    return index === EMPTY ? undefined : index;
  }

  /** Copies the state at a place. */
  read(index: number, into: State): void {
    const start = index * this.#words;
    for (let word = 0; word < this.#words; word += 1) into[word] = this.#states[start + word] as number;
  }

  #find(state: State): number {
    const last = this.#table.length - 1;
    let slot = hash(state, 0, this.#words) & last;
    for (;;) {
      const index = this.#table[slot] as number;
      if (index === EMPTY || this.#equals(index, state)) return slot;
      slot = (slot + 1) & last;
    }
  }

  #equals(index: number, state: State): boolean {
    const start = index * this.#words;
    for (let word = 0; word < this.#words; word += 1) {
      if (this.#states[start + word] !== state[word]) return false;
    }
    return true;
  }

  #append(state: State): void {
    const start = this.#size * this.#words;
    if (start + this.#words > this.#states.length) {
      const grown = new Uint32Array(this.#states.length * 2);
      grown.set(this.#states);
      this.#states = grown;
    }
    for (let word = 0; word < this.#words; word += 1) this.#states[start + word] = state[word] as number;
    this.#size += 1;
  }

  #rehash(): void {
    this.#table = new Int32Array(this.#table.length * 2).fill(EMPTY);
    const last = this.#table.length - 1;
    for (let index = 0; index < this.#size; index += 1) {
      let slot = hash(this.#states, index * this.#words, this.#words) & last;
      while (this.#table[slot] !== EMPTY) slot = (slot + 1) & last;
      this.#table[slot] = index;
    }
  }
}

/** MurmurHash3's mixing, over words. */
function hash(words: Uint32Array, start: number, count: number): number {
  let mixed = 0;
  for (let word = start; word < start + count; word += 1) {
    const one = Math.imul(words[word] as number, 0xcc9e2d51);
    mixed ^= Math.imul((one << 15) | (one >>> 17), 0x1b873593);
    mixed = (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
  }
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
