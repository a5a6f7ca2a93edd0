const encoder = new TextEncoder();
const ELLIPSIS = "...";

/**
 * The words of others as one plain line: control characters, marks that change the direction of writing, line ends and
 * broken characters become spaces, so that nothing obeys them and nothing can hide behind them.
 */
export function plainLine(text: string): string {
  return text.replaceAll(/[\p{C}\p{Z}]+/gu, " ").trim();
}

/** The text cut to this many bytes of UTF-8, never within a character; that it was cut shows. */
export function cutToBytes(text: string, longest: number): string {
  if (encoder.encode(text).length <= longest) return text;
  let room = longest - ELLIPSIS.length;
  let kept = "";
  for (const character of text) {
    room -= encoder.encode(character).length;
    if (room < 0) break;
    kept += character;
  }
  return kept + ELLIPSIS;
}
