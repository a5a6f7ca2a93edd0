/** The worlds in which every promise must hold, to the last reachable state. */
import { aWorld, type Configuration } from "./configuration.ts";

const CLOCKS = { workerClocks: [0, 3, 7], apiClocks: [0, 2], clockSkew: 2 } as const;
const FREEZE = { pauseBeforeSend: 1, lateExecution: 1, margin: 2 } as const;
const RESTORE = { restore: "WhenSilent", versionsRepeat: "SlowerThanS" } as const;
const FOREIGN = { foreignReboots: "Recorded", verification: true } as const;

/** Seconds, not minutes: the worlds that `npm test` explores, every feature once. */
export const QUICK_WORLDS: readonly Configuration[] = [
  aWorld({ name: "1 VM, 3 workers", workers: 3 }),
  aWorld({ name: "long spans: W 10, S 2, D 2", workers: 3, wait: 10, sendDeadline: 2, callDeadline: 2 }),
  aWorld({ name: "2 VMs, 3 workers, budget 1", vms: 2, workers: 3 }),
  aWorld({ name: "clocks apart, freezes, a late cloud", ...CLOCKS, ...FREEZE }),
  aWorld({ name: "etcd restored, versions repeat", workers: 3, ...RESTORE }),
  aWorld({ name: "the ledger created anew", workers: 3, recreation: true, releases: true }),
  aWorld({ name: "releases", workers: 3, releases: true }),
  aWorld({ name: "releases without a cool-down", workers: 3, releases: true, cooldown: 0 }),
  aWorld({ name: "releases, 2 VMs, budget 1", vms: 2, releases: true }),
  aWorld({ name: "releases, clocks apart", ...CLOCKS, ...FREEZE, cooldown: 3, releases: true }),
  aWorld({ name: "releases, etcd restored", releases: true, ...RESTORE }),
  aWorld({ name: "verification, 2 VMs, budget 1", vms: 2, verification: true }),
  aWorld({ name: "somebody else reboots", wait: 5, foreignReboots: "Recorded" }),
  aWorld({ name: "somebody else reboots, releases, verification", wait: 5, releases: true, ...FOREIGN }),
  aWorld({ name: "GPU label comes and goes, releases", gpuWait: 6, releases: true }),
];

/** Larger ones, for `npm run test:model` alone. */
export const LARGE_WORLDS: readonly Configuration[] = [
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
  aWorld({ name: "verification, 2 VMs, 3 workers, budget 1", vms: 2, workers: 3, wait: 2, verification: true }),
  aWorld({ name: "somebody else reboots, 2 VMs, verification", vms: 2, wait: 4, ...FOREIGN }),
];
