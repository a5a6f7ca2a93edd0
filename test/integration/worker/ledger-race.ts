import { LEDGER_TIMINGS } from "../../../packages/shared/src/core/ledger/timings.ts";
import type { ClusterEvent } from "../../../packages/shared/src/core/cluster-event.ts";
import type { RepairPolicy } from "../../../packages/shared/src/core/policy.ts";
import { MINUTE, SECOND, type Millis } from "../../../packages/shared/src/core/time.ts";
import type { RebootLedger } from "../../../packages/shared/src/ports/ledger.ts";
import { RedisSequenceMemory } from "../../../packages/shared/src/redis/sequence-memory.ts";
import { createMetrics } from "../../../packages/shared/src/runtime/metrics/metrics.ts";
import { systemClock } from "../../../packages/shared/src/runtime/system-clock.ts";
import { createEventJournal } from "../../../packages/worker/src/event-journal.ts";
import { LedgerGate } from "../../../packages/worker/src/ledger-gate.ts";
import { createLogJournal } from "../../../packages/worker/src/log-journal.ts";
import { limitsOfCounts } from "../../support/limits.ts";
import { samplesOf, type Sample } from "../../support/topology-agent.ts";
import { memoryLogger } from "../../unit/runtime/log-lines.ts";
import { quick, type Fleet } from "./fleet.ts";

/** How long a request to the API server is on its way, there and back: what makes writers meet. */
const LATENCY: Millis = 10;

const base = quick(200, 10 * MINUTE);
/** Whole pools fail at once here; the guards against that have tests of their own. */
export const RACE_POLICY: RepairPolicy = {
  ...base,
  limits: limitsOfCounts(),
  breaker: { ...base.breaker, floor: 100_000 },
  cureRate: { ...base.cureRate, slowBelow: 0, stopBelow: 0 },
  storm: { ...base.storm, recoveredAfter: 0, curedAfter: 0 },
};

/** What the workers of a race told, each in its place. */
export interface Told {
  readonly lines: () => readonly Record<string, unknown>[];
  readonly events: readonly ClusterEvent[];
  readonly samples: () => Promise<readonly Sample[]>;
  /** Writes to the ledger that others came before. */
  readonly lost: () => number;
}

/** Starts so many workers, each with its own gate to the one ledger of the fleet, and with the real journals. */
export function startRacers(fleet: Fleet, workers: number): Told {
  const { logger, lines } = memoryLogger();
  const metrics = createMetrics({ cluster: "c", role: "worker", monitorOnly: false, perNodeMetrics: false });
  const events: ClusterEvent[] = [];
  const outbox = { offer: (event: ClusterEvent): void => void events.push(event) };
  const inner = createLogJournal({ logger, metrics, clock: systemClock });
  const journal = createEventJournal(inner, { outbox, clock: systemClock });
  const timings = {
    sendDeadline: 5 * SECOND,
    callDeadline: SECOND,
    readDeadline: 5 * SECOND,
    // A pause of a minute, wherever it came from, would be seen.
    blockedRetry: MINUTE,
    retryPause: MINUTE,
    flight: 10,
    planStale: SECOND,
  };
  const remote = remoteLedger(fleet);
  for (let i = 0; i < workers; i += 1) {
    const ledger = new LedgerGate({
      ledger: remote.ledger,
      memory: new RedisSequenceMemory(fleet.client, fleet.keys),
      clock: systemClock,
      policy: RACE_POLICY,
      timings: LEDGER_TIMINGS,
      self: `worker-${i}`,
      jitter: async (most) => systemClock.sleep(Math.random() * most),
    });
    fleet.startWorker({ journal }, undefined, { ledger, timings, journal });
  }
  return { lines, events, samples: async () => samplesOf(await metrics.scrape()), lost: remote.lost };
}

/** The ledger of a fleet as it is reached over a network. */
function remoteLedger({ ledger }: Fleet): { readonly ledger: RebootLedger; readonly lost: () => number } {
  let lost = 0;
  return {
    ledger: {
      read: async () => {
        await systemClock.sleep(LATENCY);
        return ledger.read();
      },
      compareAndWrite: async (next, seen) => {
        await systemClock.sleep(LATENCY);
        const write = await ledger.compareAndWrite(next, seen);
        if (write.outcome === "Conflict") lost += 1;
        return write;
      },
    },
    lost: () => lost,
  };
}
