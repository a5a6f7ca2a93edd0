import { test } from "vitest";
import { LOG_EVENTS } from "@node-agent/shared/contract/log-events.ts";
import { HOUR, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { fleetSentence, type FleetReading } from "../../../scripts/demo/fleet-reading.ts";
import { createReport } from "../../../scripts/demo/report.ts";
import { stamped } from "../../../scripts/demo/stage.ts";
import { tell } from "../../../scripts/demo/story.ts";
import { expectSample } from "./markdown.ts";

const EVENING = Date.UTC(2026, 10, 23, 20);

/** What workers log in a night: one node dies, another is about to be removed by the autoscaler. */
const NIGHT: readonly (readonly [after: number, line: Readonly<Record<string, unknown>>])[] = [
  [
    4 * MINUTE,
    {
      event: LOG_EVENTS.nodeUnhealthy,
      node: "w-39",
      failing: ["NodeReady/NodeStatusUnknown"],
      dueInSeconds: 300,
    },
  ],
  [
    7 * MINUTE,
    {
      event: LOG_EVENTS.nodeUnhealthy,
      node: "w-40",
      failing: ["NodeReady/NodeStatusUnknown"],
      dueInSeconds: 300,
    },
  ],
  [
    7 * MINUTE,
    {
      event: LOG_EVENTS.rebootHeld,
      node: "w-40",
      gate: "ForeignOwner",
      why: "taint ToBeDeletedByClusterAutoscaler",
      inSeconds: 90,
    },
  ],
  [
    9 * MINUTE,
    { event: LOG_EVENTS.rebootRequested, node: "w-39", failing: ["NodeReady/NodeStatusUnknown"], attempt: 1 },
  ],
  [9 * MINUTE, { event: LOG_EVENTS.rebootAnswered, node: "w-39", outcome: "Simulated", waitSeconds: 600 }],
  [12 * MINUTE, { event: LOG_EVENTS.nodeGone, node: "w-40" }],
];

const said = (after: number, text: string): string => stamped(text, EVENING + after);

function reading(over: Partial<FleetReading["phases"]>, pending: number): FleetReading {
  const phases = { Unknown: 0, Healthy: 48, Unhealthy: 0, WaitingReboot: 0, Failed: 0, ...over };
  const nodes = Object.values(phases).reduce((sum, count) => sum + count, 0);
  return { nodes, phases, pending, viewAge: 2 * SECOND, viewMaxAge: 90 * SECOND };
}

test("the sample of a watch in the README is what the command prints", () => {
  const report = createReport(EVENING);
  report.saw(48);
  const quiet = said(3 * MINUTE, fleetSentence(reading({}, 0)));
  const story = NIGHT.flatMap(([after, line]) => {
    report.hear(line, EVENING + after);
    const sentence = tell(line, "monitor");
    return sentence === undefined ? [] : [said(after, sentence)];
  });
  const after = said(10 * MINUTE, fleetSentence(reading({ Healthy: 46, Unhealthy: 1, WaitingReboot: 1 }, 1)));
  report.saw(47);
  const lines = [
    "...",
    quiet,
    ...story.slice(0, 5),
    after,
    ...story.slice(5),
    "",
    ...report.lines(EVENING + 11 * HOUR),
  ];
  expectSample("README.md", "npm start -- --kubeconfig ~/.kube/config", `${lines.join("\n")}\n`);
});
