import { emptyLedger } from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS } from "@node-agent/shared/core/ledger/timings.ts";
import { DAY, SECOND } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { SequenceMemory } from "@node-agent/shared/ports/sequence-memory.ts";
import type { StateStore } from "@node-agent/shared/ports/state-store.ts";
import { MemoryEvidenceReader } from "@node-agent/shared/testing/memory-evidence-reader.ts";
import { MemoryLedger } from "@node-agent/shared/testing/memory-ledger.ts";
import { MemoryNodeLister } from "@node-agent/shared/testing/memory-node-lister.ts";
import type { MemoryNodeReader } from "@node-agent/shared/testing/memory-node-reader.ts";
import { FleetWatch } from "../../packages/worker/src/fleet-watch.ts";
import type { Rules } from "@node-agent/shared/core/judge.ts";
import type { RebootDeps } from "../../packages/worker/src/reboot-transaction.ts";
import { LoopLateness } from "../../packages/worker/src/stopwatch.ts";
import { LedgerGate } from "../../packages/worker/src/ledger-gate.ts";

/** A ledger that is old enough to be trusted. */
export function grownLedger(clock: Clock): MemoryLedger {
  const ledger = new MemoryLedger("cluster-1", () => clock.now());
  ledger.create(emptyLedger("cluster-1", "init", clock.now()), clock.now() - DAY);
  return ledger;
}

/** The look at the fleet and the ledger that a reboot transaction on a real Redis needs beside its stores. */
export function rebootParts(parts: {
  readonly store: Pick<StateStore, "getMany">;
  readonly ledger: MemoryLedger;
  readonly memory: SequenceMemory;
  readonly reader: MemoryNodeReader;
  readonly rules: Rules;
  readonly clock: Clock;
}): Pick<RebootDeps, "fleet" | "ledger" | "evidence" | "lateness" | "onMissed"> {
  const { store, ledger, memory, reader, rules, clock } = parts;
  const evidence = new MemoryEvidenceReader();
  const deadline = { lateness: new LoopLateness(clock), onMissed: () => undefined };
  const fleet = new FleetWatch({
    lister: new MemoryNodeLister(reader.nodes),
    store,
    selects: () => true,
    rules,
    clock,
    shared: SECOND,
    oldest: 10 * SECOND,
  });
  if (rules.policy.monitorOnly) return { fleet, ledger: undefined, evidence, ...deadline };
  // Spans that add little to the waits of tests in real time; the clocks here are all one.
  const timings = {
    ...LEDGER_TIMINGS,
    sendDeadline: 50,
    callDeadline: 50,
    clockSkew: 50,
    margin: 0,
    cooldown: 50,
  };
  const jitter = async (most: number): Promise<void> => clock.sleep(Math.random() * most);
  const { policy } = rules;
  const gate = new LedgerGate({ ledger, memory, clock, policy, timings, self: "worker", jitter });
  return { fleet, ledger: gate, evidence, ...deadline };
}
