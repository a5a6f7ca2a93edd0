/**
 * Which gates truly hold a node, told by the machines, by the bytes of ledger and records, and by arithmetic of its own:
 * what the product names is held against it. For the time after the faults, when every clock and every view is good.
 */
import type { GateName } from "@node-agent/shared/core/gates/gate.ts";
import type { Ledger, LedgerEntry } from "@node-agent/shared/core/ledger/ledger.ts";
import { windowOf } from "@node-agent/shared/core/ledger/timings.ts";
import { CHECKER_NAMES } from "@node-agent/shared/core/check.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { DAY, HOUR, type EpochMillis } from "@node-agent/shared/core/time.ts";
import type { LedgerReading } from "@node-agent/shared/ports/ledger.ts";
import type { ClusterView } from "@node-agent/shared/ports/snapshot-store.ts";
import { allowanceOf } from "./oracle.ts";
import { mostOf } from "./most.ts";
import { showsSilent } from "./shown.ts";
import { TrueBreakers } from "./true-breakers.ts";
import type { Machine } from "./truth.ts";
import type { World } from "./world.ts";

/** What is asked about one node at one instant. */
export interface Case {
  readonly world: World;
  readonly machine: Machine;
  readonly record: NodeRecord | undefined;
  readonly reading: LedgerReading;
  readonly view: ClusterView;
  /** Nodes whose repair may begin now or in a moment: each takes a place in the limits before those that waited for less. */
  readonly free: ReadonlyMap<string, EpochMillis>;
}

type Truth = (one: Case) => boolean;

const never: Truth = () => false;

/** For each gate, whether it holds the node. After the faults, and with this scenery, some of them never do. */
const TRUTHS: Readonly<Record<GateName, Truth>> = {
  NothingFailing: ({ record, machine }) =>
    machine.wellSince !== undefined ||
    record === undefined ||
    !CHECKER_NAMES.some((name) => record.failing[name] !== undefined),
  // Forged bytes may say so.
  Mode: ({ record, world }) =>
    record !== undefined && record.monitorOnly !== world.promised.policy.monitorOnly,
  ActionNone: never,
  NotSelected: never,
  Paused: ({ reading }) => ledgerIn(reading)?.meta.paused !== undefined,
  OptOut: ({ machine }) => machine.optedOutSince !== undefined,
  ForeignOwner: never,
  PlannedWork: never,
  Blind: ({ world }) => {
    const { policy } = world.promised;
    const inSight = world.truth.darkness.inSight();
    return inSight !== undefined && inSight < policy.blindGrace + policy.viewMaxAge;
  },
  Attempts: ({ record, world }) => (record?.incident?.attempts ?? 0) >= world.promised.policy.maxAttempts,
  WaitWindow: (one) =>
    Math.max(one.record?.lastReboot?.waitUntil ?? 0, entryOf(one)?.notBefore ?? 0) >
    one.world.time.now - SKEW,
  Verifying: ({ record: { lastReboot } = {} }) =>
    lastReboot !== undefined &&
    lastReboot.verification === undefined &&
    lastReboot.outcome !== "NotSent" &&
    lastReboot.outcome !== "Rejected",
  Threshold: isBelowThreshold,
  Settle: ({ record, machine, world }) => {
    const { storm, rebootWait } = world.promised.policy;
    const { bootSeenAt = 0, foreignBootAt = 0 } = record ?? {};
    const wait = machine.gpus > 0 || record?.gpuNode === true ? rebootWait.gpu : rebootWait.standard;
    return Math.max(bootSeenAt + storm.settle, foreignBootAt + wait) > world.time.now - SKEW;
  },
  Breaker: ({ world, machine }) => world.truth.brokenSince(machine) !== undefined || isBroken(world, machine),
  Ledger: (one) => isDistrusted(one),
  CureRate: hasStoppedCuring,
  Limit: isLimited,
  Identity: never,
  NodeUnreadable: never,
  OwnNode: never,
  PodEvidence: never,
  Cloud: ({ machine }) => !machine.exists,
  // The brake of a process lets twice the limits through: it binds where calls were refused, which the ledger does not count.
  RateLimit: ({ world }) => {
    const { limits } = world.promised.policy;
    const nodes = world.truth.machines.size;
    return world.attempts.count(world.time.now - HOUR) >= 2 * mostOf(limits.open.cluster, nodes);
  },
  Deadline: never,
  Queue: never,
};

/** Processes' clocks are off by at most half a second after the faults. */
export const SKEW = 1000;

/** Whether this gate holds the node of this case. */
export function trulyHolds(gate: GateName, one: Case): boolean {
  return TRUTHS[gate](one);
}

/** With missing GPUs counted, which show only where they are remembered. */
function isBroken({ truth, promised, time }: World, machine: Machine): boolean {
  const breakers = new TrueBreakers(promised.policy.breaker);
  const nodes = [...truth.machines.values()].filter(({ exists, registered }) => exists && registered);
  breakers.look(
    nodes.map((one) => ({
      pool: one.pool,
      zone: one.zone,
      sick: one.wellSince === undefined,
      silent: showsSilent(one),
    })),
    time.now,
  );
  return breakers.since(machine) !== undefined;
}

