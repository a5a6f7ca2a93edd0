import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { NodeSourceHandlers } from "@node-agent/shared/ports/node-source.ts";
import { createBackoff } from "./backoff.ts";
import type { SourceEvent } from "./source-event.ts";
import type { ReflectorTimings } from "./timings.ts";

/** So many single failures in a row mean that the handler is down and not that a node is poison. */
const SINGLES_BEFORE_GIVING_UP = 3;

/**
 * Brings changes to the handlers, at least once and one call at a time. A change whose handler threw, rejected or took
 * too long is kept, as the newest state of its node, and offered again with backoff: first all together (the usual
 * reason is a store that is down), then one by one, so that one node that the handler cannot digest holds up no other.
 */
export interface Delivery {
  /** Resolves when the handler has accepted or failed; never rejects. */
  changed(nodes: readonly NodeSnapshot[]): Promise<void>;
  disappeared(name: string): Promise<void>;
  /** Changes that no handler has accepted yet. */
  pending(): number;
  /** Resolves when no handler runs any more, at the latest after the handler's deadline. */
  settled(): Promise<void>;
}

/** What a delivery needs. */
export interface DeliveryDeps {
  readonly handlers: NodeSourceHandlers;
  readonly clock: Clock;
  readonly timings: ReflectorTimings;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly report: (event: SourceEvent) => void;
}

type Pending = { readonly kind: "Changed"; readonly node: NodeSnapshot } | { readonly kind: "Gone" };

/** Makes a delivery to one set of handlers; it ends with its signal. */
export function createDelivery(deps: DeliveryDeps): Delivery {
  const { handlers, clock, timings, random, signal, report } = deps;
  const pending = new Map<string, Pending>();
  let last: Promise<void> = Promise.resolve();
  let isRetrying = false;

  /** Rejects when a handler has had its time: the deadline, or after a stop the grace. */
  const losePatience = async (done: AbortSignal): Promise<never> => {
    await clock.sleep(timings.handlerDeadline, AbortSignal.any([done, signal]));
    if (signal.aborted) await clock.sleep(timings.stopGrace, done);
    throw new Error("the handler did not come back in time");
  };

  const accepted = async (
    handler: "changed" | "disappeared",
    call: () => Promise<void>,
  ): Promise<boolean> => {
    if (signal.aborted) return false;
    const done = new AbortController();
    try {
      // An async function, so that a handler that throws at once is a rejection like any other.
      await Promise.race([(async () => call())(), losePatience(done.signal)]);
      return true;
    } catch (error) {
      report({ type: "HandlerFailed", handler, error });
      return false;
    } finally {
      done.abort();
    }
  };

  /** One after the other: a later change of a node must not overtake an earlier one. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    last = last.then(work);
    return last;
  };

  const offer = async (nodes: readonly NodeSnapshot[]): Promise<boolean> => {
    const isAccepted = await accepted("changed", () => handlers.changed(nodes));
    for (const node of nodes) {
      if (isAccepted) pending.delete(node.name);
      else pending.set(node.name, { kind: "Changed", node });
    }
    return isAccepted;
  };

  const offerGone = async (name: string): Promise<boolean> => {
    const isAccepted = await accepted("disappeared", () => handlers.disappeared(name));
    if (isAccepted) pending.delete(name);
    else pending.set(name, { kind: "Gone" });
    return isAccepted;
  };

  const retryAll = async (): Promise<void> => {
    const entries = [...pending];
    const nodes = entries.flatMap(([, entry]) => (entry.kind === "Changed" ? [entry.node] : []));
    const gone = entries.flatMap(([name, entry]) => (entry.kind === "Gone" ? [name] : []));
    const isAccepted = nodes.length === 0 || (await offer(nodes));
    let failures = 0;
    const singles = [
      ...(isAccepted || nodes.length === 1 ? [] : nodes.map((node) => () => offer([node]))),
      ...gone.map((name) => () => offerGone(name)),
    ];
    for (const single of singles) {
      if (failures === SINGLES_BEFORE_GIVING_UP) return;
      failures = (await single()) ? 0 : failures + 1;
    }
  };

  const retryUntilAccepted = async (): Promise<void> => {
    if (isRetrying) return;
    isRetrying = true;
    const backoff = createBackoff({
      base: timings.backoffBase,
      cap: timings.backoffCap,
      reset: timings.backoffReset,
      clock,
      random,
    });
    while (pending.size > 0 && !signal.aborted) {
      await clock.sleep(backoff.next(), signal);
      if (!signal.aborted) await inTurn(retryAll);
    }
    isRetrying = false;
  };

  const afterwards = (): void => {
    if (pending.size > 0 && !signal.aborted) void retryUntilAccepted();
  };

  return {
    changed: (nodes) =>
      inTurn(async () => {
        if (nodes.length > 0) await offer(nodes);
        afterwards();
      }),
    disappeared: (name) =>
      inTurn(async () => {
        await offerGone(name);
        afterwards();
      }),
    pending: () => pending.size,
    settled: () => last,
  };
}
