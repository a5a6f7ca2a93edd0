import type { Command } from "commander";
import {
  createConfigMapLedger,
  createSnapshotFilter,
  type KubernetesConnection,
} from "@node-agent/kubernetes";
import { keysOf } from "@node-agent/shared/contract/keys.ts";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { simulatedLedger } from "@node-agent/shared/core/ledger/simulated.ts";
import { standingOrders } from "@node-agent/shared/core/ledger/standing-orders.ts";
import { plan, wantsLedger, type Plan, type PlanLedger } from "@node-agent/shared/core/plan/plan.ts";
import { RedisPlanStore } from "@node-agent/shared/redis/plan-store.ts";
import { BullRebootQueue } from "@node-agent/shared/redis/reboot-queue.ts";
import { RedisSequenceMemory } from "@node-agent/shared/redis/sequence-memory.ts";
import { RedisStateStore } from "@node-agent/shared/redis/state-store.ts";
import { ledgerTimingsOf, policyOf, type Config } from "@node-agent/shared/runtime/config/config.ts";
import { deadlineSignal } from "@node-agent/shared/runtime/deadline.ts";
import { clocksOfReading, lookAtLedger } from "@node-agent/shared/runtime/ledger-look.ts";
import { lookForPlan, type PlanLook } from "@node-agent/shared/runtime/plan-look.ts";
import type { RedisConnection } from "@node-agent/shared/runtime/redis-connection.ts";
import { CLI_EXIT, messageOf } from "./errors.ts";
import { planText } from "./plan-text.ts";
import { withRedis } from "./redis-session.ts";
import { readConfig, withKubernetes, type GlobalOptions } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { jsonText, printable } from "./text.ts";

/** Adds `plan` to the program. */
export function addPlan(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  program
    .command("plan")
    .description("say which repairs would begin now, oldest first, and what holds each of the others")
    .action(async (_: unknown, command: Command) => {
      exit(await planCommand(command.optsWithGlobals<GlobalOptions>(), terminal));
    });
}

/**
 * `plan`: the decision for the fleet as the workers make it every few seconds, from what the watchers stored and the
 * ledger. Returns the exit code: 1 when the ledger could not be read.
 */
async function planCommand(options: GlobalOptions, terminal: Terminal): Promise<number> {
  const config = readConfig(options, terminal);
  const { made, ledger } = await withKubernetes(config, terminal, async (connection) =>
    withRedis(config, terminal.clock, async (redis) => planNow(config, terminal, connection, redis)),
  );
  const mode = config.monitorOnly ? "monitor-only" : "active";
  const read = "ledger" in ledger && !config.monitorOnly ? ledger.ledger : undefined;
  const orders = read && standingOrders(read.meta, made.at);
  terminal.out(
    options.output === "json"
      ? jsonText({ cluster: config.cluster, mode, ...(orders && { orders }), ...made })
      : planText(made, { cluster: config.cluster, mode, ...(orders && { orders }) }),
  );
  if (ledger.state !== "Unread") return CLI_EXIT.ok;
  terminal.err(`node-agent: the ledger could not be read: ${printable(ledger.why)}\n`);
  return CLI_EXIT.error;
}

async function planNow(
  config: Config,
  terminal: Terminal,
  connection: KubernetesConnection,
  redis: RedisConnection,
): Promise<{ readonly made: Plan; readonly ledger: PlanLedger }> {
  const keys = keysOf(config.cluster);
  const policy = policyOf(config);
  const { nodePools: pools, includeControlPlane, includeVirtual } = config;
  const queue = new BullRebootQueue(redis, keys, () => {});
  try {
    const look = await lookForPlan({
      store: new RedisStateStore(redis, keys),
      plans: new RedisPlanStore(redis, keys),
      queue,
      rules: { checkers: createCheckers(policy), policy },
      selects: createSnapshotFilter({ pools, includeControlPlane, includeVirtual }),
      horizon: 0,
    });
    const seen = await new RedisSequenceMemory(redis, keys).raise(0);
    const ledger = await ledgerOf(look, seen, config, terminal, connection);
    return { made: plan({ ...look.input, ledger }), ledger };
  } finally {
    await queue.close();
  }
}

async function ledgerOf(
  { input, records }: PlanLook,
  seqHighWater: number,
  config: Config,
  { clock }: Terminal,
  connection: KubernetesConnection,
): Promise<PlanLedger> {
  const { policy } = input.rules;
  const { now } = input.view;
  if (policy.monitorOnly)
    return { state: "Trusted", ledger: simulatedLedger([...records.values()]), clocks: clocksOf([now]) };
  if (!wantsLedger(input)) return { state: "NotAsked" };
  using late = deadlineSignal(clock, config.timings.nodeReadDeadline, new AbortController().signal);
  try {
    const reading = await createConfigMapLedger(connection, config.ledger).read(late.signal);
    const clocks = clocksOfReading(reading, { redis: now, own: clock.now() });
    const look = lookAtLedger(reading, clocks, seqHighWater, { policy, timings: ledgerTimingsOf(config) });
    return look.state === "Distrusted" || look.state === "Unread" ? look : { ...look, state: "Trusted" };
  } catch (error) {
    return { state: "Unread", why: messageOf(error) };
  }
}
