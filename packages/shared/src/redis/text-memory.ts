/**
 * What was read last under each name, by its text. Thousands of sick nodes are read every few seconds, and few of them have
 * changed: the same text is not parsed again. Only what the latest reading named is kept.
 */
export class TextMemory<T> {
  #known = new Map<string, { readonly text: string; readonly value: T }>();

  /** The values of these texts, in their order; what is read must not be changed by anybody. */
  read(
    texts: readonly (readonly [name: string, text: string])[],
    parse: (name: string, text: string) => T,
  ): T[] {
    const next = new Map<string, { readonly text: string; readonly value: T }>();
    const values = texts.map(([name, text]) => {
      const known = this.#known.get(name);
      const cell = known?.text === text ? known : { text, value: parse(name, text) };
      next.set(name, cell);
      return cell.value;
    });
    this.#known = next;
    return values;
  }
}
