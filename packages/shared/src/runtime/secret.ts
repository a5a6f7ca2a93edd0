const REDACTED = "[redacted]";

/**
 * A value that must never be printed. Every way in which a program turns a value into text (template, JSON,
 * `util.inspect`, which loggers and test reporters use) gives `[redacted]`; only `reveal()` gives the value, so a
 * search for `reveal(` finds every place that can leak it.
 */
export class Secret {
  readonly #value: string;

  private constructor(value: string) {
    this.#value = value;
  }

  /** Wraps a secret text. */
  static of(value: string): Secret {
    return new Secret(value);
  }

  /** The secret itself. Hand it to the one call that needs it and keep no copy. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  /** What `util.inspect` prints; the registered symbol needs no import of `node:util`. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return REDACTED;
  }
}
