import type { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { request as send, type Dispatcher } from "undici";
import { SECOND, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { Credential } from "../credentials/credential.ts";
import { KubernetesApiError } from "../errors.ts";
import { createClusterAgent } from "./agent.ts";
import { errorOfStatus, errorOfTransport, parseRetryAfter } from "./api-fault.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { abortable, startDeadline, type Deadline } from "./deadline.ts";
import { inClusterAccess, SERVICE_ACCOUNT_ROOT, type Environment } from "./in-cluster.ts";
import { kubeconfigAccess } from "./kubeconfig.ts";

/** A call without a deadline of its own gets this one, for connecting, headers and body together. */
const REQUEST_DEADLINE: Millis = 10 * SECOND;

const inflate = promisify(gunzip);

/** How a call differs from a plain GET. */
export interface RequestOptions {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
  /** Until the whole answer is there (`request`) or its headers are (`stream`). */
  readonly deadline?: Millis;
}

/** An answer of 2xx, read in full. */
export interface KubernetesAnswer {
  readonly status: number;
  /** The parsed JSON body. */
  readonly body: unknown;
  /** The server's clock, from the Date header (whole seconds); for judging skew, never for deadlines. */
  readonly serverDate?: EpochMillis;
}

/** An answer of 2xx whose body keeps coming; ends when the iteration ends, fails or the caller's signal fires. */
export interface KubernetesStream {
  readonly serverDate?: EpochMillis;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** The one way to talk to one cluster. */
export interface KubernetesConnection {
  /** For logs: where the configuration came from and the server's URL; free of secrets. */
  readonly origin: string;
  readonly server: string;
  /** Rejects with `KubernetesApiError` for anything but a 2xx with JSON. */
  request(path: string, options?: RequestOptions): Promise<KubernetesAnswer>;
  /** Rejects with `KubernetesApiError` for anything but a 2xx; so does the iteration when the stream breaks. */
  stream(path: string, options?: RequestOptions): Promise<KubernetesStream>;
  /** Closes every socket and ends a running plugin; calls in flight fail. */
  close(): Promise<void>;
}

/** Where the cluster is and who we are. */
export interface ConnectionOptions {
  /** Path of a kubeconfig; empty means the pod's own service account. */
  readonly kubeconfig: string;
  /** A context of that file; its current-context when not given. */
  readonly context?: string | undefined;
  /** Sent on every call, e.g. `node-recovery-agent/1.0.0`. */
  readonly userAgent: string;
  readonly clock: Clock;
  /** Handed to exec plugins and read for in-cluster addresses; `process.env` when not given. */
  readonly environment?: Environment;
  readonly serviceAccountRoot?: string;
}

interface Exchange {
  readonly answer: Dispatcher.ResponseData;
  readonly credential: Credential;
}

function header(answer: Dispatcher.ResponseData, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function serverDate(answer: Dispatcher.ResponseData): { serverDate?: EpochMillis } {
  const at = Date.parse(header(answer, "date") ?? "");
  return Number.isNaN(at) ? {} : { serverDate: at };
}

async function readText(answer: Dispatcher.ResponseData): Promise<string> {
  const bytes = Buffer.from(await answer.body.arrayBuffer());
  // The pool gets the connection back a tick after the end of the body; a next call made before would open another.
  await nextTurn();
  if (header(answer, "content-encoding") !== "gzip") return bytes.toString("utf8");
  return (await inflate(bytes)).toString("utf8");
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function isRefusal(answer: Dispatcher.ResponseData): boolean {
  return answer.statusCode < 200 || answer.statusCode > 299;
}

/** A connection over the given access; nothing is opened before the first call. */
function createConnection(
  access: ClusterAccess,
  { clock, userAgent }: Pick<ConnectionOptions, "clock" | "userAgent">,
): KubernetesConnection {
  const agent = createClusterAgent(access, clock);
  const closing = new AbortController();

  const attempt = async (
    path: string,
    options: RequestOptions,
    credential: Credential,
    deadline: Deadline,
    encoding: string,
  ): Promise<Dispatcher.ResponseData> => {
    const url = new URL(access.server + path);
    for (const [key, value] of Object.entries(options.query ?? {})) url.searchParams.set(key, value);
    const dispatcher = await abortable(agent.dispatcher(credential), deadline.signal);
    return send(url, {
      dispatcher,
      method: options.method ?? "GET",
      headers: {
        accept: "application/json",
        "accept-encoding": encoding,
        "user-agent": userAgent,
        ...access.headers,
        ...options.headers,
        ...(credential.authorization === undefined ? {} : { authorization: credential.authorization }),
      },
      signal: deadline.signal,
      ...(options.body === undefined ? {} : { body: options.body }),
    });
  };

  const exchange = async (
    path: string,
    options: RequestOptions,
    deadline: Deadline,
    encoding: string,
  ): Promise<Exchange> => {
    const credential = await abortable(access.credentials.current(), deadline.signal);
    const answer = await attempt(path, options, credential, deadline, encoding);
    agent.connected();
    if (answer.statusCode !== 401) return { answer, credential };
    // The server has done nothing of what was asked, so that asking again with a newer credential is safe.
    access.credentials.reject(credential);
    const fresh = await abortable(access.credentials.current(), deadline.signal);
    if (fresh.authorization === credential.authorization && fresh.clientKey === credential.clientKey) {
      return { answer, credential };
    }
    await answer.body.dump();
    return { answer: await attempt(path, options, fresh, deadline, encoding), credential: fresh };
  };

  const fault = (
    what: string,
    cause: unknown,
    deadline: Deadline,
    signal?: AbortSignal,
  ): KubernetesApiError => {
    if (deadline.expired()) return new KubernetesApiError("Timeout", `${what}: no answer in time`, { cause });
    if (signal?.aborted === true || closing.signal.aborted) {
      return new KubernetesApiError("Aborted", `${what}: aborted`, { cause });
    }
    const error = errorOfTransport(what, cause);
    if (error.code === "ConnectFailed" || error.code === "TlsFailed") agent.connectFailed();
    return error;
  };

  const refuse = async (what: string, { answer, credential }: Exchange): Promise<never> => {
    const body = await readText(answer);
    throw errorOfStatus(what, answer.statusCode, parseJson(body), {
      retryAfter: parseRetryAfter(header(answer, "retry-after"), clock.now()),
      secrets: [credential.authorization, credential.authorization?.split(" ")[1]],
    });
  };

  return {
    origin: access.origin,
    server: access.server,
    request: async (path, options = {}) => {
      const what = `${options.method ?? "GET"} ${path}`;
      const signal =
        options.signal === undefined ? closing.signal : AbortSignal.any([options.signal, closing.signal]);
      const deadline = startDeadline(clock, options.deadline ?? REQUEST_DEADLINE, signal);
      try {
        const exchanged = await exchange(path, options, deadline, "gzip");
        const { answer } = exchanged;
        if (isRefusal(answer)) return await refuse(what, exchanged);
        const body = parseJson(await readText(answer));
        if (body === undefined) throw new KubernetesApiError("MalformedAnswer", `${what}: expected JSON`);
        return { status: answer.statusCode, body, ...serverDate(answer) };
      } catch (cause) {
        throw fault(what, cause, deadline, options.signal);
      } finally {
        deadline.release();
      }
    },
    stream: async (path, options = {}) => {
      const what = `${options.method ?? "GET"} ${path}`;
      const signal =
        options.signal === undefined ? closing.signal : AbortSignal.any([options.signal, closing.signal]);
      const deadline = startDeadline(clock, options.deadline ?? REQUEST_DEADLINE, signal);
      try {
        const exchanged = await exchange(path, options, deadline, "identity");
        if (isRefusal(exchanged.answer)) return await refuse(what, exchanged);
        deadline.disarm();
        const body: AsyncIterable<Uint8Array> & Readable = exchanged.answer.body;
        // Leaving the iteration early destroys the stream, which reports that to anyone who listens, or to nobody.
        body.on("error", () => {});
        const chunks = async function* (): AsyncGenerator<Uint8Array> {
          try {
            for await (const chunk of body) yield chunk;
          } catch (cause) {
            throw fault(what, cause, deadline, options.signal);
          } finally {
            body.destroy();
            deadline.release();
          }
        };
        return { chunks: chunks(), ...serverDate(exchanged.answer) };
      } catch (cause) {
        deadline.release();
        throw fault(what, cause, deadline, options.signal);
      }
    },
    close: async () => {
      closing.abort(new Error("the connection is closed"));
      access.credentials.close();
      await agent.close();
    },
  };
}

/** Opens the way to one cluster; nothing is sent yet. Throws `KubernetesConfigError`. */
export function connectKubernetes(options: ConnectionOptions): KubernetesConnection {
  const { kubeconfig, context, clock } = options;
  const environment = options.environment ?? process.env;
  const access =
    kubeconfig === ""
      ? inClusterAccess(environment, options.serviceAccountRoot ?? SERVICE_ACCOUNT_ROOT, clock)
      : kubeconfigAccess({ file: kubeconfig, context, environment, clock });
  return createConnection(access, options);
}
