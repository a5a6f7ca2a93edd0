import type { FailingChecker, FailingNode } from "@node-agent/shared/core/fleet-repairs.ts";
import type { CheckerSummary, EvidenceSummary, FleetSummary } from "@node-agent/shared/core/fleet-summary.ts";
import { PHASES } from "@node-agent/shared/core/phase.ts";
import { standingGrantText, standingPauseText } from "./orders-text.ts";
import { factsText, spanText, tableText, whenText } from "./text.ts";

/** Most pools, zones or nodes that the text names; `-o json` has all of them. */
const MOST_NAMED = 20;

/** The lines above the tables, in order: a label, and its text, texts, or undefined for no line. Add lines here. */
const LINES: readonly (readonly [
  label: string,
  text: (summary: FleetSummary) => string | readonly string[] | undefined,
])[] = [
  [
    "Mode",
    ({ mode }) =>
      mode === "active" ? "active" : "monitor-only: nothing is repaired; this shows what would be",
  ],
  ["Paused", ({ orders }) => orders?.pauses.map(standingPauseText)],
  ["Grant", ({ orders, at }) => orders?.grants.map((grant) => standingGrantText(grant, at))],
  ["Nodes", nodesText],
  ["Pools", ({ pools }) => listText(pools.map((group) => groupText(group, "without a pool label")))],
  ["Zones", ({ zones }) => listText(zones.map((group) => groupText(group, "without a zone label")))],
  ["GPUs", gpusText],
  ["Network", ({ networks }) => evidenceText(networks, "no sign of a CNI on any node")],
  ["Other owners", ({ owners }) => evidenceText(owners, "no mark of another owner on any node")],
  ["Planned work", ({ work }) => (work.length === 0 ? undefined : evidenceText(work, "none"))],
  ["Flapping", ({ flapping = [] }) => (flapping.length === 0 ? undefined : evidenceText(flapping, "none"))],
  ["Phases", phasesText],
  ["Repairs", repairsText],
];

/** A summary of the fleet for a person. `noOrders`: why pauses and grants are not known. */
export function statusText(summary: FleetSummary, cluster: string, noOrders?: string): string {
  const facts = LINES.flatMap(([label, text]) => {
    const lines = [text(summary) ?? []].flat();
    return lines.map((line) => [label, line] as const);
  });
  const unknown =
    noOrders === undefined ? [] : [["Orders", `pauses and grants are not known: ${noOrders}`] as const];
  return [
    factsText([["Cluster", cluster], ...unknown, ...facts]),
    checkersText(summary),
    ...(summary.failing.length === 0 ? [] : [failingText(summary)]),
  ].join("\n");
}

function nodesText({ nodes: { selected, leftOut } }: FleetSummary): string {
  const rest =
    leftOut === 0 ? "" : `, ${leftOut} left out by nodePools, includeControlPlane or includeVirtual`;
  return `${selected} selected${rest}`;
}

function groupText(
  { name, nodes, failing }: { readonly name?: string; readonly nodes: number; readonly failing: number },
  nameless: string,
): string {
  return `${name ?? nameless}: ${nodes}${failing === 0 ? "" : ` (${failing} failing)`}`;
}

function gpusText({ gpus: { nodes, resources } }: FleetSummary): string {
  if (nodes === 0) return "no GPU node";
  const units = resources.map(({ name, capacity, allocatable }) => `${name} ${allocatable} of ${capacity}`);
  return `${countText(nodes)}; allocatable units: ${units.length === 0 ? "none" : listText(units)}`;
}

function evidenceText(found: readonly EvidenceSummary[], none: string): string {
  const texts = found.map(({ name, nodes, seen }) => `${name} on ${countText(nodes)} (${listText(seen)})`);
  return texts.length === 0 ? none : listText(texts);
}

