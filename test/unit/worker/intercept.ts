/** Runs around one call of a port; `point` reads like `store.compareAndSet`. */
export type Around = (point: string, call: () => Promise<unknown>) => Promise<unknown>;

/** Leaves every call as it is. */
export const direct: Around = async (_, call) => call();

/** The port with every method run through `around`; an async iterable is one call that ends with its last value. */
export function intercept<T extends object>(name: string, port: T, around: Around): T {
  return new Proxy(port, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      const point = `${name}.${String(key)}`;
      const call = (args: unknown[]): unknown => Reflect.apply(value, target, args);
      if (key === "list") return (...args: unknown[]) => collected(point, call(args), around);
      return async (...args: unknown[]) => around(point, async () => call(args));
    },
  });
}

async function* collected(point: string, source: unknown, around: Around): AsyncIterable<unknown> {
  const all: unknown[] = [];
  await around(point, async () => {
    for await (const one of source as AsyncIterable<unknown>) all.push(one);
  });
  yield* all;
}

/** Meets `what` at the first call of this point, and leaves all others alone. */
export function onceAt(point: string, what: (call: () => Promise<unknown>) => Promise<unknown>): Around {
  let met = false;
  return async (name, call) => {
    if (name !== point || met) return call();
    met = true;
    return what(call);
  };
}