/** The ledger that was read. */
function ledgerIn(reading: LedgerReading): Ledger | undefined {
  return reading.state === "Found" ? reading.ledger : undefined;
}

function entryOf({ reading, machine }: Case): LedgerEntry | undefined {
  return ledgerIn(reading)?.entries.get(machine.instanceId);
}

/** No clock of a failing checker has run for its threshold. */
function isBelowThreshold({ record, view, world }: Case): boolean {
  const { checkers } = world.promised.policy;
  return !CHECKER_NAMES.some((name) => {
    const clock = record?.failing[name];
    if (clock === undefined) return false;
    const ran = view.observed - clock.sinceObserved + (clock.carried ?? 0);
    return ran > checkers[name].threshold + SKEW;
  });
}

/** Missing, too young, in quarantine, gone back, or silent for so long that it may be a backup; by clocks that are so far off. */
export function isDistrusted({ reading, world }: Pick<Case, "reading" | "world">, skew = SKEW): boolean {
  const { policy, ledger } = world.promised;
  if (policy.monitorOnly) return false;
  if (reading.state !== "Found") return true;
  const now = world.time.now - skew;
  const longest = windowOf(Math.max(policy.rebootWait.standard, policy.rebootWait.gpu), ledger);
  const { meta } = reading.ledger;
  return (
    reading.createdAt + longest > now ||
    meta.quarantineUntil > now ||
    meta.seq < world.sequence ||
    meta.heartbeatAt + ledger.heartbeatMaxAge < now + 2 * skew
  );
}

/** Repairs that hold a place: none is proven, refused or over. */
function isOpen({ outcome, recoveredAt, notBefore }: LedgerEntry, now: EpochMillis): boolean {
  const mayRun =
    outcome === "Intent" || outcome === "Accepted" || outcome === "Unknown" || outcome === "Newer";
  const isLost = outcome === "NotExecuted" || outcome === "Gone";
  return (mayRun || isLost) && recoveredAt === undefined && notBefore > now - SKEW;
}

/** One more repair of this node would exceed a limit. */
function isLimited(one: Case): boolean {
  const { reading, machine, world, free } = one;
  const { now } = world.time;
  const { limits } = world.promised.policy;
  const entries = [...(ledgerIn(reading)?.entries.values() ?? [])];
  const nodes = [...world.truth.machines.values()].filter(({ exists, registered }) => exists && registered);
  const begins = nodes.filter(({ name }) => name !== machine.name && free.has(name));
  const open = [
    ...entries.filter((entry) => entry.instanceId !== machine.instanceId && isOpen(entry, now)),
    ...begins.map(({ pool, zone }) => ({ pool, zone })),
  ];
  const isFull = (key: "pool" | "zone"): boolean => {
    const name = machine[key];
    if (name === undefined) return false;
    const size = nodes.filter((node) => node[key] === name).length;
    return open.filter((entry) => entry[key] === name).length >= mostOf(limits.open[key], size);
  };
  const begun = entries.flatMap(({ outcome, earlier = [], at }) =>
    outcome === "NotSent" || outcome === "Rejected" ? earlier : earlier.concat(at),
  );
  const inHour = begun.filter((at) => at > now - HOUR - SKEW).length + begins.length;
  const own = entryOf(one);
  const ownBegun = own === undefined ? [] : [...(own.earlier ?? []), own.at];
  return (
    isFull("pool") ||
    isFull("zone") ||
    open.length >= mostOf(limits.open.cluster, nodes.length) ||
    inHour >= mostOf(limits.rate, nodes.length) ||
    ownBegun.filter((at) => at > now - DAY - SKEW).length >= limits.nodePerDay ||
    isGrantUsed(one)
  );
}

/** A grant that is in force starts slowly. */
function isGrantUsed({ reading, world }: Case): boolean {
  const { now } = world.time;
  return (ledgerIn(reading)?.meta.grants ?? []).some(({ until }) => until > now);
}

/** Too few of the latest repairs in this pool cured: results of the ledger, counted per checker. */
function hasStoppedCuring({ reading, machine, world }: Case): boolean {
  const { minimum, slowBelow } = world.promised.policy.cureRate;
  const { now } = world.time;
  const ofPool = [...(ledgerIn(reading)?.entries.values() ?? [])].filter(
    ({ pool, at }) => pool === machine.pool && at > now - DAY - SKEW,
  );
  return [...Map.groupBy(ofPool, ({ checker }) => checker).values()].some((group) => {
    const counted = group.filter(({ outcome }) => outcome !== "NotSent" && outcome !== "Rejected");
    const cured = counted.filter(
      ({ outcome, recoveredAt }) => outcome === "Cured" || recoveredAt !== undefined,
    );
    return counted.length >= minimum && cured.length * 100 < Math.max(slowBelow, 1) * counted.length;
  });
}

/** How long ago what a worker saw may have been true: one look, and what it takes to tell of it. */
export function lookSpan({ promised }: World): number {
  return promised.readDeadline + promised.plan + allowanceOf(promised) / 4;
}
