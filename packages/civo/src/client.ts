import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { Secret } from "@node-agent/shared/runtime/secret.ts";
import { SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import { Agent } from "undici";
import {
  bodyOf,
  type BodyReader,
  type CivoInstance,
  instanceAnswer,
  readAnswer,
  redactor,
  successAnswer,
} from "./answer.ts";
import type { CivoResult } from "./fault.ts";
import { InstanceList, LIST_LIMITS, type ListLimits } from "./instance-list.ts";
import { isInstanceId } from "./instance-id.ts";
import { assertRequestSettings } from "./settings.ts";
import { type BodySink, type Dispatch, exchange, type OutgoingRequest } from "./transport.ts";

/** How long a call may take. Defaults: `connect` 5 s, `read` 15 s, `list` 30 s, `reboot` 10 s (D of the reboot protocol). */
export interface CivoDeadlines {
  readonly connect: Millis;
  readonly read: Millis;
  /** The list of all instances, which nothing waits for between the first read and the call. */
  readonly list: Millis;
  readonly reboot: Millis;
}

/** What a client needs; `url` comes from `parseCivoUrl`. */
export interface CivoClientOptions {
  readonly url: URL;
  readonly apiKey: Secret;
  readonly region: string;
  readonly clusterId: string;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly deadlines?: Partial<CivoDeadlines>;
  /** An answer other than the list that is larger than this is a fault. */
  readonly maxBodyBytes?: number;
  /** What bounds the list, which is read while it arrives. */
  readonly listLimits?: ListLimits;
  /** For tests; the default is an agent of our own that keeps connections open and knows no proxy. */
  readonly dispatcher?: Dispatch;
  /** In [0, 1), for the jitter of retries. */
  readonly random?: () => number;
}

/** The calls of the Civo API that a reboot needs. No method throws: every fault is a value. */
export interface CivoClient extends AsyncDisposable {
  /** All instances of our cluster. */
  listClusterInstances(signal?: AbortSignal): Promise<CivoResult<readonly CivoInstance[]>>;
  /** One instance by its exact id. */
  getInstance(id: string, signal?: AbortSignal): Promise<CivoResult<CivoInstance>>;
  /** Sends one hard reboot, never repeated, whatever the answer. */
  hardReboot(id: string, signal?: AbortSignal): Promise<CivoResult<"success">>;
}

const defaultDeadlines: CivoDeadlines = {
  connect: 5 * SECOND,
  read: 15 * SECOND,
  list: 30 * SECOND,
  reboot: 10 * SECOND,
};
const defaultMaxBodyBytes = 16 * 1024 * 1024;
const readRetries = 3;
const retryBase = 200;
const retryCap = 2 * SECOND;

/** Builds a client for one cluster in one region. Throws `CivoConfigError` when a setting cannot work. */
export function createCivoClient(options: CivoClientOptions): CivoClient {
  const { clock, region, clusterId, userAgent } = options;
  const apiKey = options.apiKey.reveal();
  assertRequestSettings({ apiKey, region, clusterId, userAgent });
  const deadlines = { ...defaultDeadlines, ...options.deadlines };
  const maxBodyBytes = options.maxBodyBytes ?? defaultMaxBodyBytes;
  const listLimits = options.listLimits ?? LIST_LIMITS;
  const random = options.random ?? Math.random;
  const redact = redactor(apiKey);
  const { dispatch, close } = connect(options.dispatcher, deadlines.connect);

  const call = async <T>(
    request: Pick<OutgoingRequest, "method" | "path" | "body">,
    { reader, sink, total }: Answering<T>,
    signal: AbortSignal | undefined,
  ): Promise<CivoResult<T>> => {
    const headers = {
      accept: "application/json",
      authorization: `bearer ${apiKey}`,
      "user-agent": userAgent,
      ...(request.body === undefined ? {} : { "content-type": "application/json" }),
    };
    const limits = { connect: deadlines.connect, total, maxBodyBytes };
    // The region goes with every verb: without it an instance is "not found" (civo/cli#136).
    const path = `${request.path}?region=${encodeURIComponent(region)}`;
    const outgoing = { ...request, path, origin: options.url.origin, headers };
    const answer = await exchange(dispatch, outgoing, limits, clock, { signal, sink });
    return readAnswer(answer, reader, { now: clock.now(), redact });
  };

  /** `answering` is asked for each attempt: what one of them began to read is of no use to the next. */
  const read = async <T>(
    path: string,
    answering: () => Answering<T>,
    signal: AbortSignal | undefined,
  ): Promise<CivoResult<T>> => {
    for (let retry = 0; ; retry += 1) {
      const result = await call({ method: "GET", path }, answering(), signal);
      if (result.ok || result.error.class !== "transient" || retry === readRetries) return result;
      await clock.sleep(random() * Math.min(retryCap, retryBase * 2 ** retry), signal);
      if (signal?.aborted) return result;
    }
  };

  return {
    listClusterInstances: async (signal) =>
      read(
        `/v2/kubernetes/clusters/${clusterId}/instances`,
        () => listing(listLimits, deadlines.list),
        signal,
      ),
    getInstance: async (id, signal) =>
      isInstanceId(id)
        ? read(
            `/v2/instances/${id}`,
            () => ({ reader: bodyOf(instanceAnswer), total: deadlines.read }),
            signal,
          )
        : invalidId(),
    hardReboot: async (id, signal) =>
      isInstanceId(id)
        ? call(
            { method: "POST", path: `/v2/instances/${id}/hard_reboots`, body: JSON.stringify({ region }) },
            { reader: bodyOf(successAnswer), total: deadlines.reboot },
            signal,
          )
        : invalidId(),
    [Symbol.asyncDispose]: close,
  };
}

/** How one answer is read, and how long the exchange may take. */
interface Answering<T> {
  readonly reader: BodyReader<T>;
  readonly sink?: BodySink;
  readonly total: Millis;
}

function listing(limits: ListLimits, total: Millis): Answering<readonly CivoInstance[]> {
  const list = new InstanceList(limits);
  return { reader: () => list.instances(), sink: (chunk) => list.push(chunk), total };
}

/**
 * Connections stay open so that a reboot is one write. One request per connection at a time (a second behind it would
 * be neither sent nor unsent when the connection breaks), HTTP/1.1 for the same reason; the deadlines are ours.
 */
function connect(
  given: Dispatch | undefined,
  timeout: Millis,
): { readonly dispatch: Dispatch; readonly close: () => Promise<void> } {
  if (given !== undefined) return { dispatch: given, close: async () => {} };
  const agent = new Agent({
    allowH2: false,
    pipelining: 1,
    connections: 8,
    connect: { timeout },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return { dispatch: agent, close: async () => agent.destroy() };
}

/** An id that is no UUID never becomes a part of a path. */
function invalidId(): CivoResult<never> {
  return { ok: false, error: { class: "config", detail: "not an instance id", sent: false } };
}
