import { describe, expect, test } from "vitest";
import { withPossibleTimes } from "../../../packages/shared/src/core/damaged.ts";
import { settle } from "../../../packages/shared/src/core/gates/claims.ts";
import { DEFAULT_POLICY } from "../../../packages/shared/src/core/policy.ts";
import type { NodeRecord } from "../../../packages/shared/src/core/record.ts";
import { DAY, HOUR, MINUTE } from "../../../packages/shared/src/core/time.ts";

const NOW = Date.UTC(2026, 10, 1);
const NEVER = 8.64e15;
const LONGEST = DEFAULT_POLICY.rebootWait.gpu;
const possible = (record: NodeRecord) => withPossibleTimes(record, DEFAULT_POLICY, NOW);

const RECORD: NodeRecord = {
  schema: 1,
  name: "n",
  uid: "u",
  phase: "Unhealthy",
  phaseSince: NOW - HOUR,
  firstSeenAt: NOW - DAY,
  everReady: true,
  gpuNode: false,
  gpuHighWater: 0,
  monitorOnly: false,
  failing: {},
};

const waiting = (waitUntil: number): NodeRecord => ({
  ...RECORD,
  phase: "WaitingReboot",
  lastReboot: {
    incidentId: "i",
    number: 1,
    instanceId: "vm",
    token: "t",
    intendedAt: NOW - MINUTE,
    outcome: "Accepted",
    detail: "",
    waitUntil,
  },
});

describe("times in a record that nobody of ours can have written", () => {
  test("a record whose times are possible stays the same object", () => {
    for (const record of [
      RECORD,
      waiting(NOW - HOUR),
      waiting(NOW + LONGEST),
      waiting(NOW + LONGEST + HOUR),
    ]) {
      expect(possible(record)).toBe(record);
    }
  });

  test("a wait that never ends becomes the longest there is, from now on", () => {
    expect(possible(waiting(NEVER)).lastReboot?.waitUntil).toBe(NOW + LONGEST);
  });

  test("a wait is never shortened below the longest there is", () => {
    for (let hours = 0; hours < 72; hours += 1) {
      const asked = NOW + hours * HOUR;
      const kept = possible(waiting(asked)).lastReboot?.waitUntil ?? 0;
      expect(kept).toBeGreaterThanOrEqual(Math.min(asked, NOW + LONGEST));
    }
  });

  test("boots and first sights in the future are of now", () => {
    const forged = { ...RECORD, bootSeenAt: NEVER, foreignBootAt: NEVER, firstSeenAt: NEVER };
    expect(possible(forged)).toEqual({ ...RECORD, bootSeenAt: NOW, foreignBootAt: NOW, firstSeenAt: NOW });
  });

  test("a boot in the future holds a node no longer than a boot of this moment, also before it is judged again", () => {
    const input = { policy: DEFAULT_POLICY, now: NOW, observed: 0, viewAge: 0 };
    for (const field of ["bootSeenAt", "foreignBootAt"] as const) {
      const forged = settle({ ...input, record: { ...RECORD, [field]: NEVER } });
      const honest = settle({ ...input, record: { ...RECORD, [field]: NOW } });
      expect(forged).toMatchObject({ open: false, until: honest.until });
    }
  });
});
