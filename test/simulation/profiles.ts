import type { IncidentName } from "./incidents.ts";
import { GUARDED, IMPATIENT, RATIONED, SMALL, type Settings } from "./settings.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";

/** What kind of bad days a run has. */
export interface Profile {
  readonly name: string;
  readonly settings: Settings;
  /** How likely each incident is. */
  readonly incidents: Readonly<Partial<Record<IncidentName, number>>>;
  /** How far the clocks of API server, Redis and processes are off the truth, either way, at most. */
  readonly skew: Millis;
  /** Everything is as late and as far off as windows allow for. */
  readonly edge: boolean;
  /** Most reboots do not help. */
  readonly incurable: boolean;
}

const PLAIN: Profile["incidents"] = {
  sicken: 30,
  heal: 6,
  sickenBriefly: 6,
  crash: 6,
  freeze: 6,
  flush: 4,
  loseTail: 4,
  redisClock: 2,
  apiOutage: 5,
  redisOutage: 5,
  replace: 3,
  deregister: 3,
  promoteJobs: 3,
  deleteJobs: 3,
  loseRecords: 4,
  staleWatch: 4,
};

const profile = (name: string, more: Profile["incidents"], rest: Partial<Profile> = {}): Profile => ({
  name,
  settings: SMALL,
  incidents: { ...PLAIN, ...more },
  skew: 500,
  edge: false,
  incurable: false,
  ...rest,
});

/** The kinds of runs; which one a seed gets, the seed says. */
export const PROFILES = {
  plain: profile("plain", {}),
  clocks: profile("clocks", { clockJump: 14, redisClock: 8 }, { skew: 1000 }),
  /** People pause, opt out and resume. */
  operator: profile("operator", { pause: 6, resume: 5, optOut: 8 }),
  /** Backups of the ledger are restored, the ledger is lost and made anew. */
  ledger: profile(
    "ledger",
    { sicken: 50, heal: 2, restoreOldLedger: 0.7, restoreYoungLedger: 1.4, loseLedger: 0.5 },
    { incurable: true },
  ),
  /** The API server comes and goes, and what is seen of it is old. */
  blind: profile("blind", { sicken: 40, sickenBriefly: 12, apiOutage: 20, staleWatch: 16 }),
  /** Bytes in Redis and provider ids that nobody of ours wrote. */
  hostile: profile("hostile", { forge: 25, rogueProviderId: 12 }),
  /** As late, as slow and as far off as windows allow for; only the ledger remembers. */
  edge: profile(
    "edge",
    {
      sicken: 30,
      heal: 1,
      sickenBriefly: 1,
      flush: 6,
      loseTail: 0,
      loseRecords: 5,
      drift: 25,
      redisClock: 0,
      apiOutage: 1,
      redisOutage: 1,
      crash: 2,
      freeze: 2,
      replace: 1,
      deregister: 1,
      promoteJobs: 6,
    },
    { edge: true, incurable: true },
  ),
  /** Redis keeps what it was told: what is left of the protocol without its ledger. */
  keptRedis: {
    ...profile("keptRedis", {}),
    incidents: { sicken: 30, heal: 3, freeze: 4, deleteJobs: 60, sickenBriefly: 3 },
  },
  /** Nodes are given up after three attempts. */
  impatient: profile("impatient", { sicken: 40, heal: 2 }, { settings: IMPATIENT, incurable: true }),
  /** Breakers and a small rate, and few nodes sick at a time, so that a breaker is not always open. */
  guarded: profile("guarded", { sicken: 14, heal: 9, sickenBriefly: 4 }, { settings: GUARDED }),
  /** Little is allowed of each VM and of all. */
  rationed: profile(
    "rationed",
    { sicken: 40, flush: 0, loseTail: 0, loseRecords: 0 },
    { settings: RATIONED, incurable: true },
  ),
  monitorOnly: profile(
    "monitorOnly",
    { forge: 3 },
    { settings: { ...SMALL, policy: { ...SMALL.policy, monitorOnly: true } } },
  ),
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof PROFILES;

/** Of twenty seeds, so many of each kind. */
const ORDER: readonly ProfileName[] = [
  ...Array.from({ length: 3 }, () => "plain" as const),
  "impatient",
  ...Array.from({ length: 2 }, () => "blind" as const),
  ...Array.from({ length: 2 }, () => "edge" as const),
  "guarded",
  ...Array.from({ length: 2 }, () => "ledger" as const),
  "rationed",
  ...Array.from({ length: 3 }, () => "hostile" as const),
  "operator",
  "operator",
  "clocks",
  "clocks",
  "monitorOnly",
];

/** The profile of a seed. */
export function profileOf(seed: number): Profile {
  return PROFILES[ORDER[seed % ORDER.length] ?? "plain"];
}
