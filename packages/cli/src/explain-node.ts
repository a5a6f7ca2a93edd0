import {
  createConfigMapLedger,
  createNodeLister,
  createNodeReader,
  type KubernetesConnection,
} from "@node-agent/kubernetes";
import { keysOf } from "@node-agent/shared/contract/keys.ts";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { explain, type Explanation } from "@node-agent/shared/core/explain.ts";
import type {
  FleetLook,
  LedgerLook,
  NodeLook,
  PendingReboot,
} from "@node-agent/shared/core/explain-input.ts";
import type { Rules } from "@node-agent/shared/core/judge.ts";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { simulatedLedger } from "@node-agent/shared/core/ledger/simulated.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { fleetNode } from "@node-agent/shared/core/storm/fleet-node.ts";
import { fleetHealth, type FleetNode } from "@node-agent/shared/core/storm/fleet.ts";
import type { VersionedRecord } from "@node-agent/shared/ports/state-store.ts";
import { readPendingReboot } from "@node-agent/shared/redis/pending-reboot.ts";
import { RedisSequenceMemory } from "@node-agent/shared/redis/sequence-memory.ts";
import { RedisStateStore } from "@node-agent/shared/redis/state-store.ts";
import { policyOf, type Config } from "@node-agent/shared/runtime/config/config.ts";
import { didYouMean } from "@node-agent/shared/runtime/config/faults.ts";
import { deadlineSignal } from "@node-agent/shared/runtime/deadline.ts";
import { CliError, messageOf } from "./errors.ts";
import { clocksOfReading, lookAtLedger } from "./ledger-look.ts";
import { withRedis } from "./redis-session.ts";
import { withKubernetes } from "./session.ts";
import type { Terminal } from "./terminal.ts";

/** An explanation, and what could not be read for it. */
export interface ExplainedNode {
  readonly explanation: Explanation;
  /** One sentence per source that failed; the explanation says which gates could not be asked. */
  readonly unread: readonly string[];
  /** The record was made in the other mode than this command was told. */
  readonly otherMode: boolean;
}

/** What Redis knows. */
interface Remembered {
  readonly stored: VersionedRecord;
  readonly records: readonly NodeRecord[];
  readonly job: PendingReboot | undefined;
  readonly seqHighWater: number;
}

/**
 * Reads everything that bears on a node, changes nothing, and explains it. Throws `CliError` when Redis cannot be asked,
 * or nobody knows the node.
 */
export async function explainNode(name: string, config: Config, terminal: Terminal): Promise<ExplainedNode> {
  const remembered = await readRedis(name, config, terminal);
  return withKubernetes(config, terminal, async (connection) => {
    const { stored, job, records, seqHighWater } = remembered;
    const { record, view, fault } = stored;
    const rules: Rules = { checkers: createCheckers(policyOf(config)), policy: policyOf(config) };
    const world = new World(connection, config, terminal, rules);
    const [node, fleet, ledger] = await Promise.all([
      world.node(name),
      world.fleet(name, records, view.now),
      world.ledger(records, view.now, seqHighWater),
    ]);
    if (record === undefined && fault === undefined) refuseUnknown(name, node, world.names);
    const instanceId = instanceOf(node, record);
    const explanation = explain({
      name,
      rules,
      now: view.now,
      observed: view.observed,
      viewAge: view.age,
      record,
      damaged: fault !== undefined,
      node,
      fleet,
      ledger,
      ...(instanceId === undefined ? {} : { instanceId }),
      ...(job === undefined ? {} : { job }),
    });
    const otherMode = record !== undefined && record.monitorOnly !== config.monitorOnly;
    return { explanation, unread: unreadOf({ node, fleet, ledger }), otherMode };
  });
}

