/** One line that guards a promise, what is left when it is taken away, and the test files that must miss it. */
export interface Guard {
  readonly guard: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly tests: readonly string[];
}
