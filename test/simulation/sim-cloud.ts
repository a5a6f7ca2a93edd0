import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type {
  Executor,
  RebootReceipt,
  RebootTarget,
  ResolveResult,
} from "@node-agent/shared/ports/executor.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { FaultCount } from "./faulty.ts";
import type { Random } from "./random.ts";
import type { Truth } from "./truth.ts";
import type { Incarnation, VirtualTime } from "./virtual-time.ts";

/** How badly the cloud behaves. */
export interface CloudWeather {
  /** A call is not carried out, and the caller hears so. */
  refused: number;
  /** Carried out, but the answer is an error or never comes. */
  unclear: number;
  /** Carried out late, by up to the margin that windows allow for. */
  late: number;
  /** The connection cannot be made. */
  unreachable: number;
  /** The reboot does not cure. */
  uncured: number;
}

/** What the cloud needs of the world. */
export interface SimCloudDeps {
  readonly truth: Truth;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly weather: CloudWeather;
  readonly count: FaultCount;
  readonly latest: Millis;
  readonly bootTime: Millis;
}

/** The cloud of one process: identity by exact id and name, reboots with every kind of answer. */
export function simCloud(process: Incarnation, deps: SimCloudDeps): Executor {
  const { truth, time, random, weather, count, latest, bootTime } = deps;
  const execute = (target: RebootTarget): boolean =>
    truth.execute(target.instanceId, bootTime, !random.chance(weather.uncured));
  return {
    name: "sim",
    resolve: async (node: NodeSnapshot): Promise<ResolveResult> => {
      await process.hop(random.between(1, 80));
      const machine = truth.machines.get(node.name);
      const id = node.providerId?.slice("civo://".length);
      if (machine === undefined || !machine.exists || machine.instanceId !== id) {
        return { ok: false, failure: "NotFound", detail: "no such instance" };
      }
      if (machine.booting) return { ok: false, failure: "BadState", detail: "REBOOTING" };
      return {
        ok: true,
        target: { instanceId: machine.instanceId, hostname: node.name },
        gpuCount: machine.gpus,
      };
    },
    reboot: async (target: RebootTarget, signal: AbortSignal): Promise<RebootReceipt> => {
      if (signal.aborted) return { outcome: "NotSent", detail: "aborted before" };
      if (random.chance(weather.unreachable)) {
        count.faults += 1;
        return { outcome: "NotSent", detail: "ECONNREFUSED" };
      }
      // From here on bytes are on their way, and nothing can call them back.
      const aborted = Promise.withResolvers<"aborted">();
      signal.addEventListener("abort", () => aborted.resolve("aborted"), { once: true });
      const answered = Promise.withResolvers<RebootReceipt>();
      time.at(random.between(1, 60), () => arrive(target, answered.resolve));
      const answer = await Promise.race([answered.promise, aborted.promise]);
      await process.hop(0);
      return answer === "aborted" ? { outcome: "Unknown", detail: "timeout" } : answer;
    },
  };

  function arrive(target: RebootTarget, answer: (receipt: RebootReceipt) => void): void {
    if (random.chance(weather.refused)) {
      count.faults += 1;
      answer({ outcome: "Rejected", failure: "BadState", detail: "409" });
      return;
    }
    if (random.chance(weather.late)) {
      count.faults += 1;
      time.at(random.between(0, latest), () => execute(target));
      if (random.chance(0.5)) answer({ outcome: "Unknown", detail: "502" });
      return;
    }
    execute(target);
    if (random.chance(weather.unclear)) {
      count.faults += 1;
      if (random.chance(0.5)) answer({ outcome: "Unknown", detail: "reset" });
      return;
    }
    answer({ outcome: "Accepted", detail: "success" });
  }
}
