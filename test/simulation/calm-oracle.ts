/**
 * Two promises for the time after the faults, judged twice a second: no due repair sleeps for longer than a minute, and
 * every gate that is named truly holds when it is named, and is not shown long after that. The spans of a run are small,
 * and so is its minute.
 */
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { GATES, type GateName } from "@node-agent/shared/core/gates/gate.ts";
import { simulatedLedger } from "@node-agent/shared/core/ledger/simulated.ts";
import { plan } from "@node-agent/shared/core/plan/plan.ts";
import { MINUTE, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import type { LedgerReading } from "@node-agent/shared/ports/ledger.ts";
import type { ClusterView } from "@node-agent/shared/ports/snapshot-store.ts";
import { waitsFor } from "./forgotten.ts";
import { isDistrusted, lookSpan, SKEW, trulyHolds, type Case } from "./gate-truth.ts";
import type { Violation } from "./oracle.ts";
import type { Machine } from "./truth.ts";
import type { World } from "./world.ts";

/** Time between two looks. */
export const LOOK: Millis = 500;

/** A plan lets what falls due before the next ones take its place in the limits. */
const PLANS_AHEAD = 3;

/** Watches a world in which nothing is lost or late any more. */
export class CalmOracle {
  readonly violations: Violation[] = [];
  readonly #world: World;
  /** When each gate held each node last. */
  readonly #held = new Map<string, EpochMillis>();
  /** What each pending repair showed at the look before. */
  readonly #shown = new Map<string, unknown>();
  /** Since when a repair that may begin sleeps. */
  readonly #asleep = new Map<string, EpochMillis>();
  #startedAt: EpochMillis | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  async look(): Promise<void> {
    const world = this.#world;
    const [reading, view] = await Promise.all([readLedger(world), world.store.view()]);
    const free = await this.#free(reading, view);
    const machines = [...world.truth.machines.values()].filter(({ exists }) => exists);
    for (const machine of machines) {
      const { record } = await world.store.get(machine.name);
      const one: Case = { world, machine, record, reading, view, free };
      for (const gate of GATES)
        if (trulyHolds(gate, one)) this.#held.set(`${machine.name} ${gate}`, world.time.now);
      this.#judgeName(one);
    }
    this.#judgeSleep(machines, free);
    this.#startedAt ??= world.time.now;
  }

  /**
   * What a pending repair shows: what is new must be true, and what stands must have been true within the minute. A word
   * that a worker wrote after it stood still for longer than its lock, the plan corrects; it plans no healthy nodes.
   */
  #judgeName({ machine: { name }, record }: Case): void {
    const { queues, time } = this.#world;
    const job = queues.jobs.get(name);
    const progress = job?.progress;
    const isNew = this.#shown.get(name) !== progress && this.#startedAt !== undefined;
    this.#shown.set(name, progress);
    const gate = GATES.find((known) => known === waitsFor(this.#world, name));
    if (gate === undefined || job?.state !== "delayed") return;
    if (!isNew && (record === undefined || record.phase === "Healthy")) return;
    const most = isNew ? lookSpan(this.#world) : minuteOf(this.#world.promised.plan);
    const ago = time.now - this.#lastHeld(name, gate, isNew);
    if (ago <= most) return;
    this.#held.delete(`${name} ${gate}`);
    const verb = isNew ? "was named" : "is shown";
    const held = ago === Infinity ? "does not hold it" : `has not held it for ${Math.round(ago)} ms`;
    this.#accuse("Named", name, `${gate} ${verb}, which ${held}: ${whyOf(progress)}`);
  }

  /** When the gate was seen to hold the node last; what stands since before the first look has the time since then. */
  #lastHeld(name: string, gate: GateName, isNew: boolean): EpochMillis {
    const { time } = this.#world;
    return this.#held.get(`${name} ${gate}`) ?? (isNew ? -Infinity : (this.#startedAt ?? time.now));
  }

  /** Repairs that may begin by everything there is to know, oldest first, as far as the limits allow. */
  #judgeSleep(machines: readonly Machine[], free: ReadonlyMap<string, EpochMillis>): void {
    const { time, queues, promised } = this.#world;
    for (const { name } of machines) {
      const job = queues.jobs.get(name);
      const sleeps =
        free.has(name) && (job === undefined || (job.state === "delayed" && job.dueAt > time.now));
      if (!sleeps) {
        this.#asleep.delete(name);
        continue;
      }
      const since = this.#asleep.get(name) ?? time.now;
      this.#asleep.set(name, since);
      const slept = time.now - since;
      if (slept <= minuteOf(promised.plan)) continue;
      this.#asleep.delete(name);
      const until = job === undefined ? "without a job" : `until ${Math.round(job.dueAt - time.start)} ms`;
      this.#accuse(
        "Sleep",
        name,
        `it may be repaired, and sleeps ${until}, for ${waitsFor(this.#world, name) ?? "nothing"}`,
      );
    }
  }

  async #free(reading: LedgerReading, view: ClusterView): Promise<ReadonlyMap<string, EpochMillis>> {
    const { store, truth, promised, time, plans } = this.#world;
    if (reading.state !== "Found" || isDistrusted({ reading, world: this.#world }, -SKEW)) return new Map();
    const { policy } = promised;
    const snapshots = new Map(truth.snapshots().map((snapshot) => [snapshot.name, snapshot]));
    const records = await store.listUnhealthy();
    const census = await plans.census();
    const made = plan({
      nodes: records.map((record) => {
        const snapshot = snapshots.get(record.name);
        return snapshot === undefined ? { record } : { record, snapshot };
      }),
      ...(census === undefined ? {} : { census }),
      ledger: { state: "Trusted", ledger: reading.ledger, clocks: clocksOf([time.now]) },
      rules: { policy, checkers: createCheckers(policy) },
      selects: (node) => this.#world.selects(node),
      view,
      horizon: PLANS_AHEAD * promised.plan,
    });
    return new Map(made.proceed.map(({ node, at }) => [node, at]));
  }

  #accuse(invariant: "Named" | "Sleep", node: string, what: string): void {
    const at = (this.#world.time.elapsed / 1000).toFixed(1);
    this.violations.push({ invariant, what: `${node} at ${at} s: ${what}` });
  }
}

/** The authority on repairs; in monitor-only mode the records are what stands for it. */
async function readLedger({ promised, ledger, store, time }: World): Promise<LedgerReading> {
  if (!promised.policy.monitorOnly) return ledger.read();
  const records = await store.getMany([...store.records.keys()]);
  const found = { state: "Found", version: "1", uid: "simulated", createdAt: time.start } as const;
  return { ...found, ledger: simulatedLedger(records) };
}

/** The spans of a run are smaller than those of the product, and so is its minute: 20 plans. */
function minuteOf(planInterval: Millis): Millis {
  return Math.min(MINUTE, 20 * planInterval);
}

function whyOf(progress: unknown): string {
  return typeof progress === "object" && progress !== null && "why" in progress ? String(progress.why) : "";
}
