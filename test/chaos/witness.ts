import type { NodeTruth, SimulatorProcess } from "../support/topology-simulator.ts";

/** Looks in a row that found a machine alike: `from` and `to` are when the first and the last of them were asked for. */
interface Run {
  readonly healthy: boolean;
  readonly from: number;
  to: number;
}

/**
 * What the machines really were, look by look. Of the time between two looks nothing is claimed: a machine was surely
 * sick only from one look that found it so to another.
 */
export class Witness {
  readonly #runs = new Map<string, Run[]>();
  readonly #simulator: SimulatorProcess;

  constructor(simulator: SimulatorProcess) {
    this.#simulator = simulator;
  }

  /** Asks the simulator, and remembers what it said. */
  async look(): Promise<NodeTruth[]> {
    const askedAt = Date.now();
    const truth = await this.#simulator.truth();
    for (const { name, healthy } of truth) this.#remember(name, healthy, askedAt);
    return truth;
  }

  /** Remembers one look at one machine. */
  #remember(node: string, healthy: boolean, at: number): void {
    const runs = this.#runs.get(node) ?? [];
    const last = runs.at(-1);
    if (last?.healthy === healthy) last.to = Math.max(last.to, at);
    else runs.push({ healthy, from: at, to: at });
    this.#runs.set(node, runs);
  }

  /** Until when the machine was surely sick without a break, from `at` on; `at` itself when no look found it sick then. */
  sickUntil(node: string, at: number): number {
    const next = this.#runs.get(node)?.find(({ to }) => to >= at);
    return next === undefined || next.healthy ? at : next.to;
  }

  /** The machines that the latest look found sick, each with the first look that did. */
  sick(): Map<string, number> {
    const latest = [...this.#runs].flatMap(([node, runs]) => {
      const last = runs.at(-1);
      return last === undefined || last.healthy ? [] : [[node, last.from] as const];
    });
    return new Map(latest);
  }
}
