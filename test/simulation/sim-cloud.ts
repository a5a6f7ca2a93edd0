import type { CivoClient } from "../../packages/civo/src/client.ts";
import type { CivoInstance } from "../../packages/civo/src/answer.ts";
import { createCivoExecutor } from "../../packages/civo/src/civo-executor.ts";
import type { CivoFault, CivoResult } from "../../packages/civo/src/fault.ts";
import type { Executor } from "@node-agent/shared/ports/executor.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Incarnation } from "./incarnation.ts";
import { LostError, travel, type NetworkDeps, type Weather } from "./network.ts";
import type { Machine, Truth } from "./truth.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** How badly the cloud behaves. */
export interface CloudWeather {
  /** A call is not carried out, and the caller hears so. */
  refused: number;
  /** Carried out, but the answer is an error or never comes. */
  unclear: number;
  /** Carried out late, by up to the call deadline and the margin that windows allow for. */
  late: number;
  /** Late means as late as it may be. */
  latest: boolean;
  /** The connection cannot be made. */
  unreachable: number;
  /** The reboot does not cure. */
  uncured: number;
}

/** What the cloud needs of the world. */
export interface SimCloudDeps {
  readonly truth: Truth;
  readonly time: VirtualTime;
  readonly weather: CloudWeather;
  readonly network: Weather;
  readonly deps: NetworkDeps;
  /** The longest time between a call and its execution. */
  readonly latest: Millis;
  /** The node for which this process asks now, by its own word; read in the turn of the call. */
  readonly askedFor: () => string;
}

/** The real Civo executor on a cloud in memory: identity by exact id and name, reboots with every kind of answer. */
export function simCloud(process: Incarnation, cloud: SimCloudDeps): Executor {
  return createCivoExecutor({ client: simClient(process, cloud), clock: process.clock });
}

function simClient(process: Incarnation, cloud: SimCloudDeps): CivoClient {
  const { truth, network, deps } = cloud;
  const read = async <T>(method: string, answer: () => CivoResult<T>): Promise<CivoResult<T>> => {
    try {
      return await travel(async () => answer(), { process, part: "reboot", method }, network, deps);
    } catch (error) {
      if (!(error instanceof LostError)) throw error;
      return failed({ class: "transient", detail: "timeout", sent: true });
    }
  };
  return {
    listClusterInstances: async () =>
      read("listClusterInstances", () => ({
        ok: true,
        value: [...truth.machines.values()].filter(({ exists }) => exists).map(instanceOf),
      })),
    getInstance: async (id) =>
      read("getInstance", () => {
        const machine = truth.byInstance(id);
        if (machine !== undefined) return { ok: true, value: instanceOf(machine) };
        return failed({ class: "not_found", status: 404, detail: "database_instance_find", sent: true });
      }),
    hardReboot: async (id, signal) => hardReboot(id, signal, process, cloud),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function instanceOf({ instanceId, name, booting, gpus }: Machine): CivoInstance {
  return {
    id: instanceId,
    hostname: name,
    status: booting ? "REBOOTING" : "ACTIVE",
    ...(gpus > 0 ? { gpuCount: gpus } : {}),
  };
}

function failed<T>(error: CivoFault): CivoResult<T> {
  return { ok: false, error };
}

/** One call. From the moment it is sent nothing can call it back: an abort ends only the waiting. */
async function hardReboot(
  id: string,
  signal: AbortSignal | undefined,
  process: Incarnation,
  { truth, time, weather, deps, latest, askedFor: asking }: SimCloudDeps,
): Promise<CivoResult<"success">> {
  const { random, count, story } = deps;
  const askedFor = asking();
  const fault = deps.fault?.({ process, part: "reboot", method: "hardReboot" });
  if (fault === "CrashBefore") return dead(process, deps);
  if (fault === "FreezeBefore") {
    // Between the last look at the clock and the socket nothing awaits: a freeze here is one on the wire.
    deps.freeze(process);
  }
  if (signal?.aborted === true || random.chance(weather.unreachable)) {
    count.add("CloudUnreachable");
    return failed({ class: "transient", detail: "ECONNREFUSED", sent: false });
  }
  const answered = Promise.withResolvers<CivoResult<"success">>();
  const abort = (): void => answered.resolve(failed({ class: "transient", detail: "timeout", sent: true }));
  signal?.addEventListener("abort", abort, { once: true });
  story.tell(() => `${process.name} calls the cloud to reboot ${askedFor} (${id})`);
  time.at(random.between(1, 60), () => {
    if (fault !== "LostRequest") arrive();
  });
  const answer = await answered.promise;
  if (fault === "FreezeAfter") deps.freeze(process);
  await process.hop(0);
  if (fault === "LostReply") return failed({ class: "transient", detail: "reset", sent: true });
  if (fault === "CrashAfter") return dead(process, deps);
  return answer;

  function arrive(): void {
    const execute = (): void => {
      const known = truth.execute(id, askedFor, !random.chance(weather.uncured));
      story.tell(() => `EXECUTED: ${askedFor} (${id})${known ? "" : ", which is gone"}`);
    };
    if (random.chance(weather.refused)) {
      count.add("CloudRefused");
      answered.resolve(failed({ class: "bad_state", status: 409, detail: "409", sent: true }));
    } else if (random.chance(weather.late)) {
      count.add("CloudLate");
      time.at(weather.latest ? latest : random.between(0, latest), execute);
      if (random.chance(0.5)) {
        answered.resolve(failed({ class: "transient", status: 502, detail: "502", sent: true }));
      }
    } else {
      execute();
      const unclear = random.chance(weather.unclear);
      if (!unclear) return answered.resolve({ ok: true, value: "success" });
      count.add("CloudUnclear");
      if (random.chance(0.5)) {
        answered.resolve(failed({ class: "transient", status: 500, detail: "500", sent: true }));
      }
    }
  }
}

async function dead(process: Incarnation, { crash }: NetworkDeps): Promise<never> {
  crash(process);
  return new Promise<never>(() => undefined);
}
