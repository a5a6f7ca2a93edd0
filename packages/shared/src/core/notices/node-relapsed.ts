import { reboots, tell } from "../event-story.ts";
import { MINUTE } from "../time.ts";
import type { Notice } from "./notice.ts";

/** The node fails again before its latest repair counted as a cure: the incident goes on with its attempts. */
export const nodeRelapsed: Notice = (before, after, now) => {
  const last = before?.lastIncident;
  const { incident } = after;
  if (last === undefined || incident === undefined || incident.id !== last.id) return undefined;
  const minutes = Math.floor(Math.max(0, incident.startedAt - last.endedAt) / MINUTE);
  return tell(after, now, {
    reason: "NodeRelapsed",
    type: "Warning",
    message: `fails again after ${minutes} min of health: the incident goes on after ${reboots(incident.attempts)}${after.monitorOnly ? " that would have been made" : ""}`,
    of: [incident.id, incident.startedAt],
  });
};
