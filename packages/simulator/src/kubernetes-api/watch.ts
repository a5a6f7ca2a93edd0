import type { ServerResponse } from "node:http";
import { MINUTE, SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import type { FaultEffect } from "../faults/fault.ts";
import type { Appointment, Scheduler } from "../world/scheduler.ts";
import type { KubeObject } from "./kube-object.ts";
import type { StoredChange } from "./object-store.ts";
import { apiVersionOf, type Resource } from "./resource.ts";
import type { Selector } from "./selectors.ts";
import { expiredMessage, statusBody } from "./status-error.ts";

/** What a watch was asked for. */
export interface WatchRequest {
  readonly resource: Resource;
  readonly selected: Selector;
  /** Undefined and 0 begin with all objects as ADDED. */
  readonly from: number | undefined;
  readonly bookmarks: boolean;
  readonly timeout: Millis;
  /** Turns an object into what this client accepts; absent for plain JSON. */
  readonly present?: ((object: KubeObject) => unknown) | undefined;
}

/** How a watch that runs can be disturbed from outside. */
export type Disturbance = "end" | "reset" | "freeze" | "truncate";

/** Without `timeoutSeconds` a watch lives between these (--min-request-timeout). */
const UNBOUNDED_WATCH: readonly [Millis, Millis] = [30 * MINUTE, 60 * MINUTE];

/** The deadline a watch asked for, or a random one as the API server picks it. */
export function watchTimeout(timeoutSeconds: string | null, random: () => number): Millis {
  const seconds = Number(timeoutSeconds ?? 0);
  if (seconds > 0) return seconds * SECOND;
  const [least, most] = UNBOUNDED_WATCH;
  return least + random() * (most - least);
}

/** One live watch: replays history, then sends what changes until its time, its client or a fault ends it. */
export class Watch {
  readonly resource: Resource;
  readonly #request: WatchRequest;
  readonly #response: ServerResponse;
  readonly #scheduler: Scheduler;
  readonly #onEnd: () => void;
  readonly #bookmarksBehind: () => boolean;
  #nextBookmark: Appointment | undefined;
  readonly #deadline: Appointment;
  #unsubscribe: () => void = () => undefined;
  #fault: FaultEffect | undefined;
  #delivered = 0;
  /** The version that this watch has reached: nothing up to it is sent, whatever becomes of the versions. */
  #reached = 0;
  #frozen = false;
  #truncateNext = false;
  #open = true;

  constructor(
    request: WatchRequest,
    response: ServerResponse,
    parts: {
      readonly scheduler: Scheduler;
      readonly bookmarkPeriod: Millis;
      readonly fault: FaultEffect | undefined;
      /** Bookmarks tell the server's version, also when the watch is ahead of it after a restore. */
      readonly bookmarksBehind: () => boolean;
      readonly onEnd: () => void;
    },
  ) {
    this.resource = request.resource;
    this.#request = request;
    this.#response = response;
    this.#scheduler = parts.scheduler;
    this.#fault = parts.fault;
    this.#bookmarksBehind = parts.bookmarksBehind;
    this.#onEnd = parts.onEnd;
    response.on("close", () => this.#close());
    response.writeHead(200, { "content-type": "application/json", "cache-control": "no-cache, private" });
    response.flushHeaders();
    this.#deadline = this.#scheduler.after(request.timeout, () => this.#expire());
    if (request.bookmarks) this.#bookmarkEvery(parts.bookmarkPeriod);
    this.#applyFault();
    this.#begin();
  }

  /** Disturbs the watch now; `truncate` waits for the next event. */
  disturb(how: Disturbance): void {
    if (how === "end") this.#response.end();
    if (how === "reset") this.#response.destroy();
    if (how === "freeze") this.#frozen = true;
    if (how === "truncate") this.#truncateNext = true;
  }

  /** Sends an ERROR event and ends. */
  fail(code: number, message?: string, reason?: string): void {
    this.#write({ type: "ERROR", object: statusBody(code, message, reason) });
    this.#response.end();
  }

  #begin(): void {
    const { resource, from } = this.#request;
    const { store } = resource;
    if (from !== undefined && from > 0 && from < store.compactedAt) {
      this.fail(410, expiredMessage(from, store.compactedAt), "Expired");
      return;
    }
    this.#reached = from === undefined || from === 0 ? store.version : from;
    if (from === undefined || from === 0) {
      for (const object of store.values()) this.#show("ADDED", object);
    } else {
      for (const change of store.since(from)) {
        this.#deliver(change);
        change.line = undefined;
      }
    }
    this.#unsubscribe = store.subscribe((change) => {
      // A version from the future hears nothing until the cluster gets there, as after a restored backup.
      if (change.version > this.#reached) this.#deliver(change);
    });
  }

  #deliver(change: StoredChange): void {
    this.#reached = Math.max(this.#reached, change.version);
    if (this.#drops(change)) return;
    const { selected } = this.#request;
    const wire = this.resource.toWire ?? ((object: KubeObject) => object);
    const now = selected(wire(change.object));
    const before = change.previous !== undefined && selected(wire(change.previous));
    if (change.type === "DELETED" || (before && !now)) {
      if (before) this.#show("DELETED", change.type === "DELETED" ? change.object : leaving(change));
      return;
    }
    if (!now) return;
    const type = before ? "MODIFIED" : "ADDED";
    if (type !== change.type || this.#request.present !== undefined || this.resource.toWire !== undefined) {
      this.#show(type, change.object);
      return;
    }
    change.line ??= `${JSON.stringify({ type, object: change.object })}\n`;
    this.#send(change.line);
  }

  /** A fault may lose the events of some objects, and nothing else. */
  #drops({ object }: StoredChange): boolean {
    const fault = this.#fault;
    return (
      fault?.effect === "drop-events" && (fault.of === undefined || fault.of.includes(object.metadata.name))
    );
  }

  #show(type: string, stored: KubeObject): void {
    const object = this.resource.toWire?.(stored) ?? stored;
    if (type === "ADDED" && !this.#request.selected(object)) return;
    this.#write({ type, object: this.#request.present?.(object) ?? object });
  }

  #write(event: { type: string; object: unknown }): void {
    this.#send(`${JSON.stringify(event)}\n`);
  }

  #send(line: string): void {
    if (!this.#open || this.#frozen || this.#response.writableEnded) return;
    if (this.#truncateNext) {
      this.#frozen = true;
      this.#response.write(line.slice(0, Math.floor(line.length / 2)), () => this.#response.destroy());
      return;
    }
    this.#response.write(line);
    this.#delivered += 1;
    this.#applyFault();
  }

  /** Applies the fault this watch was opened with, once it has let enough events through. */
  #applyFault(): void {
    const fault = this.#fault;
    if (fault === undefined || !("afterEvents" in fault || isStreamFault(fault))) return;
    const after = "afterEvents" in fault ? (fault.afterEvents ?? 0) : 0;
    if (this.#delivered < after) return;
    this.#fault = undefined;
    if (fault.effect === "truncate") this.disturb("truncate");
    if (fault.effect === "hang-mid-stream") this.disturb("freeze");
    if (fault.effect === "end") this.disturb("end");
    if (fault.effect === "error-event") this.fail(fault.code, fault.message, fault.reason);
  }

  #bookmarkEvery(period: Millis): void {
    this.#nextBookmark = this.#scheduler.after(period, () => {
      this.#bookmark();
      this.#bookmarkEvery(period);
    });
  }

  #bookmark(): void {
    const { resource } = this;
    if (resource.store.version < this.#reached && !this.#bookmarksBehind()) return;
    this.#reached = Math.max(this.#reached, resource.store.version);
    const object = {
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      metadata: { resourceVersion: String(resource.store.version), creationTimestamp: null },
      ...(resource.hasStatus ? { spec: {}, status: {} } : {}),
    };
    this.#write({ type: "BOOKMARK", object });
  }

  #expire(): void {
    if (this.#frozen || !this.#open) return;
    if (this.#request.bookmarks) this.#bookmark();
    this.#response.end();
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#unsubscribe();
    this.#nextBookmark?.cancel();
    this.#deadline.cancel();
    this.#onEnd();
  }
}

function leaving({ previous, object }: StoredChange): KubeObject {
  const last = previous ?? object;
  return { ...last, metadata: { ...last.metadata, resourceVersion: object.metadata.resourceVersion } };
}

function isStreamFault({ effect }: FaultEffect): boolean {
  return (
    effect === "truncate" || effect === "hang-mid-stream" || effect === "end" || effect === "error-event"
  );
}
