import { LOG_EVENTS } from "@node-agent/shared/contract/log-events.ts";
import { SECOND, type EpochMillis } from "@node-agent/shared/core/time.ts";
import { formatDuration } from "@node-agent/shared/runtime/config/durations.ts";

type Line = Readonly<Record<string, unknown>>;

/** Most nodes, reboots and holds that are remembered and printed: a watch may run for a week. */
const MOST = 200;

interface WouldBeReboot {
  readonly at: EpochMillis;
  readonly node: string;
  readonly failing: string;
  readonly attempt: string;
}

interface Hold {
  readonly gate: string;
  readonly why: string;
  readonly since: EpochMillis;
}

/** What a watch of a real cluster heard, for the report at its end. */
export interface WatchReport {
  /** A log line of a worker. */
  hear(line: Line, at: EpochMillis): void;
  /** How many nodes the workers know now. */
  saw(nodes: number): void;
  /** The report, a line each. */
  lines(now: EpochMillis): readonly string[];
}

/** Gates that every repair passes in time; all others are news. */
const USUAL: ReadonlySet<string> = new Set(["Threshold", "WaitWindow", "NothingFailing", "Verifying"]);

/** Starts to listen. */
export function createReport(startedAt: EpochMillis): WatchReport {
  const open = new Set<string>();
  const ended = { alone: 0, rebooted: 0 };
  const rebooted: WouldBeReboot[] = [];
  const holds = new Map<string, Hold>();
  let incidents = 0;
  let left = 0;
  let seen = { latest: 0, most: 0 };

  const on: Readonly<Record<string, (node: string, line: Line, at: EpochMillis) => void>> = {
    [LOG_EVENTS.nodeUnhealthy]: (node) => {
      if (!open.has(node)) incidents += 1;
      open.add(node);
    },
    [LOG_EVENTS.rebootRequested]: (node, line, at) => {
      const reboot = { at, node, failing: listOf(line["failing"]), attempt: textOf(line["attempt"]) };
      if (rebooted.length < MOST) rebooted.push(reboot);
      else left += 1;
    },
    [LOG_EVENTS.rebootHeld]: (node, line, at) => {
      const gate = textOf(line["gate"]);
      if (USUAL.has(gate)) return;
      const key = `${node} ${gate}`;
      const since = holds.get(key)?.since ?? at;
      if (holds.has(key) || holds.size < MOST) holds.set(key, { gate, why: textOf(line["why"]), since });
    },
    [LOG_EVENTS.nodeRecovered]: (node, line) => {
      if (open.delete(node)) ended[line["reboots"] === 0 ? "alone" : "rebooted"] += 1;
    },
    [LOG_EVENTS.nodeGone]: (node) => void open.delete(node),
  };

  return {
    hear: (line, at) => on[textOf(line["event"])]?.(textOf(line["node"]), line, at),
    saw: (nodes) => void (seen = { latest: nodes, most: Math.max(seen.most, nodes) }),
    lines: (now) => [
      "Report of this watch (monitor-only: nothing was rebooted)",
      `  watched           ${formatDuration(roundSeconds(now - startedAt))}, ${instant(startedAt)} to ${instant(now)}`,
      `  nodes             ${seen.latest} at the end, ${seen.most} at most`,
      `  incidents         ${incidents}: ${ended.alone} recovered alone, ${ended.rebooted} after a would-be reboot, ${open.size} still open`,
      `  would-be reboots  ${rebooted.length + left}`,
      ...rebooted.map(
        ({ at, node, failing, attempt }) => `    ${instant(at)}  ${node}  ${failing}, attempt ${attempt}`,
      ),
      ...(left === 0 ? [] : [`    and ${left} more, in the logs of the workers`]),
      `  held              ${holds.size === 0 ? "nothing but thresholds and waits" : `${holds.size}, by another gate than a threshold or a wait`}`,
      ...[...holds].map(
        ([key, { gate, why, since }]) => `    ${instant(since)}  ${key.split(" ", 1)[0]}  ${gate}: ${why}`,
      ),
    ],
  };
}

function roundSeconds(span: number): number {
  return Math.round(span / SECOND) * SECOND;
}

function instant(at: EpochMillis): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/u, "Z");
}

function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "?";
}

function listOf(value: unknown): string {
  return Array.isArray(value) ? value.map(textOf).join(", ") : textOf(value);
}
