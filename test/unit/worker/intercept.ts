import type { RebootDeps } from "../../../packages/worker/src/reboot-processor.ts";

/** Runs around one call of a port; `point` reads like `store.compareAndSet`. */
export type Around = (point: string, call: () => Promise<unknown>) => Promise<unknown>;

/** The port with every method run through `around`. */
export function intercept<T extends object>(name: string, port: T, around: Around): T {
  return new Proxy(port, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) =>
        around(`${name}.${String(key)}`, async () => Reflect.apply(value, target, args) as Promise<unknown>);
    },
  });
}

/** A processor's dependencies with every await of the transaction run through `around`. */
export function interceptDeps(deps: RebootDeps, around: Around): RebootDeps {
  return {
    ...deps,
    store: intercept("store", deps.store, around),
    reader: intercept("reader", deps.reader, around),
    executor: intercept("executor", deps.executor, around),
    limiter: intercept("limiter", deps.limiter, around),
  };
}
