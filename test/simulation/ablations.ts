/**
 * The guards of the protocol, each taken away alone: by a dependency that no longer does its part, or by a setting that
 * no longer limits. A simulation that does not miss a guard would not miss a bug in it either.
 */
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { Ledger, LedgerEntry } from "@node-agent/shared/core/ledger/ledger.ts";
import type { LedgerReading, RebootLedger } from "@node-agent/shared/ports/ledger.ts";
import type { MemoryStore } from "@node-agent/shared/testing/memory-store.ts";
import { SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import type { Invariant, Violation } from "./oracle.ts";
import { oneReboot, type Disaster } from "./one-reboot.ts";
import { PROFILES, type ProfileName } from "./profiles.ts";
import type { Settings } from "./settings.ts";
import { simulate } from "./simulate.ts";
import type { Twist } from "./twist.ts";
import type { World } from "./world.ts";

/** One guard, and how it is missed when it is gone. */
export interface Ablation {
  readonly guard: string;
  readonly twist: Twist;
  /** Where it is missed: in runs of this profile, after a disaster, or at a call of one reboot. */
  readonly missed: Search;
  readonly breaks: readonly Invariant[];
}

/** Where to look. `from` is the first seed or call: the one that showed it when this was written. */
export type Search =
  | { readonly profile: ProfileName; readonly from: number }
  | { readonly disaster: Disaster }
  | { readonly frozenCall: number };

type Found = Extract<LedgerReading, { state: "Found" }>;

/** The ledger, read otherwise. */
function read(change: (found: Found, world: World) => Found): NonNullable<Twist["ledger"]> {
  return (ledger, world) => ({
    read: async () => {
      const reading = await ledger.read();
      return reading.state === "Found" ? change(reading, world) : reading;
    },
    compareAndWrite: async (next, seen) => ledger.compareAndWrite(next, seen),
  });
}

/** The ledger, written otherwise. */
function written(change: (next: Ledger) => Ledger): NonNullable<Twist["ledger"]> {
  return (ledger) => ({
    read: async () => ledger.read(),
    compareAndWrite: async (next, seen) => ledger.compareAndWrite(change(next), seen),
  });
}

const withMeta = (found: Found, meta: Partial<Ledger["meta"]>): Found => ({
  ...found,
  ledger: { ...found.ledger, meta: { ...found.ledger.meta, ...meta } },
});

function cut(entry: LedgerEntry, span: Millis): LedgerEntry {
  const isIntent = entry.outcome === "Intent" && entry.notBefore - entry.at > span;
  return isIntent ? { ...entry, notBefore: entry.notBefore - span } : entry;
}

/** Windows that are shorter by a part of what they allow for. */
function shorter(by: (settings: Settings["ledger"]) => Millis): Twist {
  return {
    ledger: (ledger: RebootLedger, world: World) => {
      const span = by(world.promised.ledger);
      const known = new Set<string>();
      const cutOnce = (entry: LedgerEntry): LedgerEntry => {
        if (known.has(entry.token)) return entry;
        known.add(entry.token);
        return cut(entry, span);
      };
      return written((next) => ({
        ...next,
        entries: new Map([...next.entries].map(([id, entry]) => [id, cutOnce(entry)])),
      }))(ledger, world);
    },
  };
}

const blindCas = (ledger: RebootLedger): RebootLedger => ({
  read: async () => ledger.read(),
  compareAndWrite: async (next, seen) => {
    const now = await ledger.read();
    return ledger.compareAndWrite(next, now.state === "Found" ? now.version : seen);
  },
});

/** The node as Redis knows it, instead of a read at the API server. */
const believed: Twist = {
  reader: (reader, { store }) => ({
    read: async (name) => {
      const json = store.snapshots.get(name);
      return json === undefined ? reader.read(name) : { found: true, node: JSON.parse(json) as NodeSnapshot };
    },
  }),
};

function recordsWithoutCas(store: MemoryStore): MemoryStore {
  return new Proxy(store, {
    get: (target, key) => {
      if (key === "compareAndSet") {
        return async (name: string, _version: string, next: Parameters<MemoryStore["compareAndSet"]>[2]) =>
          target.compareAndSet(name, (await target.get(name)).version, next);
      }
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? (value as () => unknown).bind(target) : value;
    },
  });
}

/** The plan sees no annotation of any node. */
function withoutAnnotations(store: MemoryStore): MemoryStore {
  return new Proxy(store, {
    get: (target, key) => {
      if (key === "snapshotsOf") {
        return async (names: readonly string[]) => {
          const stored = await target.snapshotsOf(names);
          return new Map([...stored].map(([name, node]) => [name, { ...node, annotations: {} }]));
        };
      }
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? (value as () => unknown).bind(target) : value;
    },
  });
}

/** The ledger forgets every reboot at once: what is left is Redis. */
export const WITHOUT_LEDGER: Twist = {
  ledger: read((found) => ({ ...found, ledger: { ...found.ledger, entries: new Map() } })),
};

const endless = (settings: Settings): Settings => ({
  ...settings,
  sendDeadline: Infinity,
  ledger: { ...settings.ledger, sendDeadline: 60 * SECOND },
});

const unlimited = (settings: Settings): Settings => {
  const { policy } = settings;
  const most = { count: 1000, percent: 0 };
  const open = { pool: most, zone: most, cluster: most };
  return { ...settings, policy: { ...policy, limits: { ...policy.limits, open } } };
};

/** Every guard that is taken away, one at a time. */
export const ABLATIONS: readonly Ablation[] = [
  {
    guard: "the send deadline",
    twist: { settings: endless },
    missed: { frozenCall: 30 },
    breaks: ["I1", "I2", "I3"],
  },
  {
    guard: "the compare-and-set of the ledger",
    twist: { ledger: blindCas },
    missed: { profile: "plain", from: 28 },
    breaks: ["I1", "I3"],
  },
  {
    guard: "the intent in the ledger before the call",
    twist: WITHOUT_LEDGER,
    missed: { profile: "plain", from: 1 },
    breaks: ["I1", "I3"],
  },
  {
    guard: "an unknown outcome counts as a reboot",
    twist: {
      executor: (executor) => ({
        ...executor,
        reboot: async (target, signal) => {
          const receipt = await executor.reboot(target, signal);
          return receipt.outcome === "Unknown" ? { outcome: "NotSent", detail: receipt.detail } : receipt;
        },
      }),
    },
    missed: { profile: "plain", from: 25 },
    breaks: ["I1"],
  },
  {
    guard: "the fresh read of the node",
    twist: believed,
    missed: { profile: "blind", from: 41 },
    breaks: ["I2"],
  },
  {
    guard: "the budgets",
    twist: { settings: unlimited },
    missed: { profile: "plain", from: 1 },
    breaks: ["I3"],
  },
  {
    guard: "the margin of the window",
    twist: shorter(({ margin }) => margin),
    missed: { profile: "edge", from: 60 },
    breaks: ["I1"],
  },
  {
    guard: "the skew of clocks in the window",
    twist: shorter(({ clockSkew }) => clockSkew),
    missed: { profile: "edge", from: 37 },
    breaks: ["I1"],
  },
  {
    guard: "send and call deadline in the window",
    twist: shorter(({ sendDeadline, callDeadline }) => sendDeadline + callDeadline),
    missed: { profile: "edge", from: 1 },
    breaks: ["I1"],
  },
  {
    guard: "thresholds count observed time only",
    twist: { maxGap: Infinity },
    missed: { profile: "blind", from: 19 },
    breaks: ["Threshold"],
  },
  {
    guard: "the quarantine",
    twist: { ledger: read((found) => withMeta(found, { quarantineUntil: 0 })) },
    missed: { profile: "ledger", from: 1 },
    breaks: ["I1", "I3"],
  },
  {
    guard: "the sign of life",
    twist: {
      ledger: read((found, { time }) => withMeta(found, { heartbeatAt: time.now })),
    },
    missed: { disaster: "OldBackup" },
    breaks: ["I1", "I3"],
  },
  {
    guard: "the memory of the sequence number",
    twist: {
      memory: (memory) => ({
        raise: async (seq) => {
          await memory.raise(seq);
          return 0;
        },
      }),
    },
    missed: { disaster: "YoungBackup" },
    breaks: ["I1", "I3"],
  },
  {
    guard: "the youth of a new ledger",
    twist: { ledger: read((found) => ({ ...found, createdAt: 0 })) },
    missed: { disaster: "NewLedger" },
    breaks: ["I1", "I3"],
  },
  {
    guard: "the pause, read anew before each call",
    twist: {
      ledger: read((found) => {
        const { paused: _paused, ...meta } = found.ledger.meta;
        return { ...found, ledger: { ...found.ledger, meta } };
      }),
    },
    missed: { profile: "operator", from: 6 },
    breaks: ["Pause"],
  },
  {
    guard: "the opt-out, in the plan and read anew before each call",
    twist: {
      store: withoutAnnotations,
      reader: (reader) => ({
        read: async (name) => {
          const result = await reader.read(name);
          return result.found ? { found: true, node: { ...result.node, annotations: {} } } : result;
        },
      }),
    },
    missed: { profile: "operator", from: 11 },
    breaks: ["Pause"],
  },
  {
    guard: "the identity of the VM",
    twist: {
      executor: (executor) => ({
        ...executor,
        resolve: async ({ name, providerId = "" }) => ({
          ok: true,
          target: { instanceId: providerId.slice("civo://".length), hostname: name },
        }),
      }),
    },
    missed: { profile: "hostile", from: 12 },
    breaks: ["I6"],
  },
  {
    guard: "the mode",
    twist: {
      settings: (settings) => ({ ...settings, policy: { ...settings.policy, monitorOnly: false } }),
    },
    missed: { profile: "monitorOnly", from: 1 },
    breaks: ["I5"],
  },
  {
    guard: "the resync",
    twist: { withoutResync: true },
    missed: { profile: "plain", from: 1 },
    breaks: ["I4"],
  },
];

/** The compare-and-set of records alone is missed where the ledger, which stands behind it, is gone. */
export const WITHOUT_RECORD_CAS: Omit<Ablation, "guard"> = {
  twist: { ...WITHOUT_LEDGER, store: recordsWithoutCas },
  missed: { profile: "keptRedis", from: 32 },
  breaks: ["I1"],
};

/** What the loss of a guard led to: where, and which promise was broken. */
export interface Missed {
  readonly where: string;
  readonly violations: readonly Violation[];
}

/** Looks for the first broken promise of these, in so many runs at most. */
export async function firstMissed(
  { twist, missed, breaks }: Omit<Ablation, "guard">,
  within: number,
): Promise<Missed | undefined> {
  for (let i = 0; i < within; i += 1) {
    const run = await look(missed, i, twist);
    const violations = run.violations.filter(({ invariant }) => breaks.includes(invariant));
    if (violations.length > 0) return { where: run.where, violations };
  }
  return undefined;
}

async function look(search: Search, i: number, twist: Twist): Promise<Missed> {
  if ("profile" in search) {
    const seed = search.from + i;
    const { violations } = await simulate(seed, { twist, profile: PROFILES[search.profile] });
    return { where: `seed ${seed}`, violations };
  }
  if ("disaster" in search) {
    const disasterAfter = (i + 1) * SECOND;
    const { disaster } = search;
    const { violations } = await oneReboot({ twist, disaster, disasterAfter, stubborn: true });
    return { where: `${disaster} after ${i + 1} s`, violations };
  }
  const at = search.frozenCall + i;
  const { violations } = await oneReboot({ twist, at, fault: "FreezeAfter", aftermath: "the node heals" });
  return { where: `frozen at call ${at}`, violations };
}
