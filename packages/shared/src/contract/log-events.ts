/**
 * The `event` field of log lines that tell the life of an incident: one closed set, so that a person, a log query and
 * our own story teller find the same things. A retired name is never used again.
 */
export const LOG_EVENTS = {
  nodeUnhealthy: "NodeUnhealthy",
  nodeRecovered: "NodeRecovered",
  nodeStillFailing: "NodeStillFailing",
  nodeFailed: "NodeFailed",
  nodeGone: "NodeGone",
  rebootHeld: "RebootHeld",
  rebootEnded: "RebootEnded",
  rebootRequested: "RebootRequested",
  rebootAnswered: "RebootAnswered",
  rebootVerified: "RebootVerified",
  rebootRecalled: "RebootRecalled",
  grantBegan: "GrantBegan",
  grantEnded: "GrantEnded",
  notice: "Notice",
  viewDistrusted: "ViewDistrusted",
  cacheDrift: "CacheDrift",
  fault: "Fault",
} as const;
export type LogEvent = (typeof LOG_EVENTS)[keyof typeof LOG_EVENTS];
