import {
  createConfigMapLedger,
  createEvidenceReader,
  createNodeLister,
  createNodeReader,
  createSnapshotFilter,
  type KubernetesConnection,
} from "@node-agent/kubernetes";
import { DELIVERY } from "@node-agent/shared/contract/drift.ts";
import { keysOf } from "@node-agent/shared/contract/keys.ts";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import type { Explanation } from "@node-agent/shared/core/explain.ts";
import { addressesOf } from "@node-agent/shared/core/node-addresses.ts";
import { snapshotFingerprint, toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { readPausedQueues, readPendingReboot } from "@node-agent/shared/redis/pending-reboot.ts";
import { RedisPlanStore } from "@node-agent/shared/redis/plan-store.ts";
import { RedisSequenceMemory } from "@node-agent/shared/redis/sequence-memory.ts";
import { serverAddresses } from "@node-agent/shared/redis/server-address.ts";
import { digestOf, RedisSnapshotStore } from "@node-agent/shared/redis/snapshot-store.ts";
import { RedisStateStore } from "@node-agent/shared/redis/state-store.ts";
import { RedisWorkerRegistry } from "@node-agent/shared/redis/worker-registry.ts";
import { ledgerTimingsOf, policyOf, type Config } from "@node-agent/shared/runtime/config/config.ts";
import { didYouMean } from "@node-agent/shared/runtime/config/faults.ts";
import {
  explainNode,
  type ExplainedNode,
  type ExplainSources,
} from "@node-agent/shared/runtime/explain-node.ts";
import type { RedisConnection } from "@node-agent/shared/runtime/redis-connection.ts";
import { CLI_EXIT, CliError } from "./errors.ts";
import { explanationText } from "./explain-text.ts";
import { nodeName } from "./names.ts";
import { withRedis } from "./redis-session.ts";
import { readConfig, withKubernetes, type GlobalOptions } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { jsonText, paletteFor, printable } from "./text.ts";

/** `explain <node>`: returns the exit code, which with `--exit-code` tells whether something holds a sick node's reboot. */
export async function explainCommand(
  name: string,
  options: GlobalOptions & { readonly exitCode?: boolean },
  terminal: Terminal,
): Promise<number> {
  const node = nodeName(name);
  const config = readConfig(options, terminal);
  const explained = await withKubernetes(config, terminal, async (cluster) =>
    withRedis(config, terminal.clock, async (redis) =>
      explainNode(node, sourcesOf(config, terminal, cluster, redis)),
    ),
  );
  refuseUnknown(node, explained);
  const { explanation, unread, otherMode } = explained;
  const palette = paletteFor(options.color && terminal.isTty && !terminal.env["NO_COLOR"]);
  terminal.out(options.output === "json" ? jsonText(explanation) : explanationText(explanation, palette));
  if (otherMode) {
    const mine = config.monitorOnly ? "monitor-only" : "active";
    terminal.err(
      `node-agent: the workers run in the other mode; this command was told ${mine}: give it their configuration (--config)\n`,
    );
  }
  for (const sentence of unread) terminal.err(`node-agent: ${printable(sentence)}\n`);
  if (unread.length > 0) return CLI_EXIT.error;
  return options.exitCode === true && isBlocked(explanation) ? CLI_EXIT.blocked : CLI_EXIT.ok;
}

/** Where an explanation is read from, as the configuration says it. */
export function sourcesOf(
  config: Config,
  { clock }: Pick<Terminal, "clock">,
  connection: KubernetesConnection,
  redis: RedisConnection,
): ExplainSources {
  const keys = keysOf(config.cluster);
  const policy = policyOf(config);
  const { nodePools: pools, includeControlPlane, includeVirtual } = config;
  const parts = { connection, project: toSnapshot };
  return {
    store: new RedisStateStore(redis, keys),
    memory: new RedisSequenceMemory(redis, keys),
    pending: async (node) => readPendingReboot(redis, keys, node),
    plans: new RedisPlanStore(redis, keys),
    pausedQueues: async () => readPausedQueues(redis, keys),
    reader: createNodeReader({ ...parts, addresses: addressesOf }),
    stored: {
      snapshots: new RedisSnapshotStore(redis, keys, config.timings.viewMaxAge),
      digest: (snapshot) => digestOf(snapshotFingerprint(snapshot)),
      delivery: DELIVERY,
    },
    viewProbeInterval: config.timings.viewProbeInterval,
    lister: createNodeLister(parts),
    evidence: createEvidenceReader({ connection, deadline: config.timings.nodeReadDeadline }),
    selects: createSnapshotFilter({ pools, includeControlPlane, includeVirtual }),
    ledger: config.monitorOnly ? undefined : createConfigMapLedger(connection, config.ledger),
    rules: { checkers: createCheckers(policy), policy },
    timings: ledgerTimingsOf(config),
    clock,
    deadline: config.timings.nodeReadDeadline,
    workers: new RedisWorkerRegistry(redis, keys, config.timings.lockDuration),
    redisNodes: config.redisNodes,
    redisAddresses: async () => serverAddresses(redis),
  };
}

/** Throws `CliError` for a node that nobody knows. */
function refuseUnknown(name: string, { known, unread, names }: ExplainedNode): void {
  if (known) return;
  const [first] = unread;
  if (first !== undefined) throw new CliError("Kubernetes", first);
  const hint = didYouMean(name, names);
  throw new CliError("NotFound", `there is no node ${name} in the cluster, and Redis knows none${hint}`);
}

/** A node that needs no repair is not blocked. */
function isBlocked({ blocker }: Explanation): boolean {
  return blocker !== undefined && blocker.gate !== "NothingFailing";
}
