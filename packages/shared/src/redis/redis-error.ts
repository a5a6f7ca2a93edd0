import type { Dependency } from "../ports/dependency.ts";

/** A command that Redis did not carry out; the words are those of the cause, an error of ioredis or BullMQ. */
export class RedisError extends Error {
  override readonly name = "RedisError";
  readonly code = "CommandFailed";
  readonly dependency: Dependency = "Redis";

  /** The same fault with the name of Redis. */
  static of(error: unknown): RedisError {
    if (error instanceof RedisError) return error;
    return new RedisError(error instanceof Error ? error.message : "unknown error", { cause: error });
  }
}

/** Asks Redis; whatever that throws becomes a `RedisError`. */
export async function ofRedis<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw RedisError.of(error);
  }
}
