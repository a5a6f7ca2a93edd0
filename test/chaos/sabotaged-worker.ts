/**
 * @file A worker with two guards taken out, to prove that the oracle sees what they prevent: its ledger knows no reboot
 * and takes every write as written, and its store never notices that somebody else changed a record. Everything else is
 * the real worker. Only the chaos tests start it.
 */
import { emptyLedger } from "@node-agent/shared/core/ledger/steps.ts";
import { RedisStateStore } from "@node-agent/shared/redis/state-store.ts";
import { runRole } from "@node-agent/shared/runtime/role.ts";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import { LedgerGate } from "../../packages/worker/src/ledger-gate.ts";
import { startWorker } from "../../packages/worker/src/start.ts";

LedgerGate.prototype.open = async (redisNow) => ({
  state: "Trusted",
  ledger: emptyLedger("sabotaged", "nobody", systemClock.now()),
  clocks: { earliest: redisNow, latest: redisNow },
  windowEnd: () => redisNow,
  intend: async () => ({ outcome: "Written" }),
});
LedgerGate.prototype.settle = async () => true;

// oxlint-disable-next-line typescript/unbound-method -- bound again where it is applied
const { compareAndSet: honest } = RedisStateStore.prototype;
RedisStateStore.prototype.compareAndSet = async function sabotaged(name, _version, next) {
  const { version } = await this.get(name);
  await Reflect.apply(honest, this, [name, version, next]);
  return true;
};

await runRole("worker", startWorker);
