import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { GateVerdict } from "@node-agent/shared/core/gates/gate.ts";
import { ownNode } from "@node-agent/shared/core/gates/own-node.ts";
import { hostingOf, type Hosting, type LiveWorker } from "@node-agent/shared/core/hosting.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { SECOND } from "@node-agent/shared/core/time.ts";
import { ACTIVE, NOON, Timeline } from "./timeline.ts";

/** The record of a node, of which the gate reads the name and the sum of what is open reads phase and mode. */
function recordOf(name: string, over: Partial<NodeRecord> = {}): NodeRecord {
  const life = new Timeline();
  life.node = { ...life.node, name };
  life.judge({});
  return { ...life.record, monitorOnly: false, ...over };
}

const TARGET = recordOf("node-1");

function ask(hosting: Partial<Hosting> | undefined): GateVerdict {
  const none = { others: [], redis: false, openReboots: 0 };
  return ownNode({
    record: TARGET,
    policy: ACTIVE,
    now: NOON,
    observed: 0,
    viewAge: 0,
    ...(hosting === undefined ? {} : { hosting: { ...none, ...hosting } }),
  });
}

const HERE = { node: "node-1" };
const ELSEWHERE = { node: "node-2" };
const UNKNOWN = {};

describe("the worker's own node", () => {
  test.each<[string, Hosting["others"], number]>([
    ["another runs elsewhere", [ELSEWHERE], 1],
    ["another does not know where it runs: it will not hold, and so does it", [UNKNOWN], 1],
    ["others run here and elsewhere", [HERE, ELSEWHERE, UNKNOWN], 2],
  ])("is left alone for a moment while %s", (_, others, count) => {
    const why = `the worker runs on it, and ${count} other${count === 1 ? "" : "s"} can reboot it`;
    const until = NOON + 5 * SECOND;
    expect(ask({ own: "node-1", others })).toEqual({ gate: "OwnNode", open: false, why, until });
  });

  test.each<[string, Hosting["others"]]>([
    ["no other worker lives", []],
    ["all others run on it too", [HERE, HERE]],
  ])("is rebooted by it while %s", (_, others) => {
    const why = "the worker runs on it, and no other can reboot it";
    expect(ask({ own: "node-1", others })).toEqual({ gate: "OwnNode", open: true, why });
  });

  test.each<[string, Partial<Hosting> | undefined, string]>([
    ["nothing was read", undefined, "nobody knows what runs on it"],
    [
      "the worker does not know where it runs",
      { others: [ELSEWHERE] },
      "a worker that runs on it leaves it to another",
    ],
    [
      "it is another node",
      { own: "node-2", others: [HERE] },
      "neither the worker nor Redis is known to run on it",
    ],
  ])("is no matter while %s", (_, hosting, why) => {
    expect(ask(hosting)).toEqual({ gate: "OwnNode", open: true, why });
  });
});

describe("Redis's node", () => {
  test("goes after the open reboots", () => {
    const why = "Redis runs on it, and it goes after 2 open reboots";
    const until = NOON + 45 * SECOND;
    const hosting = { own: "node-2", others: [UNKNOWN], redis: true, openReboots: 2 };
    expect(ask(hosting)).toEqual({ gate: "OwnNode", open: false, why, until });
  });

  test.each<[string, Partial<Hosting>]>([
    ["none is open", { others: [ELSEWHERE] }],
    ["no other worker lives", { openReboots: 3 }],
    ["nobody can tell that it is one", { others: [ELSEWHERE], openReboots: 3, redis: undefined as never }],
  ])("has its turn when %s", (_, hosting) => {
    expect(ask({ own: "node-2", redis: true, ...hosting })).toMatchObject({ open: true });
  });

  test("that the worker runs on is left to another first", () => {
    const hosting = { own: "node-1", others: [ELSEWHERE], redis: true, openReboots: 1 };
    expect(ask(hosting).why).toContain("the worker runs on it");
  });
});

const worker: fc.Arbitrary<LiveWorker> = fc.record(
  {
    id: fc.constantFrom("a", "b", "c", "d"),
    node: fc.constantFrom("node-1", "node-2", "node-3"),
    monitorOnly: fc.boolean(),
  },
  { requiredKeys: ["id", "monitorOnly"] },
);
const fleet = fc.uniqueArray(worker, { selector: ({ id }) => id, maxLength: 4 });
const records = fc.array(
  fc.record({
    name: fc.constantFrom("node-1", "node-2", "node-3"),
    phase: fc.constantFrom("WaitingReboot" as const, "Unhealthy" as const, "Failed" as const),
    monitorOnly: fc.boolean(),
  }),
  { maxLength: 4 },
);
const redis = fc.option(fc.boolean(), { nil: undefined });

describe("whatever runs where", () => {
  test("the gate never holds while no other worker of this mode lives", () => {
    fc.assert(
      fc.property(fleet, worker, records, redis, (live, asking, known, on) => {
        const made = known.map((over) => ({ ...TARGET, ...over }));
        const { open } = ask(hostingOf("node-1", asking, live, made, on));
        const another = live.some(
          ({ id, monitorOnly }) => id !== asking.id && monitorOnly === asking.monitorOnly,
        );
        expect(open || another).toBe(true);
      }),
    );
  });

  test("while no reboot is open, some live worker may do it", () => {
    fc.assert(
      fc.property(fc.uniqueArray(worker, { selector: ({ id }) => id, minLength: 1 }), redis, (all, on) => {
        const live = all.map((one) => ({ ...one, monitorOnly: false }));
        const may = live.map((asking) => ask(hostingOf("node-1", asking, live, [], on)).open);
        expect(may).toContain(true);
      }),
    );
  });
});

describe("the sum of what bears on a reboot", () => {
  const self: LiveWorker = { id: "a", node: "node-2", monitorOnly: false };

  test("leaves out the worker itself and workers of the other mode", () => {
    const live = [
      self,
      { id: "b", node: "node-1", monitorOnly: false },
      { id: "c", monitorOnly: false },
      { id: "d", node: "node-3", monitorOnly: true },
    ];
    expect(hostingOf("node-1", self, live, [], true)).toEqual({
      own: "node-2",
      others: [{ node: "node-1" }, {}],
      redis: true,
      openReboots: 0,
    });
  });

  test("counts reboots of other nodes in this mode whose wait still runs", () => {
    const waits = { phase: "WaitingReboot" as const };
    const known = [
      recordOf("node-1", waits),
      recordOf("node-2", waits),
      recordOf("node-3"),
      recordOf("node-4", { ...waits, monitorOnly: true }),
    ];
    expect(hostingOf("node-1", self, [], known, undefined)).toEqual({
      own: "node-2",
      others: [],
      openReboots: 1,
    });
  });
});
