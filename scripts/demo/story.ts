import { LOG_EVENTS } from "@node-agent/shared/contract/log-events.ts";

type Line = Readonly<Record<string, unknown>>;

/** `monitor`: every sentence about a repair says "would be", since none is made. */
export type StoryMode = "active" | "monitor";

/**
 * Turns the log lines of workers into the story of an incident, a plain sentence per step. Undefined: nothing that a
 * visitor needs to hear.
 */
export function tell(line: Line, mode: StoryMode = "active"): string | undefined {
  const sentence = (mode === "active" ? ACTIVE : MONITOR)[String(line["event"])]?.(line);
  return sentence === undefined ? undefined : `${word(line["node"])}  ${sentence}`;
}

type Sentences = Readonly<Record<string, (line: Line) => string | undefined>>;

const ACTIVE: Sentences = {
  [LOG_EVENTS.nodeUnhealthy]: (line) =>
    `detected: ${list(line["failing"])}; reboot due in ${span(line["dueInSeconds"])} unless it recovers`,
  [LOG_EVENTS.rebootHeld]: (line) => held("reboot", line),
  [LOG_EVENTS.rebootRequested]: (line) =>
    `reboot requested: instance ${word(line["instanceId"])}, attempt ${word(line["attempt"])}`,
  [LOG_EVENTS.rebootAnswered]: (line) =>
    `${answer(word(line["outcome"]))}; waiting up to ${span(line["waitSeconds"])} for it to come back`,
  [LOG_EVENTS.nodeRecovered]: (line) =>
    `recovered after ${span(line["afterSeconds"])}, ${reboots(line["reboots"], "reboot")}`,
  [LOG_EVENTS.rebootVerified]: (line) => verified(word(line["verification"])),
  [LOG_EVENTS.nodeStillFailing]: (line) => `still fails after the wait: ${list(line["failing"])}`,
  [LOG_EVENTS.nodeFailed]: (line) =>
    `given up after ${reboots(line["attempts"], "reboot")}: a person has to look`,
  [LOG_EVENTS.nodeGone]: () => "is gone; nothing is kept of it",
  [LOG_EVENTS.rebootEnded]: (line) => ended("pending reboot", line),
};

const MONITOR: Sentences = {
  ...ACTIVE,
  [LOG_EVENTS.nodeUnhealthy]: (line) =>
    `detected: ${list(line["failing"])}; would be rebooted in ${span(line["dueInSeconds"])} unless it recovers`,
  [LOG_EVENTS.rebootHeld]: (line) => held("would-be reboot", line),
  [LOG_EVENTS.rebootRequested]: (line) =>
    `WOULD BE REBOOTED now: ${list(line["failing"])}, attempt ${word(line["attempt"])} (monitor-only: nothing is called)`,
  [LOG_EVENTS.rebootAnswered]: (line) =>
    `would be left alone for up to ${span(line["waitSeconds"])} after that reboot`,
  [LOG_EVENTS.nodeRecovered]: (line) =>
    `recovered after ${span(line["afterSeconds"])}, ${reboots(line["reboots"], "would-be reboot")}`,
  [LOG_EVENTS.rebootVerified]: (line) => `would-be reboot: ${word(line["verification"])}`,
  [LOG_EVENTS.nodeStillFailing]: (line) =>
    `still fails after the wait of its would-be reboot: ${list(line["failing"])}`,
  [LOG_EVENTS.nodeFailed]: (line) =>
    `would be given up after ${reboots(line["attempts"], "would-be reboot")}: a person has to look`,
  [LOG_EVENTS.rebootEnded]: (line) => ended("would-be reboot", line),
};

function held(what: string, line: Line): string | undefined {
  // The wait after a reboot was said by the answer already.
  if (line["gate"] === "WaitWindow") return undefined;
  if (line["gate"] === "Verifying") return `healthy again; the ${what} counts as a cure if the node stays so`;
  const waits = `waits for ${word(line["gate"])} (${word(line["why"])})`;
  return `${what === "reboot" ? "pending reboot" : what} ${waits}, next look in ${span(line["inSeconds"])}`;
}

function ended(what: string, line: Line): string | undefined {
  // After a recovery the end of the pending reboot is no news.
  return line["gate"] === "NothingFailing" ? undefined : `${what} ended: ${word(line["why"])}`;
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

function reboots(count: unknown, what: string): string {
  if (count === 0) return `without a ${what}`;
  return count === 1 ? `1 ${what}` : `${word(count)} ${what}s`;
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
