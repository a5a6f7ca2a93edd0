/** The transition relation: everything that can happen, as a list of named rules. */
import { send, sendAfterFreeze } from "./rules/call.ts";
import { cloudReboots, cloudRefuses, requestIsLost } from "./rules/cloud.ts";
import { bootIsSeen, foreignReboot, healthChanges, machineComesUp, recordIsLost } from "./rules/machines.ts";
import { answerIsMissing, readToRelease, verifyBoot, verifyNoBoot, writeRelease } from "./rules/outcomes.ts";
import { failureAges, grantEnds, grantIsGiven } from "./rules/breaker.ts";
import { gateLooks, gateWatches, processRestarts, redisForgets } from "./rules/gates.ts";
import { incidentEnds, proveNoBoot, retry } from "./rules/attempts.ts";
import { orderIsGiven, pauseIsOrdered, trustIsGiven } from "./rules/orders.ts";
import { fallAsleep, planHolds, planIsMade, plansEnd, sleepEnds } from "./rules/plan.ts";
import type { Rule } from "./rules/rule.ts";
import { etcdRestore, etcdSnapshot, heartbeat, pruning, recreation } from "./rules/store.ts";
import { timePasses } from "./rules/time.ts";
import { giveUp, readLedger, readNode, writeIntent } from "./rules/transaction.ts";

/** Traces read best when the ordinary comes before the faults: of two shortest ways, the one found first is shown. */
export const RULES: readonly Rule[] = [
  timePasses,
  healthChanges,
  machineComesUp,
  readLedger,
  readNode,
  writeIntent,
  send,
  sendAfterFreeze,
  cloudReboots,
  cloudRefuses,
  readToRelease,
  writeRelease,
  verifyBoot,
  verifyNoBoot,
  proveNoBoot,
  incidentEnds,
  retry,
  planIsMade,
  planHolds,
  fallAsleep,
  sleepEnds,
  failureAges,
  grantIsGiven,
  grantEnds,
  answerIsMissing,
  requestIsLost,
  giveUp,
  foreignReboot,
  bootIsSeen,
  recordIsLost,
  heartbeat,
  gateLooks,
  gateWatches,
  pauseIsOrdered,
  orderIsGiven,
  trustIsGiven,
  etcdSnapshot,
  etcdRestore,
  recreation,
  processRestarts,
  redisForgets,
  plansEnd,
  pruning,
];
