import type { BlindCause } from "@node-agent/shared/contract/metric-labels.ts";
import type { RepairPolicy } from "@node-agent/shared/core/policy.ts";
import type { Executor, ResolveFailure } from "@node-agent/shared/ports/executor.ts";
import type { RebootLedger } from "@node-agent/shared/ports/ledger.ts";
import type { NodeReader } from "@node-agent/shared/ports/node-reader.ts";
import type { ClusterView } from "@node-agent/shared/ports/snapshot-store.ts";

type Dependency = Extract<BlindCause, "Kubernetes" | "Cloud">;

/** Answers that tell of the cloud itself, and not of one instance. */
const OUT_OF_REACH: ReadonlySet<ResolveFailure> = new Set([
  "Unauthorized",
  "Misconfigured",
  "RateLimited",
  "Unavailable",
]);

/**
 * What this worker could reach when it last asked: decorators around the ports that a reboot needs. The ledger is read
 * every few minutes, so that an API server out of reach is known while nothing is due; a cloud is asked only when it is.
 */
export class Reach {
  readonly #down = new Set<Dependency>();

  /** The dependencies whose latest answer was none. */
  get lost(): ReadonlySet<Dependency> {
    return this.#down;
  }

  reader(reader: NodeReader): NodeReader {
    return { read: async (name, signal) => this.#asked("Kubernetes", async () => reader.read(name, signal)) };
  }

  ledger(ledger: RebootLedger): RebootLedger {
    return {
      read: async (signal) => this.#asked("Kubernetes", async () => ledger.read(signal)),
      compareAndWrite: async (next, seen, signal) => ledger.compareAndWrite(next, seen, signal),
    };
  }

  executor(executor: Executor): Executor {
    return {
      name: executor.name,
      readAhead: async (signal) => executor.readAhead(signal),
      resolve: async (node, signal) => {
        const answer = await this.#asked("Cloud", async () => executor.resolve(node, signal));
        if (!answer.ok && OUT_OF_REACH.has(answer.failure)) this.#down.add("Cloud");
        return answer;
      },
      reboot: async (target, signal) => executor.reboot(target, signal),
    };
  }

  async #asked<T>(dependency: Dependency, ask: () => Promise<T>): Promise<T> {
    try {
      const answer = await ask();
      this.#down.delete(dependency);
      return answer;
    } catch (error) {
      this.#down.add(dependency);
      throw error;
    }
  }
}

/** Every cause by which a worker with this view reboots nothing; `undefined`: Redis did not tell it. */
export function blindCauses(
  view: ClusterView | undefined,
  lost: ReadonlySet<Dependency>,
  { viewMaxAge, blindGrace }: Pick<RepairPolicy, "viewMaxAge" | "blindGrace">,
): ReadonlySet<BlindCause> {
  const causes = new Set<BlindCause>(lost);
  if (view === undefined) return causes.add("Redis");
  if (view.age === undefined || view.age > viewMaxAge) return causes.add("View");
  return view.steady < blindGrace ? causes.add("Grace") : causes;
}
