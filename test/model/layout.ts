/** A state: small numbers packed into 32-bit words, so that millions of states fit into memory and compare fast. */
export type State = Uint32Array;

/** One number of a state, repeated in every row of its kind (every VM has a `notBefore`). Rows count from 0. */
export class Field {
  readonly name: string;
  /** The greatest value; ages stop there. A field with 0 is absent: it reads as 0 and forgets what is written. */
  readonly max: number;
  readonly #first: number;
  readonly #stride: number;
  readonly #shift: number;
  readonly #mask: number;

  constructor(name: string, max: number, first: number, stride: number, shift: number) {
    this.name = name;
    this.max = max;
    this.#first = first;
    this.#stride = stride;
    this.#shift = shift;
    this.#mask = max === 0 ? 0 : 2 ** bitsFor(max) - 1;
  }

  get(state: State, row = 0): number {
    return ((state[this.#first + row * this.#stride] as number) >>> this.#shift) & this.#mask;
  }

  /** Throws RangeError when the value has no place: a silent overflow would make the whole exploration worthless. */
  set(state: State, row: number, value: number): void {
    if (this.#mask === 0) return;
    if (value > this.max || value < 0) throw new RangeError(`${this.name} cannot be ${value}`);
    const at = this.#first + row * this.#stride;
    state[at] = ((state[at] as number) & ~(this.#mask << this.#shift)) | (value << this.#shift);
  }

  /** One more, up to the greatest value. */
  raise(state: State, row = 0): void {
    const value = this.get(state, row);
    if (value < this.max) this.set(state, row, value + 1);
  }

  /** One less, down to 0. */
  lower(state: State, row = 0): void {
    const value = this.get(state, row);
    if (value > 0) this.set(state, row, value - 1);
  }
}

/** Where the rows of one kind lie in a state. */
export interface Rows<Name extends string> {
  readonly fields: Readonly<Record<Name, Field>>;
  readonly count: number;
  /** Words from one row to the next. */
  readonly stride: number;
  /** Word of the first row. */
  readonly first: number;
  /** The word after the last row. */
  readonly end: number;
}

/** Lays out `count` equal rows from word `first` on; `maxima` names the fields and their greatest values. */
export function layRows<Name extends string>(
  first: number,
  count: number,
  maxima: Readonly<Record<Name, number>>,
): Rows<Name> {
  const places: { name: Name; max: number; word: number; shift: number }[] = [];
  let word = 0;
  let used = 0;
  for (const [name, max] of Object.entries(maxima) as [Name, number][]) {
    const bits = max === 0 ? 0 : bitsFor(max);
    if (used + bits > 32) {
      word += 1;
      used = 0;
    }
    places.push({ name, max, word, shift: used % 32 });
    used += bits;
  }
  const stride = word + 1;
  const entries = places.map(({ name, max, word: at, shift }) => [
    name,
    new Field(name, max, max === 0 ? 0 : first + at, stride, shift),
  ]);
  const fields = Object.fromEntries(entries) as Record<Name, Field>;
  return { fields, count, stride, first, end: first + count * stride };
}

function bitsFor(max: number): number {
  return Math.floor(Math.log2(max)) + 1;
}
