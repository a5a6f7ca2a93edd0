import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import { isWatch, type Answer, type ApiRequest, type Reply } from "../http/exchange.ts";
import type { Random } from "../world/random.ts";
import type { Scheduler } from "../world/scheduler.ts";
import type { Backup, ClusterStore } from "./cluster-store.ts";
import { discovery, isPublic } from "./discovery.ts";
import type { KubeObject } from "./kube-object.ts";
import { listBody, Lister, versionOf } from "./list.ts";
import { qualifiedName, targetOf, type Target } from "./resource.ts";
import { selectorOf } from "./selectors.ts";
import { SELF_REVIEWS, selfReview } from "./self-review.ts";
import { StatusError } from "./status-error.ts";
import { table, wantsTable } from "./tables.ts";
import { Watch, watchTimeout, type Disturbance } from "./watch.ts";
import { create, find, patch, remove, replace } from "./writes.ts";

/** What the API server is made of. */
export interface KubernetesApiDeps {
  readonly store: ClusterStore;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly bookmarkPeriod: Millis;
  readonly continueToken: Millis;
  readonly token: string;
}

/** The Kubernetes API over a cluster's store: authentication, discovery, objects, lists and watches. */
export class KubernetesApi {
  readonly #deps: KubernetesApiDeps;
  readonly #lister: Lister;
  readonly #watches = new Set<Watch>();
  #token: string;
  #backup: Backup | undefined;
  #bookmarksBehind = false;

  constructor(deps: KubernetesApiDeps) {
    this.#deps = deps;
    this.#token = deps.token;
    this.#lister = new Lister(deps.clock, deps.continueToken);
  }

  /** The bearer token that is accepted now. */
  get token(): string {
    return this.#token;
  }

  /** Only this token is accepted from now on; watches that run go on, as in a real cluster. */
  rotateToken(token: string): void {
    this.#token = token;
  }

  /** Watches open now. */
  get watches(): number {
    return this.#watches.size;
  }

  /** Disturbs every open watch; how many there were. */
  disturbWatches(how: Disturbance): number {
    const watches = [...this.#watches];
    for (const watch of watches) watch.disturb(how);
    return watches.length;
  }

  /** Sends an ERROR event to every open watch and ends it; how many there were. */
  failWatches(code: number, message?: string, reason?: string): number {
    const watches = [...this.#watches];
    for (const watch of watches) watch.fail(code, message, reason);
    return watches.length;
  }

  /** Forgets history and `continue` tokens: the next resume is 410. */
  compact(): void {
    this.#deps.store.compact();
    this.#lister.expireTokens();
  }

  /** Keeps the state of now for a restore; returns its version. */
  backup(): number {
    this.#backup = this.#deps.store.backup();
    return this.#backup?.version ?? 0;
  }

  /**
   * Goes back to the state at a version (default: the last backup), objects and versions, as an etcd that was restored.
   * No watch hears of it: open ones, and those that are opened from a version that is not reached yet, are silent until
   * the cluster gets there. `bookmarks` lets them have bookmarks meanwhile, which a real API server does not send.
   * Returns the version, or undefined when there is no such backup.
   */
  restore(options: { to?: number | undefined; bookmarks?: boolean | undefined } = {}): number | undefined {
    const { store } = this.#deps;
    const backup = options.to === undefined ? this.#backup : store.backup(options.to);
    if (backup === undefined) return undefined;
    this.#bookmarksBehind = options.bookmarks ?? false;
    store.restore(backup);
    this.#lister.expireTokens();
    return backup.version;
  }

  /** Makes `continue` tokens given out so far too old. */
  expireContinueTokens(): void {
    this.#lister.expireTokens();
  }

  /** Executes a request. */
  handle(request: ApiRequest): Reply {
    try {
      return this.#route(request);
    } catch (error) {
      if (error instanceof StatusError) return error.answer();
      throw error;
    }
  }

  #route(request: ApiRequest): Reply {
    const { resources } = this.#deps.store;
    if (!isPublic(request.path) && request.headers.authorization !== `Bearer ${this.#token}`) {
      throw new StatusError("Unauthorized", "Unauthorized");
    }
    const found =
      request.method === "GET" ? discovery(request.path, [...resources, SELF_REVIEWS]) : undefined;
    if (found !== undefined) return { status: 200, body: found };
    const review = selfReview(request, this.#deps.clock.now());
    if (review !== undefined) return review;
    const target = targetOf(request.path, resources);
    if (target === undefined || !isServed(target)) {
      throw new StatusError("NotFound", "the server could not find the requested resource");
    }
    return target.name === undefined ? this.#collection(target, request) : this.#object(target, request);
  }

  #collection(target: Target, request: ApiRequest): Reply {
    const { resource, namespace } = target;
    if (request.method === "GET") {
      resource.beforeRead?.(namespace, undefined);
      return isWatch(request.query) ? this.#watch(target, request) : this.#list(target, request);
    }
    if (request.method === "POST" && (namespace !== undefined) === resource.namespaced) {
      const { clock, random, store } = this.#deps;
      const namespaceExists = (name: string): boolean => store.namespaces.get(name) !== undefined;
      return this.#present(201, target, request, create(target, request, { clock, random, namespaceExists }));
    }
    throw notAllowed(request, target);
  }

  #object(target: Target, request: ApiRequest): Reply {
    switch (request.method) {
      case "GET":
        target.resource.beforeRead?.(target.namespace, target.name);
        return this.#present(200, target, request, find(target));
      case "PUT":
        return this.#present(200, target, request, replace(target, request));
      case "PATCH":
        return this.#present(200, target, request, patch(target, request));
      case "DELETE":
        if (target.subresource !== undefined) throw notAllowed(request, target);
        return { status: 200, body: remove(target, request) };
      default:
        throw notAllowed(request, target);
    }
  }

