import type { Millis } from "@node-agent/shared/core/time.ts";
import { momentOf, type Clock, type Moment } from "@node-agent/shared/ports/clock.ts";
import type { ServerVersion } from "@node-agent/shared/ports/node-source.ts";
import type { KubernetesConnection, RequestOptions } from "../connection/connection.ts";
import { KubernetesApiError } from "../errors.ts";
import { property, text } from "../raw-object.ts";
import { METADATA_HEADERS, METADATA_QUERY, MOST_PROVED } from "./proof-of-sight.ts";
import { compareResourceVersions } from "./resource-version.ts";
import type { SourceEvent } from "./source-event.ts";
import type { ReflectorTimings } from "./timings.ts";

/** Silent idle time-outs after which a watch that is behind its server is called deaf. */
const DEAF_TIMEOUTS = 2;
/** The part of the probe interval that lies between two probes at least, however odd things look. */
const SHORTEST_GAP = 1 / 10;
/** The part of the probe interval after which a watch without a word is quiet: the probe then proves what it can. */
const QUIET_PART = 1 / 2;

/** What the view knows of itself. */
export interface ViewPosition {
  /** The newest version that the watch has reached. */
  readonly version: string;
  /** For how long it has brought neither event nor bookmark. */
  readonly quietFor: Millis;
  /** Nodes of the view. */
  readonly nodes: number;
}

/**
 * What a probe says of a view. `WentBack`: the server is at an earlier version than the view, which a quorum read of one
 * history cannot be: etcd was restored from a backup. `Deaf`: the server is ahead, and the watch has brought nothing for
 * two idle time-outs. Being ahead alone says nothing: the version of a list is that of the whole etcd, which moves on
 * with every lease while the nodes stay as they are.
 */
function judgeProbe(view: ViewPosition, server: string, idleTimeout: Millis): "Sound" | "WentBack" | "Deaf" {
  const order = compareResourceVersions(server, view.version);
  if (order === -1) return "WentBack";
  return order === 1 && view.quietFor >= DEAF_TIMEOUTS * idleTimeout ? "Deaf" : "Sound";
}

/** What a probe works with. */
export interface ViewProbeDeps {
  readonly connection: KubernetesConnection;
  readonly path: string;
  readonly clock: Clock;
  readonly timings: ReflectorTimings;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly report: (event: SourceEvent) => void;
  /** Undefined while there is nothing to compare with: before the first list, and during one. */
  readonly view: () => ViewPosition | undefined;
  /** Told of each sound answer: the moment before it was asked for, and all nodes' metadata if the watch was quiet. */
  readonly answered: (asked: Moment, nodes: unknown) => void;
  /** Told once a probe has proved that the view cannot be trusted. */
  readonly distrust: (cause: "WentBack" | "Deaf", server: string) => void;
}

/** Compares the view with its server, again and again. */
export interface ViewProbe {
  /** Something looks odd: the next probe comes soon. */
  hurry(): void;
  /** The server's version now, by a quorum read. */
  ask(): Promise<string>;
  /** The same, held against the version that the view has reached. */
  compare(seen: string): Promise<ServerVersion>;
  /** Resolves when the signal has fired. */
  readonly ended: Promise<void>;
}

/** Calls `due` about every `relistInterval` until the signal fires. */
export async function relistForEver(
  { clock, timings, random, signal }: Pick<ViewProbeDeps, "clock" | "timings" | "random" | "signal">,
  due: () => void,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(jittered(timings.relistInterval, random), signal);
    if (!signal.aborted) due();
  }
}

/** A span around the one that is meant, so that the watchers of a fleet do not ask in step. */
function jittered(span: Millis, random: () => number): Millis {
  return span * (0.8 + 0.4 * random());
}

/** Probes about every `viewProbeInterval` until the signal fires. A probe that fails says nothing and changes nothing. */
export function startViewProbe(deps: ViewProbeDeps): ViewProbe {
  const { connection, path, clock, timings, random, signal, report, view, answered, distrust } = deps;
  let pause = new AbortController();

  const read = async (call: Pick<RequestOptions, "query" | "headers">) => {
    const { body } = await connection.request(path, { ...call, deadline: timings.pageDeadline, signal });
    const version = text(property(body, "metadata"), "resourceVersion");
    if (version !== undefined) return { version, body };
    throw new KubernetesApiError("MalformedAnswer", `GET ${path}: a list without a resourceVersion`);
  };

  const ask = async (): Promise<string> => (await read({ query: { limit: "1" } })).version;

  const askOfQuiet = async ({ quietFor, nodes }: ViewPosition) => {
    const isProvable = quietFor >= QUIET_PART * timings.viewProbeInterval && nodes <= MOST_PROVED;
    if (!isProvable) return { version: await ask(), body: undefined };
    return read({ query: METADATA_QUERY, headers: METADATA_HEADERS });
  };

  /** The position is taken first: what the watch brings meanwhile may be newer than an honest answer. */
  const compare = async () => {
    const position = view();
    if (position === undefined) return undefined;
    const asked = momentOf(clock);
    const { version: server, body } = await askOfQuiet(position);
    const verdict = judgeProbe(position, server, timings.silenceWithBookmarks);
    if (verdict === "Sound") answered(asked, body);
    return { server, verdict };
  };

  const probe = async (): Promise<void> => {
    const first = await compare();
    if (first === undefined) return;
    if (first.verdict !== "WentBack") {
      report({ type: "ViewProbed", result: first.verdict });
      if (first.verdict === "Deaf") distrust("Deaf", first.server);
      return;
    }
    // Behind a load balancer one server may be older than the others: a history is lost only when another answer says so.
    await clock.sleep(timings.backoffBase, signal);
    const second = await compare();
    if (second === undefined) return;
    const isConfirmed = second.verdict === "WentBack";
    report({ type: "ViewProbed", result: isConfirmed ? "WentBack" : "Contradiction" });
    if (isConfirmed) distrust("WentBack", second.server);
  };

  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(timings.viewProbeInterval * SHORTEST_GAP, signal);
      const rest = jittered(timings.viewProbeInterval, random) - timings.viewProbeInterval * SHORTEST_GAP;
      await clock.sleep(rest, AbortSignal.any([signal, pause.signal]));
      pause = new AbortController();
      if (signal.aborted) return;
      try {
        await probe();
      } catch {
        if (!signal.aborted) report({ type: "ViewProbed", result: "Failed" });
      }
    }
  };

  const hurry = (): void => pause.abort();
  return {
    hurry,
    ask,
    compare: async (seen) => {
      const version = await ask();
      const viewIsAhead = compareResourceVersions(version, seen) === -1;
      if (viewIsAhead) hurry();
      return { version, viewIsAhead };
    },
    ended: loop(),
  };
}