function phasesText({ phases }: FleetSummary): string | undefined {
  if (phases === undefined) return undefined;
  const counts = PHASES.filter((phase) => phases[phase] > 0).map((phase) => `${phases[phase]} ${phase}`);
  const { unjudged } = phases;
  if (counts.length === 0 && unjudged > 0)
    return "no worker has judged a node of this cluster: is a watcher running, and a worker, with this cluster name?";
  return listText([...counts, ...(unjudged === 0 ? [] : [`${unjudged} not judged by a worker yet`])]);
}

function repairsText({ failing, mode }: FleetSummary): string {
  if (failing.length === 0) return "no node fails";
  const count = (repair: FailingNode["repair"]): number =>
    failing.filter((node) => node.repair === repair).length;
  const due = mode === "active" ? "due now" : "would be repaired now";
  return `${countText(failing.length)} failing: ${count("Due")} ${due}, ${count("Waits")} waiting, ${count("Held")} held, ${count("None")} without a repair`;
}

function checkersText({ checkers, nodes: { selected } }: FleetSummary): string {
  const rows = checkers.map((one) => [one.checker, String(one.judged), String(one.failing), skipsText(one)]);
  const silent = checkers.filter(({ judged }) => selected > 0 && judged === 0).map(appliesNowhere);
  return `${tableText(["CHECKER", "JUDGES", "FAILING", "SKIPS"], rows)}${silent.join("")}`;
}

/** A skip that replaces an earlier judgement says that something about the node changed. */
function skipsText({ skipped, judgedBefore }: CheckerSummary): string {
  if (skipped.length === 0) return "0";
  const reasons = skipped.map(({ reason, nodes }) => `${nodes} ${reason}`).join(", ");
  return judgedBefore === 0 ? reasons : `${reasons}; ${judgedBefore} of them judged before`;
}

/** A checker that never has anything to say looks like one that is always content; this tells them apart. */
function appliesNowhere({ checker, skipped }: CheckerSummary): string {
  const why = skipped.map(({ reason }) => reason).join(", ");
  return `${checker} applies to no node of this cluster (${why})\n`;
}

function failingText({ failing, at, mode, notAsked }: FleetSummary): string {
  const shown = failing.slice(0, MOST_NAMED);
  const rows = shown.map((node) => [
    node.node,
    node.pool ?? "-",
    node.failing.map((one) => checkText(one, at)).join(", "),
    repairText(node, at, mode),
  ]);
  const more = failing.length - shown.length;
  return [
    tableText(["NODE", "POOL", "FAILING", "REPAIR"], rows),
    more === 0 ? "" : `and ${countText(more)} more; -o json has all\n`,
    `Not asked here: ${notAsked.join(", ")}. Ask with: node-agent explain <node>\n`,
  ].join("");
}

function checkText({ checker, reason, since }: FailingChecker, now: number): string {
  return `${checker}/${reason}${since === undefined ? "" : ` for ${spanText(Math.max(0, now - since))}`}`;
}

function repairText({ repair, holds }: FailingNode, now: number, mode: FleetSummary["mode"]): string {
  const isActive = mode === "active";
  switch (repair) {
    case "Due":
      return isActive ? "reboot due now" : "would be rebooted now";
    case "Waits": {
      const end = Math.max(now, ...holds.map(({ until = now }) => until));
      const what = isActive ? "reboot" : "would be rebooted";
      return `${what} not before ${whenText(end, now)}: ${holds.map(({ gate }) => gate).join(", ")}`;
    }
    case "Held": {
      // A hold without an end is the one that an operator can do something about.
      const hold = holds.find(({ until }) => until === undefined);
      const by = `${hold?.gate ?? "?"}: ${hold?.why ?? "?"}`;
      return isActive ? `reboot held by ${by}` : `would be rebooted, were it not held by ${by}`;
    }
    case "None":
      return `${isActive ? "no reboot" : "would not be rebooted"}: ${holds[0]?.why ?? "?"}`;
    default:
      return repair satisfies never;
  }
}

function countText(nodes: number): string {
  return `${nodes} node${nodes === 1 ? "" : "s"}`;
}

function listText(texts: readonly string[]): string {
  const rest = texts.length - MOST_NAMED;
  const shown = texts.slice(0, MOST_NAMED).join(", ");
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}
