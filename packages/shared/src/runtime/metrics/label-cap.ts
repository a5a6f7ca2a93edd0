/** A value that stands for all values beyond the cap, or outside a closed set. */
export const OTHER = "other";

const MOST_VALUES = 100;
const LONGEST_VALUE = 128;

/**
 * Keeps a label from growing without end: the first hundred values get their own series, later ones share `other`.
 * Labels of nodes are written by kubelets, so anyone with a kubelet could otherwise fill Prometheus.
 */
export class LabelCap {
  readonly #seen = new Set<string>();
  readonly #most: number;

  constructor(most: number = MOST_VALUES) {
    this.#most = most;
  }

  /** The value itself, or `other`; `none` for a value that is missing. */
  bound(value: string | undefined): string {
    if (value === undefined || value === "") return "none";
    if (this.#seen.has(value)) return value;
    if (this.#seen.size >= this.#most || value.length > LONGEST_VALUE) return OTHER;
    this.#seen.add(value);
    return value;
  }
}
