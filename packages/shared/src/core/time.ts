/** A span of time in milliseconds. A bare noun (`rebootWait`) is a span. */
export type Millis = number;

/** An instant in milliseconds since the Unix epoch. A name that ends in `At` or `Since` is an instant. */
export type EpochMillis = number;

/** One second in milliseconds. */
export const SECOND: Millis = 1000;
/** One minute in milliseconds. */
export const MINUTE: Millis = 60 * SECOND;
/** One hour in milliseconds. */
export const HOUR: Millis = 60 * MINUTE;
/** One day in milliseconds. */
export const DAY: Millis = 24 * HOUR;
