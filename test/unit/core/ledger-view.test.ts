import { describe, expect, test } from "vitest";
import { ledgerView } from "@node-agent/shared/core/gates/ledger-view.ts";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import { Limits, UNCOUNTED } from "@node-agent/shared/core/storm/limits.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { aLedger, anEntry, NOON } from "./ledger-build.ts";

const entry = anEntry({ at: NOON - 20 * MINUTE, notBefore: NOON, outcome: "StillBad" });
const view = (...times: readonly number[]) => {
  const [ledger, clocks] = [aLedger([entry]), clocksOf(times)];
  const limits = new Limits(ledger, UNCOUNTED, DEFAULT_POLICY, clocks);
  return ledgerView(
    { instanceId: entry.instanceId, checkers: [] },
    { ledger, clocks, limits },
    Math.max(...times),
  );
};

describe("the window of a VM", () => {
  test("runs until the slowest clock says that it is over, and is named by an instant that is still to come", () => {
    expect(view(NOON - 1, NOON + MINUTE).notBefore).toBe(NOON + MINUTE + 1);
    expect(view(NOON, NOON + MINUTE)).not.toHaveProperty("notBefore");
  });

  test("is told as it stands while it runs by every clock", () => {
    expect(view(NOON - MINUTE, NOON - 30_000).notBefore).toBe(NOON);
  });
});
