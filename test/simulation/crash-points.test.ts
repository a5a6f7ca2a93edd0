import { beforeAll, describe, expect, test } from "vitest";
import type { CallFault } from "./network.ts";
import { oneReboot, type OneReboot } from "./one-reboot.ts";

const FAULTS: readonly CallFault[] = [
  "CrashBefore",
  "CrashAfter",
  "LostRequest",
  "LostReply",
  "FreezeBefore",
  "FreezeAfter",
];
const AFTERMATHS: readonly NonNullable<OneReboot["aftermath"]>[] = [
  "nothing",
  "Redis is lost",
  "the node heals",
];

let calls: readonly string[];
beforeAll(async () => {
  ({ calls } = await oneReboot({}));
});

test("a reboot is made of all the calls that the protocol names", () => {
  for (const method of [
    "get",
    "read",
    "raise",
    "list",
    "listUnhealthy",
    "listClusterInstances",
    "getInstance",
    "compareAndSet",
    "compareAndWrite",
    "hardReboot",
    "updateProgress",
    "moveToDelayed",
  ]) {
    expect(calls).toContain(method);
  }
});

test("without a fault a sick node is rebooted once", async () => {
  expect(await oneReboot({})).toMatchObject({ reboots: 1, violations: [] });
});

describe.each(AFTERMATHS)("after the fault: %s", (aftermath) => {
  test.each(FAULTS)(
    "%s at any call: at most one reboot per wait, and the node is well again",
    async (fault) => {
      for (const gpu of aftermath === "nothing" ? [false, true] : [false]) {
        for (let at = 0; at < calls.length; at += 1) {
          const { violations, reboots } = await oneReboot({ at, fault, aftermath, gpu });
          const where = `${fault} at call ${at}, ${calls[at]}, then ${aftermath}, gpu ${gpu}`;
          expect(violations, where).toEqual([]);
          // A node that healed by itself may need none, and one whose wait Redis forgot had one before.
          expect(reboots, where).toBeGreaterThanOrEqual(aftermath === "the node heals" ? 0 : 1);
          expect(reboots, where).toBeLessThanOrEqual(1);
        }
      }
    },
  );
});

test.each(FAULTS)(
  "%s at any call of a reboot that does not help: the next one comes after the wait",
  async (fault) => {
    const { calls: twice } = await oneReboot({ stubborn: true });
    for (let at = 0; at < twice.length; at += 1) {
      const { violations } = await oneReboot({ at, fault, stubborn: true });
      expect(violations, `${fault} at call ${at}, ${twice[at]}`).toEqual([]);
    }
  },
);
