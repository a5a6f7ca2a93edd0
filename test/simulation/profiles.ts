import type { IncidentName } from "./incidents.ts";
import { SMALL, type Settings } from "./settings.ts";
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
  ...rest,
});

/** The kinds of runs; which one a seed gets, the seed says. */
export const PROFILES = {
  plain: profile("plain", {}),
  clocks: profile("clocks", { clockJump: 14, redisClock: 8 }, { skew: 1000 }),
  /** People pause, opt out and resume. */
  operator: profile("operator", { pause: 6, resume: 5, optOut: 8 }),
  /** Backups of the ledger are restored, the ledger is lost and made anew. */
  ledger: profile("ledger", { restoreOldLedger: 3, restoreYoungLedger: 4, loseLedger: 1.5 }),
  /** Bytes in Redis and provider ids that nobody of ours wrote. */
  hostile: profile("hostile", { forge: 25, rogueProviderId: 12 }),
  /** As late, as slow and as far off as windows allow for; only the ledger remembers. */
  edge: profile(
    "edge",
    { sicken: 40, heal: 0, flush: 16, loseRecords: 10, apiOutage: 1, redisOutage: 1, crash: 2, freeze: 2 },
    { skew: 1000, edge: true },
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
  ...Array.from({ length: 6 }, () => "plain" as const),
  ...Array.from({ length: 3 }, () => "edge" as const),
  ...Array.from({ length: 3 }, () => "ledger" as const),
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
