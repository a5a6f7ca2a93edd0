/**
 * Every feature of the protocol that protects somebody, and what the code does without it. Each one has an ablation
 * (`ablations.ts`): the same model without it, in which a promise must break. A feature whose removal breaks nothing is
 * decoration, and does not belong here.
 */
export const PROTECTIONS = {
  ledger: "no ledger: the worker calls after a look at the node",
  compareAndSet: "the intent is written whatever the ledger says by now",
  freshRead: "the node is not read again before the intent",
  deadline: "the call is made however long ago the first read was",
  deadlineFromFirstRead: "the deadline starts at the read of the node, not at the first read",
  windowCoversTransaction: "the window is the wait alone, without S and D",
  windowCoversSkew: "the window has no allowance for clocks that differ",
  windowCoversMargin: "the window has no margin for late sends and late clouds",
  latestAndEarliestClock: "windows are stamped and checked with the worker's own clock",
  unknownIsReboot: "an answer that never came is taken for not sent",
  lostIntentStops: "an intent whose write was not answered is taken for written",
  budgetInLedger: "the budget is not part of the transaction",
  openIntentExpires: "an intent without an outcome blocks its VM for good",
  notSentMeansNothingLeft: "a connection that broke while sending is taken for not sent",
  refusalIsFinal: "somebody on the way repeats the call: the refusal answers the second one",
  releaseFencedByToken: "a release does not look whose intent it releases",
  releaseComparesAndSets: "a release overwrites whatever is in the ledger by now",
  releaseOnlyOpenIntent: "a release also shortens a window whose outcome was settled",
  cooldown: "a released window is open at once",
  curedKeepsWindow: "a verified cure ends the window in the ledger too",
  curedTakesTime: "a cure is believed at first sight, while the call may still be on its way",
  curedIsRead: "a cure is taken from the record in Redis, not from a fresh read of the node",
  notExecutedKeepsWindow: "an unchanged boot id means not executed, and ends the window",
  foreignBootCounts: "a boot that we did not cause starts no wait",
  everyBootCounts: "a boot within our own window is taken for ours and starts no wait",
  gpuSticky: "the GPU window follows the label of the moment",
  gpuOutlivesPruning: "a pruned entry takes the knowledge of GPUs with it",
  silenceQuarantines: "a ledger that nobody wrote to for long is believed",
  quarantineBeats: "the write of a quarantine is no sign of life",
  outcomeRespectsSilence: "an outcome is written to a silent ledger, and is its sign of life",
  intentDeadline: "an intent is written however long ago the read it builds on was",
  releaseDeadline: "a release is written however long ago the read it builds on was",
  youngLedgerWaits: "a ledger that was created a moment ago is believed",
} as const;
export type Protection = keyof typeof PROTECTIONS;
