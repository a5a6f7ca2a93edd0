import { setTimeout as delay } from "node:timers/promises";

/** Runs the assertion again and again until it passes; fails with its last error when the deadline is over. */
export async function eventually<T>(
  assertion: () => T | Promise<T>,
  { within = 10_000, every = 25 }: { within?: number; every?: number } = {},
): Promise<T> {
  const deadline = performance.now() + within;
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (performance.now() >= deadline) throw error;
      await delay(every);
    }
  }
}
