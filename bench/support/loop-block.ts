/** Pause between two looks at the clock: a block shorter than this is not seen. */
const STEP = 2;

/** Measures the longest time that the event loop did not turn, in milliseconds, until `stop` is called. */
export function watchLoop(): { readonly longest: () => number; readonly stop: () => void } {
  let last = performance.now();
  let longest = 0;
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last - STEP);
    last = now;
  };
  const timer = setInterval(look, STEP);
  return {
    longest: () => {
      look();
      return longest;
    },
    stop: () => clearInterval(timer),
  };
}
