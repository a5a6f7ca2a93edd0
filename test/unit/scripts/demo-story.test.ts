import { describe, expect, test } from "vitest";
import { LOG_EVENTS } from "@node-agent/shared/contract/log-events.ts";
import { MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { readArguments } from "../../../scripts/demo/arguments.ts";
import { fleetSentence, type FleetReading } from "../../../scripts/demo/fleet-reading.ts";
import { createReport } from "../../../scripts/demo/report.ts";
import { tell } from "../../../scripts/demo/story.ts";

const NOON = Date.UTC(2026, 10, 23, 12);

/** A line of each event, with every fact that a sentence may hold. */
const lineOf = (event: string, over: object = {}) => ({
  event,
  node: "w-1",
  failing: ["NodeReady/NodeStatusUnknown"],
  gate: "ForeignOwner",
  why: "taint x",
  attempt: 1,
  attempts: 3,
  reboots: 1,
  dueInSeconds: 300,
  inSeconds: 60,
  waitSeconds: 600,
  afterSeconds: 30,
  outcome: "Simulated",
  verification: "Cured",
  mode: "monitor",
  ...over,
});

describe("the story of a real cluster", () => {
  test("every sentence about a repair says would be", () => {
    const gates = ["ForeignOwner", "NothingFailing", "Threshold", "Limit"];
    const told = Object.values(LOG_EVENTS).flatMap((event) =>
      gates.map((gate) => tell(lineOf(event, { gate }), "monitor") ?? ""),
    );
    const ofRepairs = told.filter((sentence) => /reboot|given up|left alone/iu.test(sentence));
    expect(ofRepairs.length).toBeGreaterThan(6);
    for (const sentence of ofRepairs) expect(sentence).toMatch(/would[ -]be/iu);
  });

  test.each([
    [LOG_EVENTS.nodeUnhealthy, "would be rebooted in 5 min unless it recovers"],
    [LOG_EVENTS.rebootHeld, "would-be reboot waits for ForeignOwner (taint x), next look in 60 s"],
    [LOG_EVENTS.rebootRequested, "WOULD BE REBOOTED now: NodeReady/NodeStatusUnknown, attempt 1"],
    [LOG_EVENTS.rebootAnswered, "would be left alone for up to 10 min"],
    [LOG_EVENTS.nodeRecovered, "recovered after 30 s, 1 would-be reboot"],
    [LOG_EVENTS.nodeFailed, "would be given up after 3 would-be reboots"],
  ])("tells %s", (event, words) => expect(tell(lineOf(event), "monitor")).toContain(words));

  test("in the demo a reboot is one", () => {
    const told = Object.values(LOG_EVENTS).map((event) => tell(lineOf(event)) ?? "");
    expect(told.join("\n")).toContain("reboot requested: instance");
    expect(told.join("\n")).not.toMatch(/would/iu);
  });
});

describe("the line about the fleet", () => {
  const quiet: FleetReading = {
    nodes: 48,
    phases: { Unknown: 0, Healthy: 48, Unhealthy: 0, WaitingReboot: 0, Failed: 0 },
    pending: 0,
    viewAge: 2 * SECOND,
    viewMaxAge: 90 * SECOND,
  };
  const sentence = (over: Partial<FleetReading>) => fleetSentence({ ...quiet, ...over });

  test("says so when nothing happens", () => {
    expect(sentence({})).toBe(
      "fleet: nodes 48, healthy 48, failing 0, pending would-be reboots 0; seen 2 s ago",
    );
  });

  test("counts what fails and what would be done", () => {
    const phases = { Unknown: 1, Healthy: 43, Unhealthy: 2, WaitingReboot: 1, Failed: 1 };
    expect(sentence({ phases, pending: 2 })).toBe(
      "fleet: nodes 48, healthy 43, failing 4, pending would-be reboots 2, in the wait of a would-be reboot 1, would be given up 1, not judged yet 1; seen 2 s ago",
    );
  });

  test("a fleet that nobody sees is no quiet fleet", () => {
    expect(sentence({ viewAge: undefined })).toContain("NOT SEEN YET");
    expect(sentence({ viewAge: 5 * MINUTE })).toContain("NOT SEEN for 300 s");
  });
});

describe("the report", () => {
  test("tells how long, how many, what would have been rebooted when, and what held others", () => {
    const report = createReport(NOON);
    const hear = (event: string, node: string, over: object, at: number) =>
      report.hear(lineOf(event, { node, ...over }), NOON + at);
    report.saw(48);
    report.saw(47);
    hear(LOG_EVENTS.nodeUnhealthy, "w-1", {}, MINUTE);
    hear(LOG_EVENTS.rebootHeld, "w-1", { gate: "Threshold" }, MINUTE);
    hear(LOG_EVENTS.rebootRequested, "w-1", {}, 6 * MINUTE);
    hear(LOG_EVENTS.nodeRecovered, "w-1", { reboots: 1 }, 7 * MINUTE);
    hear(LOG_EVENTS.nodeUnhealthy, "w-2", {}, MINUTE);
    hear(LOG_EVENTS.nodeRecovered, "w-2", { reboots: 0 }, 2 * MINUTE);
    hear(LOG_EVENTS.nodeUnhealthy, "w-3", {}, MINUTE);
    hear(LOG_EVENTS.rebootHeld, "w-3", {}, 3 * MINUTE);
    hear(LOG_EVENTS.rebootHeld, "w-3", { why: "taint y" }, 4 * MINUTE);
    expect(report.lines(NOON + 90 * MINUTE)).toEqual([
      "Report of this watch (monitor-only: nothing was rebooted)",
      "  watched           1h30m, 2026-11-23T12:00:00Z to 2026-11-23T13:30:00Z",
      "  nodes             47 at the end, 48 at most",
      "  incidents         3: 1 recovered alone, 1 after a would-be reboot, 1 still open",
      "  would-be reboots  1",
      "    2026-11-23T12:06:00Z  w-1  NodeReady/NodeStatusUnknown, attempt 1",
      "  held              1, by another gate than a threshold or a wait",
      "    2026-11-23T12:03:00Z  w-3  ForeignOwner: taint y",
    ]);
  });

  test("of a quiet night is short, and says that nothing was held", () => {
    const lines = createReport(NOON).lines(NOON + MINUTE);
    expect(lines).toHaveLength(6);
    expect(lines.at(-1)).toContain("nothing but thresholds and waits");
  });

  test("a node that is gone has no open incident, and one that is seen failing again is one incident", () => {
    const report = createReport(NOON);
    report.hear(lineOf(LOG_EVENTS.nodeUnhealthy), NOON);
    report.hear(lineOf(LOG_EVENTS.nodeUnhealthy), NOON);
    report.hear(lineOf(LOG_EVENTS.nodeGone), NOON);
    expect(report.lines(NOON)[3]).toContain("1: 0 recovered alone, 0 after a would-be reboot, 0 still open");
  });

  test("remembers no more than it prints", () => {
    const report = createReport(NOON);
    for (let i = 0; i < 250; i += 1) report.hear(lineOf(LOG_EVENTS.rebootRequested), NOON);
    const lines = report.lines(NOON);
    expect(lines[4]).toContain("250");
    expect(lines.at(-2)).toContain("and 50 more");
  });
});

describe("the command line of npm start", () => {
  test("needs nothing, and takes a cluster and how often its fleet is told", () => {
    expect(readArguments([])).toEqual({ help: false, every: MINUTE });
    expect(readArguments(["--kubeconfig", "k", "--context", "c", "--every", "15m"])).toEqual({
      help: false,
      kubeconfig: "k",
      context: "c",
      every: 15 * MINUTE,
    });
  });

  test.each([
    [["--context", "c"], "--context needs --kubeconfig"],
    [["--every", "1m"], "--every needs --kubeconfig"],
    [["--kubeconfig", "k", "--every", "1"], "--every: expected a duration"],
    [["--kubeconfig", "k", "--every", "10ms"], "at least 1s"],
  ])("refuses %j", (argv, words) => expect(() => readArguments(argv)).toThrow(words));
});
