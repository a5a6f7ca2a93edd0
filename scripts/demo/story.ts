import { LOG_EVENTS } from "@node-agent/shared/contract/log-events.ts";

type Line = Readonly<Record<string, unknown>>;

/**
 * Turns the log lines of workers into the story of an incident, a plain sentence per step. Undefined: nothing that a
 * visitor needs to hear.
 */
export function tell(line: Line): string | undefined {
  const node = word(line["node"]);
  switch (line["event"]) {
    case LOG_EVENTS.nodeUnhealthy:
      return `${node}  detected: ${list(line["failing"])}; reboot due in ${span(line["dueInSeconds"])} unless it recovers`;
    case LOG_EVENTS.rebootHeld:
      return held(node, line);
    case LOG_EVENTS.rebootRequested:
      return line["mode"] === "monitor"
        ? `${node}  would be rebooted now (monitor-only: nothing is called), attempt ${word(line["attempt"])}`
        : `${node}  reboot requested: instance ${word(line["instanceId"])}, attempt ${word(line["attempt"])}`;
    case LOG_EVENTS.rebootAnswered:
      return `${node}  ${answer(word(line["outcome"]))}; waiting up to ${span(line["waitSeconds"])} for it to come back`;
    case LOG_EVENTS.nodeRecovered:
      return `${node}  recovered after ${span(line["afterSeconds"])}, ${reboots(line["reboots"])}`;
    case LOG_EVENTS.rebootVerified:
      return `${node}  ${verified(word(line["verification"]))}`;
    case LOG_EVENTS.nodeStillFailing:
      return `${node}  still fails after the wait: ${list(line["failing"])}`;
    case LOG_EVENTS.nodeFailed:
      return `${node}  given up after ${reboots(line["attempts"])}: a human has to look`;
    case LOG_EVENTS.nodeGone:
      return `${node}  is gone; nothing is kept of it`;
    case LOG_EVENTS.rebootEnded:
      // After a recovery the end of the pending reboot is no news.
      return line["gate"] === "NothingFailing"
        ? undefined
        : `${node}  pending reboot ended: ${word(line["why"])}`;
    default:
      return undefined;
  }
}

function held(node: string, line: Line): string | undefined {
  // The wait after a reboot was told by the answer already.
  if (line["gate"] === "WaitWindow") return undefined;
  if (line["gate"] === "NothingFailing")
    return `${node}  healthy again; the reboot counts as a cure if the node stays so`;
  const waits = `waits for ${word(line["gate"])} (${word(line["why"])})`;
  return `${node}  pending reboot ${waits}, next look in ${span(line["inSeconds"])}`;
}

function answer(outcome: string): string {
  switch (outcome) {
    case "Accepted":
      return "the cloud accepted";
    case "Simulated":
      return "nothing was called";
    case "Unknown":
      return "no clear answer, so it counts as rebooted";
    default:
      return `no reboot happened (${outcome})`;
  }
}

function verified(verification: string): string {
  switch (verification) {
    case "Cured":
      return "reboot verified: a new boot id, and the node stayed healthy";
    case "StillBad":
      return "reboot verified: a new boot id, but it still fails";
    case "NotExecuted":
      return "no reboot happened: the boot id is the old one";
    default:
      return `reboot verified: ${verification}`;
  }
}

function reboots(count: unknown): string {
  if (count === 0) return "without a reboot";
  return count === 1 ? "1 reboot" : `${word(count)} reboots`;
}

function word(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "?";
}

function list(value: unknown): string {
  return Array.isArray(value) ? value.map(word).join(", ") : word(value);
}

function span(seconds: unknown): string {
  if (typeof seconds !== "number") return "?";
  return seconds >= 120 ? `${Math.round(seconds / 60)} min` : `${seconds} s`;
}
