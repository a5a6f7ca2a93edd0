import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { LedgerReading, RebootLedger } from "@node-agent/shared/ports/ledger.ts";
import { CliError } from "./errors.ts";

/** Attempts against other writers; gates write at every reboot and every few minutes, so that one of these gets through. */
const MAX_WRITES = 40;
/** The longest pause between two attempts, in milliseconds; chance spreads commands that run at the same time. */
const SPREAD = 150;

/** What became of an order. */
export interface LedgerChange {
  /** False: it stood so already. */
  readonly changed: boolean;
  /** The ledger as it stands now. */
  readonly ledger: Ledger;
}

type Found = Extract<LedgerReading, { state: "Found" }>;

/** Reads a ledger that can be used. Throws `CliError` with one sentence when there is none. */
export async function readLedger(store: RebootLedger): Promise<Found> {
  const reading = await store.read();
  if (reading.state === "Found") return reading;
  const words = {
    Missing: "there is no ledger, and without one nothing is rebooted in active mode",
    Unreadable: "the ledger cannot be read, and nothing is rebooted while that is so",
    Foreign: "the ledger is of another cluster, and nothing is rebooted while that is so",
  };
  throw new CliError("Ledger", `${words[reading.state]}: ${reading.why}`);
}

/**
 * Changes the ledger by compare-and-set until it is written or stands so already: a step that has nothing to do returns
 * the ledger it was given. `now` is the server's clock, because the one of this machine is nobody's business. An answer
 * that was lost is looked for by reading again. Throws `CliError`.
 */
export async function changeLedger(
  store: RebootLedger,
  clock: Clock,
  step: (ledger: Ledger, now: EpochMillis) => Ledger,
): Promise<LedgerChange> {
  let lost = false;
  let why = "";
  for (let attempt = 0; attempt < MAX_WRITES; attempt += 1) {
    const { ledger, version, serverTime } = await readLedger(store);
    const next = step(ledger, serverTime ?? clock.now());
    if (next === ledger) return { changed: lost, ledger };
    const write = await store.compareAndWrite(next, version);
    if (write.outcome === "Written") return { changed: true, ledger: next };
    ({ why } = write);
    if (write.outcome === "Refused") break;
    lost ||= write.outcome === "Unknown";
    await clock.sleep(Math.random() * SPREAD);
  }
  throw new CliError("Ledger", `the ledger could not be written: ${why}`);
}
