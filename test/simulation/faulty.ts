import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Random } from "./random.ts";
import type { Incarnation } from "./virtual-time.ts";

/** How badly a dependency behaves at this moment. */
export interface Weather {
  /** A call is lost before it arrives. */
  lostRequest: number;
  /** The answer of a call that was carried out is lost. */
  lostReply: number;
  /** The caller dies right before or right after a call. */
  crash: number;
  /** The longest way of a call, each way. */
  slowest: Millis;
  /** The dependency is away. */
  down: boolean;
}

/** Counts what was done to the system. */
export interface FaultCount {
  faults: number;
  crashes: number;
}

/** The error of a call whose outcome the caller does not know. */
export class LostError extends Error {
  readonly code = "Lost";
}

type Method = (...args: never[]) => Promise<unknown>;

/**
 * A port behind a bad network: every call takes time, may be lost on either way, and may be the last thing its caller
 * does. The operation itself happens once, in between. Works on every port whose methods return promises.
 */
export function behindNetwork<T extends object>(
  port: T,
  process: Incarnation,
  weather: Weather,
  random: Random,
  count: FaultCount,
  onCrash: (process: Incarnation) => void,
): T {
  return new Proxy(port, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      const method = (value as Method).bind(target);
      return async (...args: never[]) => {
        const signal = args.find((arg): arg is never => (arg as unknown) instanceof AbortSignal) as
          | AbortSignal
          | undefined;
        const call = travel(async () => method(...args), process, weather, random, count, onCrash);
        return signal === undefined ? call : abandonOn(signal, call);
      };
    },
  });
}

async function travel(
  operation: () => Promise<unknown>,
  process: Incarnation,
  weather: Weather,
  random: Random,
  count: FaultCount,
  onCrash: (process: Incarnation) => void,
): Promise<unknown> {
  const maybeCrash = async (): Promise<void> => {
    if (!random.chance(weather.crash)) return;
    count.crashes += 1;
    onCrash(process);
    await new Promise<never>(() => undefined);
  };
  await maybeCrash();
  await process.hop(random.between(0, weather.slowest));
  if (weather.down || random.chance(weather.lostRequest)) {
    count.faults += 1;
    throw new LostError("the request was lost");
  }
  const result = await operation();
  await process.hop(random.between(0, weather.slowest));
  if (random.chance(weather.lostReply)) {
    count.faults += 1;
    throw new LostError("the reply was lost");
  }
  await maybeCrash();
  return result;
}

/** A caller that gives up hears so at once; what it asked for may still happen. */
async function abandonOn(signal: AbortSignal, call: Promise<unknown>): Promise<unknown> {
  call.catch(() => undefined);
  if (signal.aborted) throw new LostError("given up");
  const abandoned = Promise.withResolvers<never>();
  abandoned.promise.catch(() => undefined);
  signal.addEventListener("abort", () => abandoned.reject(new LostError("given up")), { once: true });
  return Promise.race([call, abandoned.promise]);
}
