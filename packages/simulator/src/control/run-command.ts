import { InputError } from "../options/faults-of-input.ts";
import type { Simulator } from "../simulator.ts";
import type { Machine } from "../world/machine.ts";
import type { Command } from "./commands.ts";

type Targeted = Extract<
  Command,
  {
    do:
      | "break"
      | "heal"
      | "allocate-gpus"
      | "delete"
      | "replace"
      | "instance-gone"
      | "forget-provider-id"
      | "mark"
      | "bounce";
  }
>;

const TARGETED: ReadonlySet<string> = new Set<Targeted["do"]>([
  "break",
  "heal",
  "allocate-gpus",
  "delete",
  "replace",
  "instance-gone",
  "forget-provider-id",
  "mark",
  "bounce",
]);

/** Does what a command says and returns what it did. @throws {InputError | UnknownNodeError | NoGpusError} */
export async function runCommand(simulator: Simulator, command: Command): Promise<Record<string, unknown>> {
  if (isTargeted(command)) return { nodes: onNodes(simulator, command) };
  if (isOfApiServer(command)) return onApiServer(simulator, command);
  const { faults } = simulator;
  switch (command.do) {
    case "show":
      simulator.world.show(command.node, command.object ?? undefined, command.sick ?? false);
      return { nodes: [command.node] };
    case "add":
      return { nodes: add(simulator, command) };
    case "fault":
      return { id: faults.add(command.fault) };
    case "clear-faults":
      faults.clear({ api: command.api, id: command.id });
      return { faults: faults.list() };
    case "outage":
      await simulator.outage(command.api, command.kind);
      return { api: command.api, outage: command.kind };
    case "rotate-token":
      return { token: await simulator.rotateToken(command.token) };
    case "rotate-api-key":
      return { apiKey: simulator.rotateApiKey(command.apiKey) };
  }
}

type ApiServerCommand = Extract<
  Command,
  { do: "watches" | "fail-watches" | "compact" | "backup" | "restore" | "expire-continue-tokens" }
>;

const OF_API_SERVER: ReadonlySet<string> = new Set<ApiServerCommand["do"]>([
  "watches",
  "fail-watches",
  "compact",
  "backup",
  "restore",
  "expire-continue-tokens",
]);

function isOfApiServer(command: Command): command is ApiServerCommand {
  return OF_API_SERVER.has(command.do);
}

/** What is done to the API server itself: its history, its watches and its tokens. */
function onApiServer(simulator: Simulator, command: ApiServerCommand): Record<string, unknown> {
  const { kubernetes } = simulator;
  switch (command.do) {
    case "watches":
      return { watches: kubernetes.api.disturbWatches(command.how) };
    case "fail-watches":
      return { watches: kubernetes.api.failWatches(command.code, command.message, command.reason) };
    case "compact":
      kubernetes.api.compact();
      return { compacted: true };
    case "backup":
      return { version: kubernetes.api.backup() };
    case "restore":
      return restore(simulator, command);
    case "expire-continue-tokens":
      kubernetes.api.expireContinueTokens();
      return { expired: true };
  }
}

function restore(
  { kubernetes, world }: Simulator,
  { to, bookmarks }: Extract<Command, { do: "restore" }>,
): Record<string, unknown> {
  const version = kubernetes.api.restore({ to, bookmarks });
  if (version === undefined) {
    throw new InputError([
      to === undefined ? "restore: there is no backup" : `to: the history does not hold version ${to}`,
    ]);
  }
  world.restored();
  return { version };
}

function isTargeted(command: Command): command is Targeted {
  return TARGETED.has(command.do);
}

function onNodes(simulator: Simulator, command: Targeted): string[] {
  const names = targets(simulator, command);
  for (const name of names) onNode(simulator, name, command);
  return names;
}

function onNode({ world }: Simulator, name: string, command: Targeted): void {
  switch (command.do) {
    case "break":
      world.break(name, command, command.flapping);
      return;
    case "heal":
      world.heal(name, command.fault);
      return;
    case "allocate-gpus":
      world.allocateGpus(name, command.by, command.labelled ?? true);
      return;
    case "delete":
      world.deleteNode(name, {
        ...(command.instance === undefined ? {} : { instance: command.instance }),
        ...(command.reregister === undefined ? {} : { reregister: command.reregister }),
      });
      return;
    case "replace":
      world.replaceNode(name);
      return;
    case "mark":
      world.mark(name, command);
      return;
    case "bounce":
      world.cloud.bounce(world.machine(name));
      return;
    case "instance-gone":
      world.forgetInstance(name);
      return;
    case "forget-provider-id":
      world.forgetProviderId(name);
      return;
  }
}

/**
 * One node by name, or `count` (default all) of a pool or zone that no fault has yet: those first that have run the
 * longest since their boot, so that the same command again means another node.
 */
function targets({ world }: Simulator, command: Targeted): string[] {
  const { node, pool, zone, count } = command;
  if (node !== undefined) return [world.machine(node).name];
  if (pool === undefined && zone === undefined && count === undefined) {
    throw new InputError(["node: expected the name of a node (or pool, zone, count instead)"]);
  }
  if (pool !== undefined) knownPool(world, pool);
  const fitting = world
    .names()
    .map((name) => world.machine(name))
    .filter((machine) => fits(machine, world.isBroken(machine.name), command))
    .toSorted((a, b) => a.bootedAt - b.bootedAt);
  const wanted = count === undefined || count === "all" ? fitting.length : count;
  if (fitting.length < wanted || fitting.length === 0) {
    throw new InputError([`count: ${wanted} nodes asked for, ${fitting.length} fit`]);
  }
  return fitting.slice(0, wanted).map((machine) => machine.name);
}

function fits(machine: Machine, broken: boolean, { pool, zone, do: verb }: Targeted): boolean {
  return (
    (pool === undefined || machine.pool.id === pool || machine.pool.name === pool) &&
    (zone === undefined || machine.zone === zone) &&
    canTake(machine, broken, verb)
  );
}

function canTake({ power }: Machine, broken: boolean, verb: Targeted["do"]): boolean {
  if (verb === "heal") return broken;
  return power !== "gone" && (verb === "mark" || !broken);
}

function add({ world }: Simulator, command: Extract<Command, { do: "add" }>): string[] {
  const pool = knownPool(world, command.pool);
  const { name, build, count = 1 } = command;
  if (name !== undefined && count > 1)
    throw new InputError(["name: only one node can have it, count is " + count]);
  if (name !== undefined && world.names().includes(name))
    throw new InputError([`name: a node is called "${name}" already`]);
  return Array.from({ length: count }, () => world.addNode(pool, { name, build }).name);
}

function knownPool(world: Simulator["world"], idOrName: string) {
  const pool = world.pool(idOrName);
  if (pool !== undefined) return pool;
  const known = world.pools.map((one) => one.name).join(", ");
  throw new InputError([`pool: no pool is called "${idOrName}"; there are: ${known}`]);
}
