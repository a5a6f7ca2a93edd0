/** Levenshtein distance, for suggestions only: inputs are names of settings. */
function distance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const change = left[row - 1] === right[column - 1] ? 0 : 1;
      current.push(
        Math.min(
          (previous[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (previous[column - 1] ?? 0) + change,
        ),
      );
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}

/** `; did you mean X?` for the nearest of the known names, or nothing when none is near. Letter case counts little. */
export function didYouMean(name: string, known: readonly string[]): string {
  // A hostile file may hold keys of any size; the distance costs their product.
  if (name.length > 64) return "";
  const limit = Math.max(2, Math.floor(name.length / 3));
  const near = known
    .map((candidate) => ({ candidate, far: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ far }) => far <= limit)
    .toSorted((one, other) => one.far - other.far)[0];
  return near ? `; did you mean ${near.candidate}?` : "";
}

const LONGEST_QUOTE = 80;

/** A value as a fault quotes it: escaped, cut, and without what an URL may hide (user, password, query). */
export function quote(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  const masked = json.replaceAll(/\/\/[^"]*@/gu, "//***@").replaceAll(/(?<=:\/\/[^"]*)\?[^"]*/gu, "?***");
  return masked.length > LONGEST_QUOTE ? `${masked.slice(0, LONGEST_QUOTE)}...` : masked;
}
