import { describe, expect, test } from "vitest";
import type { LedgerMeta, LedgerPause } from "@node-agent/shared/core/ledger/ledger.ts";
import { paused } from "@node-agent/shared/core/gates/claims.ts";
import {
  endOf,
  isMarked,
  OPT_OUT_ANNOTATION,
  PAUSE_ANNOTATION,
  pausesOf,
} from "@node-agent/shared/core/pause.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { aLedger, NOON } from "./ledger-build.ts";

const NONE = { fleet: false, pools: [], nodes: [] };
const PAUSE: LedgerPause = { since: NOON, by: "ann", reason: "upgrade" };
const NODE = { name: "node-1", pool: "blue" };
const inLedger = (meta: Partial<LedgerMeta>) => aLedger([], meta);

describe("whoever says stop is heard", () => {
  test.each([
    ["fleet", { ...NONE, fleet: true }, "paused by configuration"],
    ["pool", { ...NONE, pools: ["red", "blue"] }, "pool blue is paused by configuration"],
    ["node", { ...NONE, nodes: ["node-1"] }, "this node is paused by configuration"],
  ] as const)("the configuration, for the %s", (level, policy, why) => {
    expect(pausesOf(NODE, policy, undefined)).toEqual([{ level, source: "configuration", why }]);
  });

  test.each([
    ["fleet", { paused: PAUSE }],
    ["pool", { pausedPools: { blue: PAUSE } }],
    ["node", { pausedNodes: { "node-1": PAUSE } }],
  ] as const)("the ledger, for the %s", (level, meta) => {
    expect(pausesOf(NODE, NONE, inLedger(meta))).toEqual([
      { level, source: "ledger", why: "paused by ann: upgrade", since: NOON },
    ]);
  });

  test("the node itself, by an annotation", () => {
    const snapshot = aNode().annotation(PAUSE_ANNOTATION, "true").snapshot();
    expect(pausesOf({ ...NODE, snapshot }, NONE, undefined)).toEqual([
      { level: "node", source: "annotation", why: `annotation ${PAUSE_ANNOTATION}` },
    ]);
  });

  test("all of them together, none hides another", () => {
    const snapshot = aNode().annotation(PAUSE_ANNOTATION, "").snapshot();
    const policy = { fleet: true, pools: ["blue"], nodes: ["node-1"] };
    const ledger = inLedger({
      paused: PAUSE,
      pausedPools: { blue: PAUSE },
      pausedNodes: { "node-1": PAUSE },
    });
    const pauses = pausesOf({ ...NODE, snapshot }, policy, ledger);
    expect(pauses.map(({ level, source }) => `${source} ${level}`)).toEqual([
      "configuration fleet",
      "configuration pool",
      "configuration node",
      "ledger fleet",
      "ledger pool",
      "ledger node",
      "annotation node",
    ]);
  });
});

describe("nobody is paused by", () => {
  test("a pause of another pool or node", () => {
    const policy = { fleet: false, pools: ["red"], nodes: ["node-10"] };
    const ledger = inLedger({ pausedPools: { red: PAUSE }, pausedNodes: { "node-10": PAUSE } });
    expect(pausesOf(NODE, policy, ledger)).toEqual([]);
  });

  test("a pause of a pool, having none", () => {
    const ledger = inLedger({ pausedPools: { undefined: PAUSE } });
    expect(pausesOf({ name: "node-1", pool: undefined }, { ...NONE, pools: ["undefined"] }, ledger)).toEqual(
      [],
    );
  });

  test.each(["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"])(
    "having the name %s, which every object knows",
    (name) => {
      expect(pausesOf({ name, pool: name }, NONE, inLedger({}))).toEqual([]);
    },
  );
});

test.each(["constructor", "tostring"])("a node or pool that is named %s can be paused", (name) => {
  const ledger = inLedger({ pausedPools: { [name]: PAUSE }, pausedNodes: { [name]: PAUSE } });
  expect(pausesOf({ name, pool: name }, NONE, ledger).map(({ level }) => level)).toEqual(["pool", "node"]);
});

describe("an annotation", () => {
  test.each([
    ["true", true],
    ["", true],
    ["yes", true],
    ["0", true],
    ["fasle", true],
    ["false", false],
    ["FALSE", false],
  ])("of the value %j marks: %s, because a value nobody understands holds back", (value, marked) => {
    for (const annotation of [PAUSE_ANNOTATION, OPT_OUT_ANNOTATION])
      expect(isMarked(aNode().annotation(annotation, value).snapshot(), annotation)).toBe(marked);
  });

  test("that is absent marks nothing", () => {
    expect(isMarked(aNode().snapshot(), PAUSE_ANNOTATION)).toBe(false);
  });
});

const pauses = (...ends: (number | undefined)[]) =>
  pausesOf(
    NODE,
    NONE,
    inLedger({
      paused: { ...PAUSE, ...(ends[0] === undefined ? {} : { until: ends[0] }) },
      pausedPools:
        ends.length < 2 ? {} : { blue: { ...PAUSE, ...(ends[1] === undefined ? {} : { until: ends[1] }) } },
    }),
  );
const asked = (now: number, found: ReturnType<typeof pauses>) =>
  paused({ record: {} as NodeRecord, observed: 0, viewAge: 0, now, policy: DEFAULT_POLICY, pauses: found });

describe("a pause with an end", () => {
  test("names its end, holds until then and opens by itself", () => {
    const one = pauses(NOON + HOUR);
    expect(asked(NOON, one)).toMatchObject({
      open: false,
      why: "fleet (ledger): paused by ann until 2026-11-23T13:00:00Z: upgrade",
    });
    expect(asked(NOON + HOUR - 1, one)).toMatchObject({ open: false, until: NOON + HOUR });
    expect(asked(NOON + HOUR, one)).toMatchObject({ open: true });
  });

  test("does not end another pause", () => {
    expect(asked(NOON + HOUR, pauses(NOON + HOUR, undefined))).toMatchObject({
      open: false,
      why: "pool (ledger): paused by ann: upgrade",
    });
  });

  test("ends when the last of several ends; with one without an end only a person ends them", () => {
    expect(endOf(pauses(NOON + HOUR, NOON + MINUTE))).toBe(NOON + HOUR);
    expect(endOf(pauses(NOON + HOUR, undefined))).toBeUndefined();
  });
});
