import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Incarnation } from "./incarnation.ts";
import type { Random } from "./random.ts";
import type { Story } from "./story.ts";

/** How badly a dependency behaves at this moment. */
export interface Weather {
  /** A call is lost before it arrives. */
  lostRequest: number;
  /** The answer of a call that was carried out is lost. */
  lostReply: number;
  /** The caller dies right before or right after a call. */
  crash: number;
  /** The caller stands still right before or right after a call. */
  freeze: number;
  /** The longest way of a call, each way. */
  slowest: Millis;
  /** The dependency is away. */
  down: boolean;
}

/** Good weather. */
export function calmWeather(): Weather {
  return { lostRequest: 0, lostReply: 0, crash: 0, freeze: 0, slowest: 20, down: false };
}

/** What can be done to one call. */
export type CallFault =
  | "CrashBefore"
  | "CrashAfter"
  | "LostRequest"
  | "LostReply"
  | "FreezeBefore"
  | "FreezeAfter";

/** One call on its way. */
export interface Call {
  readonly process: Incarnation;
  /** What of the process calls: `reboot`, `evaluate`, `watch` ... */
  readonly part: string;
  readonly method: string;
}

/** What a network needs of its world. */
export interface NetworkDeps {
  readonly random: Random;
  readonly story: Story;
  readonly count: FaultCount;
  crash: (process: Incarnation) => void;
  /** Stops a process for longer than its locks live. */
  freeze: (process: Incarnation) => void;
  /** Names the fault that this very call shall meet. */
  fault: ((call: Call) => CallFault | undefined) | undefined;
}

/** Counts what was done to the system, by kind. */
export class FaultCount {
  readonly byKind = new Map<string, number>();
  crashes = 0;

  add(kind: string): void {
    this.byKind.set(kind, (this.byKind.get(kind) ?? 0) + 1);
  }

  get total(): number {
    return [...this.byKind.values()].reduce((sum, count) => sum + count, 0);
  }
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
  from: Omit<Call, "method">,
  weather: Weather,
  deps: NetworkDeps,
): T {
  const methods = new Map<string | symbol, unknown>();
  return new Proxy(port, {
    get: (target, key) => {
      const known = methods.get(key);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      const call = { ...from, method: String(key) };
      const networked = async (...args: never[]): Promise<unknown> => {
        const answer = travel(
          async () => (Reflect.get(target, key, target) as Method).apply(target, args),
          call,
          weather,
          deps,
        );
        const signal: unknown = args.at(-1);
        return signal instanceof AbortSignal ? abandonOn(signal, answer) : answer;
      };
      methods.set(key, networked);
      return networked;
    },
  });
}

/** Ways so fast that nothing happens in between: the answer is there when the request is. */
const AT_ONCE = 0.5;

/** Carries one call there and back. Rejects with LostError when it was lost; never settles when the caller died. */
export async function travel<T>(
  operation: () => Promise<T>,
  call: Call,
  weather: Weather,
  deps: NetworkDeps,
): Promise<T> {
  const fault = deps.fault?.(call);
  await leave(fault, call, weather, deps);
  const result = await operation();
  await comeBack(fault, call, weather, deps);
  return result;
}

async function leave(
  fault: CallFault | undefined,
  call: Call,
  weather: Weather,
  deps: NetworkDeps,
): Promise<void> {
  const { random } = deps;
  const { process } = call;
  if (fault === "CrashBefore" || random.chance(weather.crash)) await die(call, "before", deps);
  if (fault === "FreezeBefore" || random.chance(weather.freeze)) deps.freeze(process);
  await process.hop(random.between(0, weather.slowest));
  if (weather.down || fault === "LostRequest" || random.chance(weather.lostRequest)) {
    lose("request", call, deps);
  }
}

async function comeBack(
  fault: CallFault | undefined,
  call: Call,
  weather: Weather,
  deps: NetworkDeps,
): Promise<void> {
  const { random } = deps;
  const { process } = call;
  if (fault === "FreezeAfter" || random.chance(weather.freeze)) deps.freeze(process);
  if (fault !== undefined || !random.chance(AT_ONCE)) await process.hop(random.between(0, weather.slowest));
  if (fault === "LostReply" || random.chance(weather.lostReply)) lose("reply", call, deps);
  if (fault === "CrashAfter" || random.chance(weather.crash)) await die(call, "after", deps);
}

function lose(what: "request" | "reply", call: Call, { count, story }: NetworkDeps): never {
  count.add(what === "request" ? "LostRequest" : "LostReply");
  story.tell(() => `${call.process.name} ${call.part}.${call.method}: ${what} lost`);
  throw new LostError(`the ${what} was lost`);
}

async function die(call: Call, when: string, { story, crash }: NetworkDeps): Promise<never> {
  story.tell(() => `${call.process.name} dies ${when} ${call.part}.${call.method}`);
  crash(call.process);
  return new Promise<never>(() => undefined);
}

/** A caller that gives up hears so at once; what it asked for may still happen. */
async function abandonOn<T>(signal: AbortSignal, answer: Promise<T>): Promise<T> {
  answer.catch(() => undefined);
  if (signal.aborted) throw new LostError("given up");
  const abandoned = Promise.withResolvers<never>();
  abandoned.promise.catch(() => undefined);
  const giveUp = (): void => abandoned.reject(new LostError("given up"));
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await Promise.race([answer, abandoned.promise]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}
