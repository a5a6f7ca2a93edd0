import { expect, test } from "vitest";
import { shortfallsOf } from "./demands.ts";

const explained = {
  samples: 400,
  unreadable: 100,
  answers: { Blocked: 1500, Acting: 300, Unjudged: 50, Unreadable: 150, Unexplained: 0 },
  byGate: {},
  longest: { Unexplained: 0, Unjudged: 0 },
  unexplained: [],
};
/** As much as ten minutes with 1,000 nodes must come to, and not more. */
const ENOUGH = { underFire: 1000, kills: 350, stops: 190, redisKills: 45, redisFlushes: 44, explained };
const TEN_MINUTES = { nodes: 1000, span: 600_000 };

test("ten minutes with 1,000 nodes, 1,000 reboots, a process hurt each second and Redis every six are enough", () => {
  expect(shortfallsOf(TEN_MINUTES, ENOUGH)).toEqual([]);
});

test.each([
  ["reboots", { underFire: 999 }, "999 reboots while everything went wrong, at least 1000 were wanted"],
  ["hurt processes", { kills: 100 }, "290 processes killed or stopped, at least 540 were wanted"],
  ["hurt Redis", { redisKills: 0 }, "44 times that Redis was killed or emptied, at least 89 were wanted"],
  [
    "samples",
    { explained: { ...explained, samples: 149, unreadable: 0 } },
    "149 samples of explanations, at least 150 were wanted",
  ],
  [
    "readable samples",
    { explained: { ...explained, unreadable: 200 } },
    "200 samples that could be read, at least 201 were wanted",
  ],
])("too few %s make it a run that proves nothing", (_, less, sentence) => {
  expect(shortfallsOf(TEN_MINUTES, { ...ENOUGH, ...less })).toEqual([sentence]);
});

test("a minute with 200 nodes is asked for its part", () => {
  const part = { underFire: 19, kills: 50, stops: 10, redisKills: 4, redisFlushes: 4, explained };
  expect(shortfallsOf({ nodes: 200, span: 60_000 }, part)).toEqual([
    "19 reboots while everything went wrong, at least 20 were wanted",
  ]);
});
