import type { BlindCause } from "@node-agent/shared/contract/metric-labels.ts";
import type { RepairPolicy } from "@node-agent/shared/core/policy.ts";
import type { Executor, ResolveFailure } from "@node-agent/shared/ports/executor.ts";
import type { RebootLedger } from "@node-agent/shared/ports/ledger.ts";
import type { NodeReader } from "@node-agent/shared/ports/node-reader.ts";
import type { ClusterView } from "@node-agent/shared/ports/snapshot-store.ts";
import { withoutCredentials } from "@node-agent/shared/runtime/error-fields.ts";
import type { CheckOutcome, ReadinessCheck } from "@node-agent/shared/runtime/http.ts";

type Dependency = Extract<BlindCause, "Kubernetes" | "Cloud">;

/** Answers that tell of the cloud itself, and not of one instance. */
const OUT_OF_REACH: ReadonlySet<ResolveFailure> = new Set([
  "Unauthorized",
  "Misconfigured",
  "RateLimited",
  "Unavailable",
]);

const NOT_ASKED: CheckOutcome = { ok: false, detail: "not asked yet" };

/**
 * What this worker could reach when it last asked: decorators around the ports that a reboot needs. The ledger is read
 * every few minutes, so that an API server out of reach is known while nothing is due; a cloud is asked only when it is.
 */
export class Reach {
  readonly #down = new Set<Dependency>();
  #kubernetes: CheckOutcome = NOT_ASKED;
  #ledger: CheckOutcome = NOT_ASKED;

  /** The dependencies whose latest answer was none. */
  get lost(): ReadonlySet<Dependency> {
    return this.#down;
  }

  reader(reader: NodeReader): NodeReader {
    return { read: async (name, signal) => this.#asked("Kubernetes", async () => reader.read(name, signal)) };
  }

  /** The look at the API server whose answer `/readyz` shows. */
  server<T>(look: () => Promise<T>): () => Promise<T> {
    return async () => {
      try {
        const answer = await this.#asked("Kubernetes", look);
        this.#kubernetes = { ok: true, detail: "answers" };
        return answer;
      } catch (error) {
        this.#kubernetes = failed(error);
        throw error;
      }
    };
  }

  ledger(ledger: RebootLedger): RebootLedger {
    return {
      read: async (signal) => {
        try {
          const reading = await this.#asked("Kubernetes", async () => ledger.read(signal));
          const isFound = reading.state === "Found";
          this.#ledger = { ok: isFound, detail: isFound ? "read" : `${reading.state}: ${reading.why}` };
          return reading;
        } catch (error) {
          this.#ledger = failed(error);
          throw error;
        }
      },
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

  /** What `/readyz` says of the API server and, in active mode, of the ledger. */
  checks(monitorOnly: boolean): ReadinessCheck[] {
    const kubernetes = { name: "kubernetes", check: () => this.#kubernetes };
    return monitorOnly ? [kubernetes] : [kubernetes, { name: "ledger", check: () => this.#ledger }];
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

function failed(error: unknown): CheckOutcome {
  return {
    ok: false,
    detail: error instanceof Error ? withoutCredentials(error.message) : "an unknown failure",
  };
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
