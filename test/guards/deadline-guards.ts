import type { Guard } from "./guard.ts";

const CALL = "packages/worker/src/reboot-call.ts";
const DEADLINE = "packages/worker/src/send-deadline.ts";
const UNIT = "test/unit/worker";

/** The guards of the time between the first read and the call. */
export const DEADLINE_GUARDS: readonly Guard[] = [
  {
    guard: "send deadline, monotonic clock",
    file: DEADLINE,
    from: "return mono > limit || wall",
    to: "return wall",
    tests: [`${UNIT}/reboot-send.test.ts`],
  },
  {
    guard: "send deadline, wall clock",
    file: DEADLINE,
    from: " || wall > limit ||",
    to: " ||",
    tests: [`${UNIT}/reboot-send.test.ts`],
  },
  {
    guard: "send deadline, a wall clock that ran back",
    file: DEADLINE,
    from: " || wall < 0;",
    to: ";",
    tests: [`${UNIT}/reboot-send.test.ts`],
  },
  {
    guard: "send deadline, side by side with the call",
    file: CALL,
    from: "    if (this.#deadline.isOver(transaction)) {\n      const missed",
    to: "    if (false as boolean) {\n      const missed",
    tests: [`${UNIT}/reboot-send.test.ts`],
  },
  {
    guard: "send deadline, before the intent: what is too late costs no attempt and no pause",
    file: CALL,
    from: "    if (this.#deadline.isOver(transaction)) {\n      const { why",
    to: "    if (false as boolean) {\n      const { why",
    tests: [`${UNIT}/reboot-send.test.ts`],
  },
  {
    guard: "send deadline: the pause after a miss grows",
    file: DEADLINE,
    from: "limit * 2 ** (misses - 1)",
    to: "limit",
    tests: [`${UNIT}/send-deadline.test.ts`],
  },
  {
    guard: "send deadline: a process that only stood still tries again at once",
    file: DEADLINE,
    from: "const pause = innocent && misses <= AT_ONCE ? 0 : ",
    to: "const pause = ",
    tests: [`${UNIT}/send-deadline.test.ts`],
  },
  {
    guard: "send deadline: the list of instances is read before it starts",
    file: "packages/worker/src/reboot-processor.ts",
    from: "    await executor.readAhead(signal);\n",
    to: "",
    tests: [`${UNIT}/reboot-crash.test.ts`],
  },
];
