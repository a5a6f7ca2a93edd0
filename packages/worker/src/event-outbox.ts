/**
 * The way of events out of a worker. Whoever tells one never waits and never learns what became of it: nothing here may
 * delay or break a reboot, and a storm of a thousand sick nodes must not become one of requests.
 *
 *   offered -> known already? nothing : queued (the oldest is dropped when the queue is full)
 *   queued  -> sent one at a time, as the token bucket allows
 *   403     -> said once in the log; the queue is emptied and nothing is sent for an hour
 *   failure -> that event is lost; the others wait for a pause, or for as long as the server says
 */
import type { ClusterEvent } from "@node-agent/shared/core/cluster-event.ts";
import { HOUR, SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { EventRecorder, EventRecording } from "@node-agent/shared/ports/event-recorder.ts";
import type { Logger } from "@node-agent/shared/runtime/logger.ts";
import type { Metrics } from "@node-agent/shared/runtime/metrics/metrics.ts";
import { TokenBucket } from "./token-bucket.ts";

/** At most so many events wait: about 1 MB. */
const QUEUED = 1000;
/** So many at once, then one per `REFILL`: an hour of them, which is how long a server keeps them, is 3,700. */
const BURST = 100;
const REFILL: Millis = SECOND;
/** So many identities of events that were sent are remembered. */
const REMEMBERED = 4096;
/** How long a process stays away from a server that does not take its events. */
const FORBIDDEN_PAUSE: Millis = HOUR;
const FAILURE_PAUSE: Millis = 30 * SECOND;
/** What is queued at the end has this long to get out. */
const CLOSE_GRACE: Millis = SECOND;

/** What an outbox is made of. */
export interface EventOutboxDeps {
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, "observeEvent">;
}

/** Sends events in the background; see the head of this file. */
export class EventOutbox {
  readonly #deps: EventOutboxDeps;
  readonly #bucket: TokenBucket;
  readonly #closing = new AbortController();
  readonly #remembered = new Set<string>();
  readonly #queue: ClusterEvent[] = [];
  #sending: Promise<void> | undefined;
  #closed = false;
  #mutedUntil: Millis = -Infinity;
  /** What was said last in the log, so that it is said once. */
  #trouble: EventRecording["outcome"] | undefined;

  constructor(deps: EventOutboxDeps) {
    this.#deps = deps;
    this.#bucket = new TokenBucket(deps.clock);
  }

  /** Takes an event to be sent, or drops it. Returns at once and never throws. */
  offer(event: ClusterEvent): void {
    const { clock, metrics } = this.#deps;
    if (this.#closed || clock.monotonic() < this.#mutedUntil) return metrics.observeEvent("Dropped");
    if (this.#remembered.has(event.identity)) return metrics.observeEvent("Known");
    this.#remember(event.identity);
    this.#queue.push(event);
    // What is newer says more about now.
    if (this.#queue.length > QUEUED) this.#drop(this.#queue.splice(0, 1));
    this.#sending ??= this.#send();
  }

  /** Takes nothing any more, gives what is queued a moment to get out, and drops the rest. */
  async close(): Promise<void> {
    this.#closed = true;
    const late = new AbortController();
    const { clock } = this.#deps;
    await Promise.race([this.#sending, clock.sleep(CLOSE_GRACE, late.signal)]);
    late.abort();
    this.#closing.abort(new Error("the worker stops"));
    this.#drop(this.#queue.splice(0));
  }

  async #send(): Promise<void> {
    const { clock } = this.#deps;
    const { signal } = this.#closing;
    // Not one tick of this belongs to whoever offered the first event.
    await Promise.resolve();
    while (this.#queue.length > 0 && !signal.aborted) {
      const wait = this.#bucket.take(BURST, REFILL);
      if (wait > 0) {
        await clock.sleep(wait, signal);
        continue;
      }
      const event = this.#queue.shift();
      if (event === undefined) break;
      const pause = this.#settle(event, await this.#record(event));
      if (pause > 0) await clock.sleep(pause, signal);
    }
    this.#sending = undefined;
  }

  async #record(event: ClusterEvent): Promise<EventRecording> {
    try {
      return await this.#deps.recorder.record(event, this.#closing.signal);
    } catch (error) {
      // Recorders do not throw; one that does must not end all sending.
      return { outcome: "Refused", why: error instanceof Error ? error.message : "unknown error" };
    }
  }

  /** Counts what became of an event and returns how long to pause. */
  #settle({ identity }: ClusterEvent, recording: EventRecording): Millis {
    const { clock, metrics, logger } = this.#deps;
    metrics.observeEvent(recording.outcome);
    if (this.#closing.signal.aborted) return 0;
    if (recording.outcome === "Created" || recording.outcome === "Known") {
      if (this.#trouble !== undefined) logger.info("Kubernetes Events are written again");
      this.#trouble = undefined;
      return 0;
    }
    const { outcome, why } = recording;
    // It was not told: whoever comes with it again may try.
    this.#remembered.delete(identity);
    const isNews = this.#trouble !== outcome;
    this.#trouble = outcome;
    if (outcome === "Forbidden") {
      this.#mutedUntil = clock.monotonic() + FORBIDDEN_PAUSE;
      this.#drop(this.#queue.splice(0));
      const missing =
        'a Role in the namespace default with { apiGroups: [""], resources: [events], verbs: [create] }';
      if (isNews) logger.warn({ why, missing }, "no Kubernetes Events are written: this is not allowed");
      return 0;
    }
    if (isNews) logger.warn({ outcome, why }, "a Kubernetes Event could not be written");
    if (recording.outcome !== "Failed") return 0;
    return Math.min(Math.max(FAILURE_PAUSE, recording.retryAfter ?? 0), FORBIDDEN_PAUSE);
  }

  #drop(events: readonly ClusterEvent[]): void {
    for (const { identity } of events) this.#remembered.delete(identity);
    if (events.length > 0) this.#deps.metrics.observeEvent("Dropped", events.length);
  }

  /** Beyond the limit the oldest is forgotten: told once more, it meets its own name at the server. */
  #remember(identity: string): void {
    this.#remembered.add(identity);
    if (this.#remembered.size <= REMEMBERED) return;
    const [oldest] = this.#remembered;
    if (oldest !== undefined) this.#remembered.delete(oldest);
  }
}
