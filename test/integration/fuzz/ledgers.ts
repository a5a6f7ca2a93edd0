import { decodeLedger, encodeLedger } from "@node-agent/shared/contract/ledger-codec.ts";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { emptyLedger, withIntent } from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS } from "@node-agent/shared/core/ledger/timings.ts";
import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import { Limits, UNCOUNTED } from "@node-agent/shared/core/storm/limits.ts";
import { distrustOf } from "@node-agent/shared/core/ledger/trust.ts";
import { ledgerView } from "@node-agent/shared/core/gates/ledger-view.ts";
import { DAY, HOUR } from "@node-agent/shared/core/time.ts";
import type { Random } from "../../../packages/simulator/src/world/random.ts";
import { garbled, hostileText, hostileValue, mutated, type Fuzz } from "./hostile.ts";

const NOW = Date.UTC(2026, 0, 1);
const VM = "vm-1";
const clocks = clocksOf([NOW]);

/** The bytes of the ledger's ConfigMap: read or refused as a whole, and what was read can be written and judged. */
export const ledgerBytes: Fuzz = async (random, cases) => {
  const wrong: string[] = [];
  let readable = 0;
  const base = sound();
  for (let i = 0; i < cases; i += 1) {
    const data = spoiled(random, base);
    const decoded = decodeLedger(data);
    if (!decoded.ok) continue;
    readable += 1;
    const { ledger } = decoded;
    if (data[VM] === base[VM]) keepsWindow(data, ledger, wrong);
    distrustOf(ledger, NOW - DAY, { seqHighWater: 0 }, clocks, HOUR, LEDGER_TIMINGS);
    if (!isWritable(ledger)) continue;
    const back = decodeLedger(encodeLedger(ledger));
    if (!back.ok || JSON.stringify(back.ledger.meta) !== JSON.stringify(ledger.meta)) {
      wrong.push(`what was read is written as something else: ${JSON.stringify(data).slice(0, 500)}`);
    }
  }
  return { wrong, told: `${readable} could be read` };
};

/** An entry that nobody touched keeps its window, whatever became of the rest. */
function keepsWindow(data: Readonly<Record<string, unknown>>, ledger: Ledger, wrong: string[]): void {
  const { notBefore } = ledgerView(
    { instanceId: VM, checkers: [] },
    { ledger, clocks, limits: new Limits(ledger, UNCOUNTED, DEFAULT_POLICY, clocks) },
    NOW,
  );
  if ((notBefore ?? 0) <= NOW) wrong.push(`${VM} lost its window in ${JSON.stringify(data)}`);
}

/** Only an id that no ConfigMap could hold as a key, or too many bytes, keep a ledger from being written. */
function isWritable(ledger: Parameters<typeof encodeLedger>[0]): boolean {
  try {
    encodeLedger(ledger);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function sound(): Record<string, string> {
  const writer = { by: "w", clocks };
  const intent = { node: "node-1", attempt: 1, token: "t", gpu: false };
  const one = withIntent(emptyLedger("c", "w", NOW), { ...intent, instanceId: VM, pool: "p" }, HOUR, writer);
  return encodeLedger(withIntent(one, { ...intent, instanceId: "vm-2" }, HOUR, writer));
}

function spoiled(random: Random, base: Readonly<Record<string, string>>): Record<string, unknown> {
  const data: Record<string, unknown> = { ...base };
  const keys = [...Object.keys(base), hostileText(random)];
  const key = keys[random.integer(keys.length)] ?? "meta";
  const old = (Object.hasOwn(base, key) ? base[key] : base[VM]) ?? "{}";
  const choice = random.next();
  if (choice < 0.5)
    Object.defineProperty(data, key, own(JSON.stringify(mutated(random, JSON.parse(old), 3))));
  else if (choice < 0.8) Object.defineProperty(data, key, own(garbled(random, old)));
  else if (choice < 0.9) Object.defineProperty(data, key, own(hostileValue(random)));
  else Reflect.deleteProperty(data, key);
  return data;
}

function own(value: unknown): PropertyDescriptor {
  return { value, enumerable: true, configurable: true, writable: true };
}
