const NEWLINE = 0x0a;

/** Lines of UTF-8 text from chunks that may end anywhere, also inside a character. */
export interface LineSplitter {
  /** Adds bytes and returns the lines that they complete, without their newline; empty lines are left out. */
  push(chunk: Uint8Array): string[];
}

/**
 * Cuts at newlines on bytes, before decoding, because no byte of a multi-byte character equals a newline. What follows
 * the last newline waits for more, and is dropped with the splitter when the stream ends. Throws `RangeError` when a
 * line grows beyond `maxLineBytes`: the largest object an API server stores is far smaller.
 */
export function createLineSplitter(maxLineBytes: number = 16 * 1024 * 1024): LineSplitter {
  const decoder = new TextDecoder();
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  const take = (tail: Uint8Array): string => {
    const line = rest.length === 0 ? tail : Buffer.concat([...rest, tail]);
    rest = [];
    restBytes = 0;
    return decoder.decode(line);
  };
  return {
    push: (chunk) => {
      const lines: string[] = [];
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        const line = take(chunk.subarray(start, end));
        if (line.trim() !== "") lines.push(line);
        start = end + 1;
      }
      if (start < chunk.length) {
        rest.push(chunk.subarray(start));
        restBytes += chunk.length - start;
        if (restBytes > maxLineBytes) throw new RangeError(`a line is longer than ${maxLineBytes} bytes`);
      }
      return lines;
    },
  };
}
