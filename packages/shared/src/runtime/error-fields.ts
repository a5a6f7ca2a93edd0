/** What a log line says of an error; everything else that an error object carries stays out of the log. */
export interface ErrorFields {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: ErrorFields;
  readonly errors?: readonly ErrorFields[];
}

const LONGEST_MESSAGE = 2000;
const LONGEST_STACK = 4000;
const DEEPEST_CAUSE = 4;
const MOST_ERRORS = 5;

/** Takes out what a message of a library may hold: user and password of an URL, and credentials of a header. */
export function withoutCredentials(text: string): string {
  return text
    .replaceAll(/(?<=:\/\/)[^\s/@"']*:[^\s/"']*@/gu, "***@")
    .replaceAll(/(?<=\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}/giu, "***");
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}...` : text;
}

/**
 * Reduces an error to what may be logged. An allow-list, since error objects of libraries carry requests, headers and
 * command arguments (ioredis attaches those of AUTH). Takes anything that was thrown; never throws.
 */
export function errorFields(error: unknown, depth = 0): ErrorFields {
  if (!(error instanceof Error))
    return { type: typeof error, message: cut(withoutCredentials(describe(error)), 200) };
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const deeper = depth < DEEPEST_CAUSE;
  const stack = depth === 0 ? error.stack : undefined;
  return {
    type: error.name,
    message: cut(withoutCredentials(error.message), LONGEST_MESSAGE),
    ...(code !== undefined && { code }),
    ...(stack !== undefined && { stack: cut(withoutCredentials(stack), LONGEST_STACK) }),
    ...(error.cause !== undefined && deeper && { cause: errorFields(error.cause, depth + 1) }),
    ...(error instanceof AggregateError &&
      deeper && { errors: error.errors.slice(0, MOST_ERRORS).map((one) => errorFields(one, depth + 1)) }),
  };
}

/** A thrown value that is no error; objects are not unfolded, they may hold anything. */
function describe(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : `a thrown ${typeof value}`;
}
