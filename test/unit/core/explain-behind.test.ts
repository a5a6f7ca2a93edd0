import { describe, expect, test } from "vitest";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { explain } from "@node-agent/shared/core/explain.ts";
import type { ExplainInput } from "@node-agent/shared/core/explain-input.ts";
import { judge, type Rules } from "@node-agent/shared/core/judge.ts";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { emptyLedger } from "@node-agent/shared/core/ledger/steps.ts";
import { DAY, HOUR, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { aNode, instanceIdOf } from "@node-agent/shared/testing/builders.ts";
import { ACTIVE, NOON } from "./timeline.ts";

const RULES: Rules = { policy: ACTIVE, checkers: createCheckers(ACTIVE) };

/** A node that died a while ago, of which the workers know nothing; its record says Healthy. */
function input(behind: ExplainInput["behind"]): ExplainInput {
  const fresh = { record: undefined, damaged: false };
  const { after } = judge(aNode().snapshot(), fresh, RULES, { now: NOON - HOUR, observed: DAY - HOUR });
  return {
    name: "node-1",
    rules: RULES,
    now: NOON,
    observed: DAY,
    viewAge: 500,
    record: after,
    damaged: false,
    node: { state: "Found", snapshot: aNode().notReady().snapshot() },
    ...(behind === undefined ? {} : { behind }),
    viewProbeInterval: MINUTE,
    fleet: { state: "Unread", why: "not asked" },
    ledger: { state: "Trusted", ledger: emptyLedger("cluster-1", "init", NOON), clocks: clocksOf([NOON]) },
    hosting: { state: "Seen", hosting: { others: [], redis: false, openReboots: 0 } },
    instanceId: instanceIdOf("node-1"),
    job: { state: "delayed", at: NOON + 3 * SECOND },
  };
}

describe("an explanation of a node whose stored snapshot contradicts the API server", () => {
  test.each([
    [
      { stored: "1203", server: "1014" },
      "they stored version 1203 of this node, the API server has version 1014: its etcd was restored, and they have not noticed yet",
    ],
    [
      { stored: "1014", server: "1203" },
      "they stored version 1014 of this node, the API server has version 1203",
    ],
    [{ server: "1014" }, "they have not stored this node, the API server has its version 1014"],
    [{ stored: "1203" }, "they stored version 1203 of this node, the API server has none"],
  ])("%j is told in words, and promises nothing", (behind, why) => {
    const explained = explain(input(behind));
    expect(explained.behind).toEqual({ part: "View", ...behind, why });
    expect(explained.blocker).toEqual({
      gate: "Blind",
      answer: "Holds",
      why: `the watchers' view is behind: ${why}`,
      until: NOON + MINUTE,
      ends: false,
    });
    // Not in 3 s, when the pending reboot looks next: it would look at what is behind.
    expect(explained.next).toEqual({ step: "LookAgain", at: NOON + MINUTE });
  });

  test("without a contradiction says nothing of it", () => {
    const explained = explain(input(undefined));
    expect(explained).not.toHaveProperty("behind");
    expect(explained.blocker?.gate).toBe("Threshold");
  });
});
