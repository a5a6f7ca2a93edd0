import type { Explanation, FailingAnswer, FlapsAnswer, SkipAnswer } from "@node-agent/shared/core/explain.ts";
import type { GateAnswer } from "@node-agent/shared/core/explain-gates.ts";
import { factsText, instantText, spanText, tableText, whenText, type Palette } from "./text.ts";

const WORDS: Readonly<Record<GateAnswer["answer"], string>> = {
  Open: "open",
  Holds: "HOLDS",
  NotAsked: "not asked",
};

/** An explanation for a person: what is known, what holds, what comes next, and every gate. */
export function explanationText(explanation: Explanation, palette: Palette): string {
  const { gates, explainedAt } = explanation;
  const rows = gates.map((gate) => [gate.gate, WORDS[gate.answer], gate.why, untilText(gate, explainedAt)]);
  const table = tableText(["GATE", "ANSWER", "WHY", "UNTIL"], rows);
  return `${factsText(factsOf(explanation))}\n${painted(table, palette)}`;
}

function factsOf(explanation: Explanation): [string, string][] {
  const { node, pool, instanceId, mode, explainedAt: now, failing, attempts, blocker } = explanation;
  const place = [
    pool === undefined ? "" : `pool ${pool}`,
    instanceId === undefined ? "" : `VM ${instanceId}`,
  ];
  const described = place.filter((part) => part !== "").join(", ");
  return [
    ["Node", described === "" ? node : `${node} (${described})`],
    ["Phase", phaseText(explanation)],
    ["Mode", mode === "active" ? "active" : "monitor-only: nothing is really rebooted"],
    ...(failing.length === 0 ? [["Failing", "nothing"] as [string, string]] : []),
    ...failing.map((one): [string, string] => ["Failing", failingText(one, now)]),
    ...explanation.flaps.map((one): [string, string] => ["Flaps", flapsText(one, now)]),
    ...explanation.skipped.map((one): [string, string] => ["Not judged", skipText(one, now)]),
    ["Attempts", `${attempts.used} of ${attempts.allowed}`],
    ["Last reboot", lastRebootText(explanation)],
    ...curedText(explanation),
    ["Pending", jobText(explanation)],
    ...(explanation.behind === undefined
      ? []
      : [["Behind", behindText(explanation.behind)] as [string, string]]),
    ["Blocked by", blockerText(blocker, now)],
    ["Next", nextText(explanation)],
  ];
}

function phaseText({ phase, phaseSince, inCluster, explainedAt }: Explanation): string {
  const since = phaseSince === undefined ? "" : ` since ${whenText(phaseSince, explainedAt)}`;
  const gone = inCluster === "Gone" ? "; the node no longer exists" : "";
  return `${phase}${since}${gone}`;
}

function failingText(
  { checker, reason, since, ran, carried, threshold, action }: FailingAnswer,
  now: number,
): string {
  const asks = action === "Reboot" ? `reboot after ${spanText(threshold)}` : "report only";
  const earlier = carried === 0 ? "" : `, ${spanText(carried)} of it left from earlier failures`;
  return `${checker}: ${reason} since ${whenText(since, now)}, observed for ${spanText(ran)}${earlier}; ${asks}`;
}

function flapsText({ checker, count, threshold, flappingSince }: FlapsAnswer, now: number): string {
  const flaps = flappingSince === undefined ? "" : `, flapping since ${whenText(flappingSince, now)}`;
  return `${checker}: ${count} from Fail to Pass within the hour${flaps} (flapping from ${threshold})`;
}

function curedText({ curedIn, lastReboot, attempts, explainedAt }: Explanation): [string, string][] {
  if (curedIn === undefined) return [];
  const freed = lastReboot?.recoveredAt === undefined ? "" : ", its place in the limits is free";
  const continues = `a failure before that continues the incident (${attempts.allowed} attempts)`;
  return [
    [
      "Cure",
      `if it stays healthy until ${whenText(explainedAt + curedIn, explainedAt)}${freed}; ${continues}`,
    ],
  ];
}

function skipText({ checker, reason, since }: SkipAnswer, now: number): string {
  return `${checker}: ${reason} since ${whenText(since, now)}; no repair follows from it`;
}

function lastRebootText({ lastReboot, explainedAt }: Explanation): string {
  if (lastReboot === undefined) return "none known";
  const { number, intendedAt, outcome, verification, waitUntil } = lastReboot;
  const proof = verification === undefined ? "" : `, ${verification}`;
  const wait = waitUntil > explainedAt ? `, waits until ${whenText(waitUntil, explainedAt)}` : ", wait over";
  return `${number} at ${whenText(intendedAt, explainedAt)}: ${outcome}${proof}${wait}`;
}

function jobText({ job, explainedAt }: Explanation): string {
  if (job === undefined) return "no pending reboot";
  const at = job.at === undefined ? "" : ` until ${whenText(job.at, explainedAt)}`;
  const said = job.said === undefined ? "" : `, said ${job.said.waitsFor}: ${job.said.why}`;
  return `${job.state}${at}${said}`;
}

function behindText({ why }: NonNullable<Explanation["behind"]>): string {
  return `the watchers' view: ${why}; a watcher compares it about every timings.viewProbeInterval, and lists the nodes`;
}

function blockerText(blocker: GateAnswer | undefined, now: number): string {
  if (blocker === undefined) return "nothing";
  const { gate, why, since } = blocker;
  return `${gate}: ${why}${since === undefined ? "" : `, since ${whenText(since, now)}`}`;
}

function nextText({ next, blocker, attempts, mode, explainedAt: now }: Explanation): string {
  const call = `reboot ${attempts.used + 1}${mode === "active" ? "" : " (simulated)"}`;
  switch (next.step) {
    case "None":
      return blocker?.gate === "NothingFailing" ? "nothing to do" : "nothing: a person must act";
    case "Reboot":
      return next.at <= now
        ? `${call}, when the pending reboot looks next`
        : `${call}, not before ${whenText(next.at, now)}`;
    case "LookAgain":
      return `asked again at ${whenText(next.at, now)}; ${call} waits until that ends`;
    default:
      return next satisfies never;
  }
}

function untilText({ until, ends }: GateAnswer, now: number): string {
  if (until === undefined) return "";
  return ends === true ? whenText(until, now) : `asked again ${instantText(until)}`;
}

/** Colours the answers after the columns are made: escape codes have no width. */
function painted(table: string, { good, bad, faint }: Palette): string {
  return table
    .split("\n")
    .map((line) =>
      line.replace(/^(?<gate>\w+ +)(?<answer>open|HOLDS|not asked)/u, (_, gate: string, answer: string) => {
        const paint = { open: good, HOLDS: bad }[answer] ?? faint;
        return `${gate}${paint(answer)}`;
      }),
    )
    .join("\n");
}
