const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** What may come next between the elements of the array. */
type Expected = "Array" | "FirstElement" | "Element" | "Comma" | "Nothing";

/**
 * Cuts a JSON array of objects into its elements while it arrives, so that an answer of any length takes the memory of one
 * element. It counts brackets outside of texts; whether an element is JSON is for its reader to say.
 */
export class JsonElements {
  readonly #onElement: (json: string) => void;
  readonly #maxBytes: number;
  #expected: Expected = "Array";
  /** Open brackets of the present element; 0: between elements. */
  #depth = 0;
  #inText = false;
  #escaped = false;
  /** The beginning of the present element, from earlier chunks. */
  #held: Buffer[] = [];
  #heldBytes = 0;

  /** `onElement` gets each element as text; an element of more than `maxBytes` bytes is a fault. */
  constructor(onElement: (json: string) => void, maxBytes: number) {
    this.#onElement = onElement;
    this.#maxBytes = maxBytes;
  }

  /** True once the array was closed. */
  get ended(): boolean {
    return this.#expected === "Nothing";
  }

  /** Takes the next bytes. Throws `SyntaxError` when they cannot belong to an array of objects. */
  push(chunk: Buffer): void {
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#inText) {
        at = this.#skipText(chunk, at);
      } else if (this.#depth === 0) {
        if (!this.#begins(byte)) continue;
        from = at;
        this.#depth = 1;
      } else if (byte === QUOTE) {
        this.#inText = true;
      } else if (byte === OPEN || byte === OPEN_BRACE) {
        this.#depth += 1;
      } else if (byte === CLOSE || byte === CLOSE_BRACE) {
        this.#depth -= 1;
        if (this.#depth > 0) continue;
        this.#emit(chunk.subarray(from, at + 1));
        this.#expected = "Comma";
      }
    }
    if (this.#depth > 0) this.#hold(chunk.subarray(from));
  }

  /** The place of the quote that ends the text, or the end of the chunk. */
  #skipText(chunk: Buffer, start: number): number {
    for (let at = start; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) {
        this.#inText = false;
        return at;
      }
    }
    return chunk.length;
  }

  /** Between elements: true when this byte begins one. */
  #begins(byte: number): boolean {
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return false;
    const expected = this.#expected;
    if (byte === OPEN_BRACE && (expected === "FirstElement" || expected === "Element")) return true;
    if (byte === OPEN && expected === "Array") this.#expected = "FirstElement";
    else if (byte === COMMA && expected === "Comma") this.#expected = "Element";
    else if (byte === CLOSE && (expected === "FirstElement" || expected === "Comma"))
      this.#expected = "Nothing";
    else throw new SyntaxError("not an array of objects");
    return false;
  }

  #emit(rest: Buffer): void {
    this.#hold(rest);
    const bytes = this.#held.length === 1 ? rest : Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    this.#onElement(bytes.toString("utf8"));
  }

  #hold(part: Buffer): void {
    this.#heldBytes += part.length;
    if (this.#heldBytes > this.#maxBytes)
      throw new SyntaxError(`an element of more than ${this.#maxBytes} bytes`);
    this.#held.push(part);
  }
}
