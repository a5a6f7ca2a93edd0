/** The worlds in which every promise must hold, to the last reachable state. */
import { aWorld, type Configuration } from "./configuration.ts";

const CLOCKS = { workerClocks: [0, 3, 7], apiClocks: [0, 2], clockSkew: 2 } as const;
const FREEZE = { pauseBeforeSend: 1, lateExecution: 1, margin: 2 } as const;
const RESTORE = { restore: "WhenSilent", versionsRepeat: "SlowerThanS" } as const;
/** Short spans: what processes and Redis remember makes many states. */
export const REMEMBERED = {
  wait: 2,
  callDeadline: 0,
  heartbeatMaxAge: 1,
  restore: "WhenSilent",
  memory: true,
} as const;
const FOREIGN = { foreignReboots: "Recorded", verification: true } as const;

/** Small worlds, every feature at least once: `npm test` explores them, and every ablation starts from one of them. */
export const SMALL_WORLDS = {
  plain: aWorld({ name: "1 VM, 2 workers" }),
  three: aWorld({ name: "1 VM, 3 workers", workers: 3 }),
  long: aWorld({
    name: "long spans: W 10, S 2, D 2",
    workers: 3,
    wait: 10,
    sendDeadline: 2,
    callDeadline: 2,
  }),
  budget: aWorld({ name: "2 VMs, 3 workers, budget 1", vms: 2, workers: 3 }),
  late: aWorld({ name: "a late cloud", lateExecution: 1, margin: 1 }),
  clocks: aWorld({ name: "clocks apart, freezes, a late cloud", ...CLOCKS, ...FREEZE }),
  restore: aWorld({ name: "etcd restored, versions repeat", ...RESTORE }),
  recreation: aWorld({ name: "the ledger created anew", workers: 3, recreation: true, releases: true }),
  releases: aWorld({ name: "releases", workers: 3, releases: true }),
  hasty: aWorld({ name: "releases without a cool-down", workers: 3, releases: true, cooldown: 0 }),
  releasesPair: aWorld({ name: "releases, 2 VMs, budget 1", vms: 2, releases: true }),
  releasesClocks: aWorld({ name: "releases, clocks apart", ...CLOCKS, cooldown: 3, releases: true }),
  releasesRestore: aWorld({ name: "releases, etcd restored", releases: true, ...RESTORE }),
  verification: aWorld({ name: "verification", wait: 6, verification: true }),
  verificationPair: aWorld({ name: "verification, 2 VMs, budget 1", vms: 2, verification: true }),
  foreign: aWorld({ name: "somebody else reboots", wait: 4, foreignReboots: "Recorded" }),
  settled: aWorld({ name: "somebody else reboots, releases", wait: 4, releases: true, ...FOREIGN }),
  lagging: aWorld({
    name: "1 attempt, a status that is older than its machine",
    verification: true,
    maxAttempts: 1,
    statusLag: 2,
  }),
  attempts: aWorld({ name: "2 attempts", workers: 3, verification: true, maxAttempts: 2 }),
  attemptsReleases: aWorld({
    name: "2 attempts, releases",
    releases: true,
    verification: true,
    maxAttempts: 2,
  }),
  hopeless: aWorld({ name: "1 attempt, no node heals", verification: true, maxAttempts: 1, heals: false }),
  plan: aWorld({ name: "plans", planStale: 1 }),
  planPair: aWorld({ name: "plans, 2 VMs, budget 1", vms: 2, wait: 2, callDeadline: 0, planStale: 1 }),
  pauses: aWorld({ name: "pauses", workers: 3, pauses: true }),
  grant: aWorld({ name: "breaker and grant", vms: 2, budget: 2, wait: 2, breaker: 2, grant: 1 }),
  grantPair: aWorld({ name: "breaker and grant of 2, budget 1", vms: 2, wait: 2, breaker: 2, grant: 2 }),
  trust: aWorld({ name: "etcd restored, operators end quarantines", ...RESTORE, trust: true }),
  memory: aWorld({ name: "etcd restored, workers remember", ...REMEMBERED }),
  memoryRecreation: aWorld({
    name: "the ledger created again and restored, a worker remembers",
    workers: 1,
    ...REMEMBERED,
    recreation: true,
  }),
  gpu: aWorld({ name: "GPU label comes and goes, releases", gpuWait: 6, releases: true }),
} as const;

/** Larger ones, for `npm run test:model` alone. */
export const LARGE_WORLDS: readonly Configuration[] = [
  aWorld({ name: "etcd restored, workers remember, D 1, W 3", ...REMEMBERED, callDeadline: 1, wait: 3 }),
  aWorld({
    name: "releases, etcd restored, workers remember, S 0",
    ...REMEMBERED,
    sendDeadline: 0,
    releases: true,
  }),
  aWorld({
    name: "plans, 2 VMs, 3 workers, budget 1, W 1",
    vms: 2,
    workers: 3,
    wait: 1,
    callDeadline: 0,
    planStale: 1,
  }),
  aWorld({
    name: "plans and 2 attempts, releases",
    releases: true,
    verification: true,
    maxAttempts: 2,
    planStale: 1,
  }),
  aWorld({
    name: "breaker and grant, 3 VMs, budget 2",
    vms: 3,
    budget: 2,
    wait: 1,
    callDeadline: 0,
    breaker: 2,
    grant: 1,
  }),
  aWorld({
    name: "2 attempts, 2 VMs, budget 1, W 1",
    vms: 2,
    wait: 1,
    callDeadline: 0,
    verification: true,
    maxAttempts: 2,
  }),
  aWorld({ name: "releases, 2 VMs, 3 workers, budget 1", vms: 2, workers: 3, releases: true }),
  aWorld({ name: "3 VMs, 3 workers, budget 2, W 2", vms: 3, workers: 3, budget: 2, wait: 2 }),
  aWorld({ name: "3 VMs, 2 workers, budget 2", vms: 3, budget: 2 }),
  aWorld({ name: "1 VM, 5 workers", workers: 5 }),
  aWorld({
    name: "releases, long spans: W 10, S 2, D 2, C 3",
    workers: 3,
    wait: 10,
    sendDeadline: 2,
    callDeadline: 2,
    cooldown: 3,
    releases: true,
  }),
  aWorld({ name: "releases, etcd restored, 3 workers", workers: 3, wait: 2, releases: true, ...RESTORE }),
  aWorld({ name: "etcd restored, 2 VMs, 3 workers", vms: 2, workers: 3, wait: 2, ...RESTORE }),
  aWorld({
    name: "verification, 2 VMs, 3 workers, budget 1",
    vms: 2,
    workers: 3,
    wait: 2,
    verification: true,
  }),
  aWorld({
    name: "somebody else reboots, 3 workers, releases",
    workers: 3,
    wait: 4,
    releases: true,
    ...FOREIGN,
  }),
  aWorld({
    name: "releases, clocks apart, freezes, a late cloud",
    ...CLOCKS,
    ...FREEZE,
    cooldown: 3,
    releases: true,
  }),
];