async function readRedis(name: string, config: Config, { clock }: Terminal): Promise<Remembered> {
  const keys = keysOf(config.cluster);
  return withRedis(config, clock, async (connection) => {
    const state = new RedisStateStore(connection, keys);
    const [stored, records, job, seqHighWater] = await Promise.all([
      state.get(name),
      state.listUnhealthy(),
      readPendingReboot(connection, keys, name),
      // Zero only reads.
      new RedisSequenceMemory(connection, keys).raise(0),
    ]);
    return { stored, records, job, seqHighWater };
  });
}

/** The cluster as it is now, each part read under one deadline; a part that cannot be read says why. */
class World {
  readonly #connection: KubernetesConnection;
  readonly #config: Config;
  readonly #terminal: Terminal;
  readonly #rules: Rules;
  /** Names of the nodes that the fleet was made of. */
  readonly names: string[] = [];

  constructor(connection: KubernetesConnection, config: Config, terminal: Terminal, rules: Rules) {
    this.#connection = connection;
    this.#config = config;
    this.#terminal = terminal;
    this.#rules = rules;
  }

  async node(name: string): Promise<NodeLook> {
    const reader = createNodeReader({ connection: this.#connection, project: toSnapshot });
    return this.#tried(async (signal) => {
      const read = await reader.read(name, signal);
      return read.found ? { state: "Found", snapshot: read.node } : { state: "Gone" };
    });
  }

  async fleet(name: string, records: readonly NodeRecord[], now: number): Promise<FleetLook> {
    const { nodePools: pools, includeControlPlane, includeVirtual } = this.#config;
    const selector = { pools, includeControlPlane, includeVirtual };
    const lister = createNodeLister({ connection: this.#connection, project: toSnapshot, selector });
    const known = new Map(records.map((record) => [record.name, record]));
    return this.#tried(async (signal) => {
      const nodes: FleetNode[] = [];
      for await (const snapshot of lister.list(signal)) {
        nodes.push(fleetNode(snapshot, known.get(snapshot.name), this.#rules.checkers, now));
        this.names.push(snapshot.name);
      }
      return { state: "Seen", health: fleetHealth(nodes), lookedAfter: this.names.includes(name) };
    });
  }

  async ledger(records: readonly NodeRecord[], now: number, seqHighWater: number): Promise<LedgerLook> {
    const config = this.#config;
    if (config.monitorOnly) {
      return { state: "Simulated", ledger: simulatedLedger(records), clocks: clocksOf([now]) };
    }
    return this.#tried(async (signal) => {
      const reading = await createConfigMapLedger(this.#connection, config.ledger).read(signal);
      const clocks = clocksOfReading(reading, this.#terminal.clock.now(), now);
      return lookAtLedger(reading, clocks, seqHighWater, config);
    });
  }

  async #tried<T>(
    read: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | { readonly state: "Unread"; readonly why: string }> {
    const { clock } = this.#terminal;
    using deadline = deadlineSignal(
      clock,
      this.#config.timings.nodeReadDeadline,
      new AbortController().signal,
    );
    try {
      return await read(deadline.signal);
    } catch (error) {
      return { state: "Unread", why: messageOf(error) };
    }
  }
}

function refuseUnknown(name: string, node: NodeLook, names: readonly string[]): void {
  if (node.state === "Unread") throw new CliError("Kubernetes", node.why);
  if (node.state === "Found") return;
  const hint = didYouMean(name, names);
  throw new CliError("NotFound", `there is no node ${name} in the cluster, and Redis knows none${hint}`);
}

/** What the provider id names, whatever the cloud; the ledger is keyed by it. */
function instanceOf(node: NodeLook, record: NodeRecord | undefined): string | undefined {
  const providerId = (node.state === "Found" ? node.snapshot.providerId : undefined) ?? record?.providerId;
  return providerId?.split("/").at(-1) || undefined;
}

function unreadOf(looks: Readonly<Record<string, NodeLook | FleetLook | LedgerLook>>): string[] {
  return Object.entries(looks).flatMap(([part, look]) =>
    look.state === "Unread" ? [`the ${part} could not be read: ${look.why}`] : [],
  );
}