  #present(status: number, { resource }: Target, request: ApiRequest, stored: KubeObject): Answer {
    const object = resource.toWire?.(stored) ?? stored;
    const asTable = wantsTable(request.headers.accept);
    const metadata = { resourceVersion: object.metadata.resourceVersion };
    return {
      status,
      body: asTable ? table(resource, [object], metadata, this.#deps.clock.now(), request.query) : object,
    };
  }

  #list(target: Target, request: ApiRequest): Answer {
    const page = this.#lister.list(target, request.query);
    if (!wantsTable(request.headers.accept)) return { status: 200, body: listBody(target, page) };
    const { resource } = target;
    const items = page.items.map((stored) => resource.toWire?.(stored) ?? stored);
    return {
      status: 200,
      body: table(resource, items, page.metadata, this.#deps.clock.now(), request.query),
    };
  }

  #watch({ resource, namespace }: Target, { query, headers }: ApiRequest): Reply {
    if (query.has("sendInitialEvents")) {
      throw new StatusError(
        "Invalid",
        "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
      );
    }
    const { scheduler, bookmarkPeriod, clock, random } = this.#deps;
    const asTable = wantsTable(headers.accept);
    const watchRequest = {
      resource,
      selected: selectorOf(query, resource, namespace),
      from: versionOf(query.get("resourceVersion")),
      bookmarks: query.get("allowWatchBookmarks") === "true" || query.get("allowWatchBookmarks") === "1",
      timeout: watchTimeout(query.get("timeoutSeconds"), () => random.next()),
      present: asTable
        ? (object: KubeObject) =>
            table(
              resource,
              [object],
              { resourceVersion: object.metadata.resourceVersion },
              clock.now(),
              query,
            )
        : undefined,
    };
    return {
      stream: (response, fault) => {
        if (response.destroyed) return;
        const watch: Watch = new Watch(watchRequest, response, {
          scheduler,
          bookmarkPeriod,
          fault,
          bookmarksBehind: () => this.#bookmarksBehind,
          onEnd: () => this.#watches.delete(watch),
        });
        this.#watches.add(watch);
      },
    };
  }
}

function isServed({ resource, subresource }: Target): boolean {
  return subresource === undefined || (subresource === "status" && resource.hasStatus);
}

function notAllowed({ method }: ApiRequest, { resource }: Target): StatusError {
  return new StatusError(
    "MethodNotAllowed",
    `the server does not allow ${method} on ${qualifiedName(resource)}`,
  );
}
