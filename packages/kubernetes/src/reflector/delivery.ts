import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { momentOf, type Clock, type Moment } from "@node-agent/shared/ports/clock.ts";
import type { NodeSourceHandlers } from "@node-agent/shared/ports/node-source.ts";
import { backoffOf } from "./backoff.ts";
import type { SourceEvent } from "./source-event.ts";
import type { ReflectorTimings } from "./timings.ts";

/** So many single failures in a row mean that the handler is down and not that a node is poison. */
const SINGLES_BEFORE_GIVING_UP = 3;

/**
 * Brings changes to the handlers, at least once and one call at a time. Whatever comes while a call is under way waits,
 * as the newest state of its node, and goes out with the next one: a burst costs one call and not one per event. A
 * change whose handler threw, rejected or took too long is kept and offered again with backoff: first all together (the
 * usual reason is a store that is down), then one by one, so that one node that the handler cannot digest holds up no
 * other.
 */
export interface Delivery {
  changed(node: NodeSnapshot): void;
  disappeared(name: string): void;
  /** Zero when a handler has accepted everything; what is under way counts. */
  pending(): number;
  /** When the oldest change came in that no handler has been given yet. */
  waitingSince(): Moment | undefined;
  /**
   * Resolves when the call under way, and the next one with all changes that wait now, have ended: each takes the
   * handler's deadline at most. After a stop no handler runs any more.
   */
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

type Refused = { readonly kind: "Changed"; readonly node: NodeSnapshot } | { readonly kind: "Gone" };

/** Makes a delivery to one set of handlers; it ends with its signal. */
export function createDelivery(deps: DeliveryDeps): Delivery {
  const { handlers, clock, timings, signal, report } = deps;
  const waiting = createWaitingChanges();
  /** Refused by a handler, to be offered again. */
  const refused = new Map<string, Refused>();
  let last: Promise<void> = Promise.resolve();
  let isScheduled = false;
  let isOffering = false;
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
    const before = last;
    last = (async () => {
      await before;
      isOffering = true;
      await work();
      isOffering = false;
    })();
    return last;
  };

  const offer = async (nodes: readonly NodeSnapshot[]): Promise<boolean> => {
    const isAccepted = await accepted("changed", () => handlers.changed(nodes));
    for (const node of nodes) {
      if (isAccepted) refused.delete(node.name);
      else refused.set(node.name, { kind: "Changed", node });
    }
    return isAccepted;
  };

  const offerGone = async (name: string): Promise<boolean> => {
    const isAccepted = await accepted("disappeared", () => handlers.disappeared(name));
    if (isAccepted) refused.delete(name);
    else refused.set(name, { kind: "Gone" });
    return isAccepted;
  };

  const retryAll = async (): Promise<void> => {
    const entries = [...refused];
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
    const backoff = backoffOf(deps);
    while (refused.size > 0 && !signal.aborted) {
      await clock.sleep(backoff.next(), signal);
      if (!signal.aborted) await inTurn(retryAll);
    }
    isRetrying = false;
  };

  /** One call for all that changed and one disappearance, so that neither kind waits for all of the other. */
  const offerWaiting = async (): Promise<void> => {
    isScheduled = false;
    const nodes = waiting.takeChanged();
    // Apart: a node that was refused may be one that the handler cannot digest, and would take the others with it.
    const suspects = nodes.filter(({ name }) => refused.has(name));
    const others = nodes.filter(({ name }) => !refused.has(name));
    for (const batch of [others, suspects]) if (batch.length > 0) await offer(batch);
    const name = waiting.takeDisappeared();
    if (name !== undefined) await offerGone(name);
    if (refused.size > 0 && !signal.aborted) void retryUntilAccepted();
    schedule();
  };

  const schedule = (): void => {
    if (isScheduled || waiting.size() === 0) return;
    isScheduled = true;
    void inTurn(offerWaiting);
  };

  return {
    changed: (node) => {
      waiting.changed(node, momentOf(clock));
      schedule();
    },
    disappeared: (name) => {
      waiting.disappeared(name, momentOf(clock));
      schedule();
    },
    pending: () => waiting.size() + refused.size + (isOffering ? 1 : 0),
    waitingSince: () => waiting.changedSince(),
    settled: () => last,
  };
}

/**
 * What happened to nodes while a handler was busy: one entry per node however much happens to it, so that memory is
 * bounded by the nodes. The newest state of a node wins; a disappearance stays in front of what came back after it.
 */
interface WaitingChanges {
  changed(node: NodeSnapshot, at: Moment): void;
  disappeared(name: string, at: Moment): void;
  /** Takes all nodes but those whose disappearance has to be told first. */
  takeChanged(): NodeSnapshot[];
  /** Takes the disappearance that waits longest; what came back after it may be taken from now on. */
  takeDisappeared(): string | undefined;
  size(): number;
  /** When the oldest of those that `takeChanged` would take came in. */
  changedSince(): Moment | undefined;
}

interface Waiting {
  readonly at: Moment;
  readonly isGone: boolean;
  readonly node: NodeSnapshot | undefined;
}

/** Nothing waits yet. */
function createWaitingChanges(): WaitingChanges {
  // A map keeps the order in which its keys came in, also when their values change: the first are the oldest.
  const entries = new Map<string, Waiting>();
  return {
    changed: (node, at) => {
      const before = entries.get(node.name);
      entries.set(node.name, { at: before?.at ?? at, isGone: before?.isGone ?? false, node });
    },
    disappeared: (name, at) => {
      entries.set(name, { at: entries.get(name)?.at ?? at, isGone: true, node: undefined });
    },
    takeChanged: () => {
      const nodes: NodeSnapshot[] = [];
      for (const [name, { isGone, node }] of entries) {
        if (isGone || node === undefined) continue;
        nodes.push(node);
        entries.delete(name);
      }
      return nodes;
    },
    takeDisappeared: () => {
      const [name, entry] = entries.entries().find(([, { isGone }]) => isGone) ?? [];
      if (name === undefined || entry === undefined) return undefined;
      if (entry.node === undefined) entries.delete(name);
      else entries.set(name, { ...entry, isGone: false });
      return name;
    },
    size: () => entries.size,
    changedSince: () => entries.values().find(({ isGone }) => !isGone)?.at,
  };
}
