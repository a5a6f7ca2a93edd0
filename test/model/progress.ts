/** The transitions of an exploration, for questions about what stays possible. */
export class EdgeList {
  #from = new Int32Array(4096);
  #to = new Int32Array(4096);
  #size = 0;
  /** States from which the wanted transition is one step away, in the order of exploration. */
  readonly #near: number[] = [];

  get near(): readonly number[] {
    return this.#near;
  }

  add(from: number, to: number, wanted: boolean): void {
    if (wanted && this.#near.at(-1) !== from) this.#near.push(from);
    if (this.#size === this.#from.length) {
      this.#from = doubled(this.#from);
      this.#to = doubled(this.#to);
    }
    this.#from[this.#size] = from;
    this.#to[this.#size] = to;
    this.#size += 1;
  }

  /** The states that lead to each state: those of `state` stand at `starts[state]` up to `starts[state + 1]`. */
  backwards(states: number): { starts: Int32Array; sources: Int32Array } {
    const starts = new Int32Array(states + 1);
    for (let edge = 0; edge < this.#size; edge += 1) {
      const after = (this.#to[edge] as number) + 1;
      starts[after] = (starts[after] as number) + 1;
    }
    for (let state = 0; state < states; state += 1) {
      starts[state + 1] = (starts[state + 1] as number) + (starts[state] as number);
    }
    const free = starts.slice();
    const sources = new Int32Array(this.#size);
    for (let edge = 0; edge < this.#size; edge += 1) {
      const to = this.#to[edge] as number;
      sources[free[to] as number] = this.#from[edge] as number;
      free[to] = (free[to] as number) + 1;
    }
    return { starts, sources };
  }
}

/** The first state (so the one with the shortest way to it) from which the wanted transition can never come again. */
export function firstCutOff(edges: EdgeList, states: number): number | undefined {
  const { starts, sources } = edges.backwards(states);
  const reaches = new Uint8Array(states);
  const open = [...edges.near];
  for (const state of open) reaches[state] = 1;
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    for (let edge = starts[state] as number; edge < (starts[state + 1] as number); edge += 1) {
      const source = sources[edge] as number;
      if (reaches[source] === 1) continue;
      reaches[source] = 1;
      open.push(source);
    }
  }
  const cutOff = reaches.indexOf(0);
  return cutOff === -1 ? undefined : cutOff;
}

function doubled(values: Int32Array): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(values.length * 2);
  grown.set(values);
  return grown;
}
