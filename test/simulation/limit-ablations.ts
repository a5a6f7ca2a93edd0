/** The limits on storms and rates, and on giving up, each taken away alone: by a setting that no longer limits. */
import type { Ablation } from "./ablations.ts";
import type { Settings } from "./settings.ts";
import type { Twist } from "./twist.ts";

type Storm = Settings["policy"]["storm"];

function storm(change: (storm: Storm) => Storm): Twist {
  return {
    settings: (settings) => {
      const { policy } = settings;
      return { ...settings, policy: { ...policy, storm: change(policy.storm) } };
    },
  };
}

function budgets(more: Partial<Storm["budgets"]>): Twist {
  return storm((policy) => ({ ...policy, budgets: { ...policy.budgets, ...more } }));
}

function attempts(maxAttempts: number): Twist {
  return { settings: (settings) => ({ ...settings, policy: { ...settings.policy, maxAttempts } }) };
}

/** Every limit that is taken away, one at a time. */
export const LIMIT_ABLATIONS: readonly Ablation[] = [
  {
    guard: "the spacing of reboots",
    twist: budgets({ spacing: 0 }),
    missed: { profile: "guarded", from: 1 },
    breaks: ["Rate"],
  },
  {
    guard: "the budget of an hour",
    twist: budgets({ perHour: 1000 }),
    missed: { profile: "guarded", from: 26 },
    breaks: ["Rate"],
  },
  {
    guard: "the budget of a day",
    twist: budgets({ perDay: 1000 }),
    missed: { profile: "rationed", from: 9 },
    breaks: ["Rate"],
  },
  {
    guard: "the budget of a VM in a day",
    twist: budgets({ nodePerDay: 1000 }),
    missed: { profile: "rationed", from: 21 },
    breaks: ["Rate"],
  },
  {
    guard: "the shared limit on calls",
    twist: { settings: ({ callLimit: _limit, ...settings }) => settings },
    missed: { profile: "rationed", from: 60 },
    breaks: ["Rate"],
  },
  {
    guard: "the share of sick nodes that is a storm",
    twist: storm((policy) => ({ ...policy, unhealthyPercent: 101 })),
    missed: { profile: "guarded", from: 20 },
    breaks: ["Storm"],
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
    guard: "that a budget holds no more than it was told",
    twist: budgets({ perHour: 1 }),
    missed: { profile: "guarded", from: 1 },
    breaks: ["I4"],
  },
  {
    guard: "that only a storm is held as one",
    twist: storm((policy) => ({ ...policy, unhealthyPercent: 1, floor: 1 })),
    missed: { profile: "guarded", from: 1 },
    breaks: ["I4"],
  },
];
