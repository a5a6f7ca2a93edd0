/** Rates, breakers, and giving up, each taken away alone: by a setting that no longer limits. */
import type { RepairPolicy } from "@node-agent/shared/core/policy.ts";
import type { Ablation } from "./ablations.ts";
import type { Twist } from "./twist.ts";

function policy(change: (before: RepairPolicy) => Partial<RepairPolicy>): Twist {
  return {
    settings: (settings) => ({ ...settings, policy: { ...settings.policy, ...change(settings.policy) } }),
  };
}

function limits(more: Partial<RepairPolicy["limits"]>): Twist {
  return policy((before) => ({ limits: { ...before.limits, ...more } }));
}

function breaker(floor: number, percent: number): Twist {
  const all = { zone: percent, pool: percent, checker: percent, cluster: percent };
  return policy((before) => ({ breaker: { ...before.breaker, floor, percent: all } }));
}

const attempts = (maxAttempts: number): Twist => policy(() => ({ maxAttempts }));

/** Every limit that is taken away, one at a time. */
export const LIMIT_ABLATIONS: readonly Ablation[] = [
  {
    guard: "the rate of the cluster",
    twist: limits({ rate: { count: 1000, percent: 0 } }),
    missed: { profile: "rationed", from: 1 },
    breaks: ["Rate"],
  },
  {
    guard: "the rate of a VM in a day",
    twist: limits({ nodePerDay: 1000 }),
    missed: { profile: "rationed", from: 250 },
    breaks: ["Rate"],
  },
  {
    guard: "the share of sick nodes that opens a breaker",
    twist: breaker(1000, 100),
    missed: { profile: "guarded", from: 20 },
    breaks: ["Breaker"],
  },
  {
    guard: "all the attempts before a node is given up",
    twist: attempts(1),
    missed: { profile: "impatient", from: 2 },
    breaks: ["I4"],
  },
  {
    guard: "that nobody is given up where attempts are plenty",
    twist: attempts(1),
    missed: { profile: "plain", from: 1 },
    breaks: ["I4"],
  },
  {
    guard: "that a rate holds no more than it was told",
    twist: limits({ rate: { count: 1, percent: 0 } }),
    missed: { profile: "guarded", from: 1 },
    breaks: ["I4"],
  },
  {
    guard: "that only an open breaker holds",
    twist: breaker(1, 1),
    missed: { profile: "guarded", from: 1 },
    breaks: ["I4"],
  },
  {
    guard: "that the plan wakes a repair when its hold ends",
    twist: { reboots: (queue) => ({ ...queue, wake: async () => undefined }) },
    missed: { profile: "plain", from: 1 },
    breaks: ["Sleep"],
  },
  {
    guard: "that a limit is named only when it is reached",
    twist: limits({ rate: { count: 1, percent: 0 } }),
    missed: { profile: "guarded", from: 1 },
    breaks: ["Named"],
  },
  {
    guard: "that a breaker is named only while it is open",
    twist: breaker(1, 1),
    missed: { profile: "guarded", from: 1 },
    breaks: ["Named"],
  },
];
