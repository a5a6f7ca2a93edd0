import fc from "fast-check";
import { clocksOf, type Clocks } from "@node-agent/shared/core/ledger/clocks.ts";
import {
  LEDGER_OUTCOMES,
  type Ledger,
  type LedgerEntry,
  type LedgerGrant,
  type LedgerMeta,
  type LedgerOutcome,
} from "@node-agent/shared/core/ledger/ledger.ts";
import {
  emptyLedger,
  withHeartbeat,
  withIntent,
  withOutcome,
  type LedgerIntent,
} from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS } from "@node-agent/shared/core/ledger/timings.ts";
import { HOUR, MINUTE, SECOND, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";

export const NOON: EpochMillis = Date.UTC(2026, 10, 23, 12);
export const WINDOW: Millis = 11 * MINUTE;

/** One clock that everybody shares. */
export const at = (now: EpochMillis): Clocks => clocksOf([now]);
export const writer = (now: EpochMillis, by = "worker-1") => ({ by, clocks: at(now) });

export function anIntent(over: Partial<LedgerIntent> = {}): LedgerIntent {
  return { instanceId: "vm-a", node: "node-a", attempt: 1, token: "token-a", gpu: false, ...over };
}

export function anEntry(over: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    instanceId: "vm-a",
    seq: 1,
    node: "node-a",
    at: NOON,
    notBefore: NOON + WINDOW,
    attempt: 1,
    token: "token-a",
    by: "worker-1",
    outcome: "Accepted",
    gpu: false,
    ...over,
  };
}

/** A grant of the fleet for an hour. */
export function aGrant(over: Partial<LedgerGrant> = {}): LedgerGrant {
  const base = { id: "g", since: NOON, by: "ann", reason: "zone is back", used: 0, width: 2, cured: 0 };
  return { ...base, until: (over.since ?? NOON) + HOUR, ...over };
}

/** A ledger with these entries, whose `seq` is that of the last of them. */
export function aLedger(entries: readonly LedgerEntry[] = [], meta: Partial<LedgerMeta> = {}): Ledger {
  const empty = emptyLedger("cluster-1", "init", NOON);
  return {
    meta: { ...empty.meta, seq: Math.max(0, ...entries.map(({ seq }) => seq)), ...meta },
    entries: new Map(entries.map((entry) => [entry.instanceId, entry])),
  };
}

/** Something that a gate writes. */
export type Write =
  | { write: "intent"; vm: number; attempt: number; gpu: boolean }
  | { write: "outcome"; vm: number; token: "own" | "other"; outcome: LedgerOutcome }
  | { write: "heartbeat" };

export const anyWrite: fc.Arbitrary<Write> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      write: fc.constant("intent" as const),
      vm: fc.nat(3),
      attempt: fc.integer({ min: 1, max: 3 }),
      gpu: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      write: fc.constant("outcome" as const),
      vm: fc.nat(3),
      token: fc.constantFrom("own" as const, "own" as const, "own" as const, "other" as const),
      outcome: fc.constantFrom(...LEDGER_OUTCOMES),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ write: "heartbeat" } as const) },
);

/** Clocks that may be apart, some time after the write before. */
export const anyClocks = fc.record({
  passes: fc.oneof(fc.nat(90 * SECOND), fc.nat(30 * HOUR)),
  skews: fc.array(fc.integer({ min: -30 * SECOND, max: 30 * SECOND }), { minLength: 1, maxLength: 3 }),
});

/** One write applied, with a token that no other intent has. */
export function applied(ledger: Ledger, write: Write, clocks: Clocks, unique: number): Ledger {
  const by = { by: "worker-1", clocks };
  switch (write.write) {
    case "intent": {
      const { vm, attempt, gpu } = write;
      const intent = anIntent({ instanceId: `vm-${vm}`, token: `token-${unique}`, attempt, gpu });
      return withIntent(ledger, intent, WINDOW, by);
    }
    case "outcome": {
      const id = `vm-${write.vm}`;
      const token = write.token === "own" ? (ledger.entries.get(id)?.token ?? "none") : "a stranger's";
      return withOutcome(ledger, id, token, write.outcome, by, LEDGER_TIMINGS);
    }
    case "heartbeat":
      return withHeartbeat(ledger, by);
    default:
      return write satisfies never;
  }
}
