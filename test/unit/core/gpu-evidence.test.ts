import { describe, expect, test } from "vitest";
import type { CheckResult } from "@node-agent/shared/core/check.ts";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { judge, type Judged, type Rules } from "@node-agent/shared/core/judge.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { bare, DRA, EIGHT, GPU, ROWS, type Row } from "./gpu-evidence-rows.ts";

const NOW = Date.UTC(2026, 10, 30, 12);

function lastLook({ looks, policy }: Row): Judged {
  const all = { ...DEFAULT_POLICY, ...policy };
  const rules: Rules = { checkers: createCheckers(all), policy: all };
  let record: NodeRecord | undefined;
  let judged: Judged | undefined;
  for (const [i, look] of looks.entries()) {
    const at = NOW + i * HOUR;
    judged = judge(look.snapshot(), { record, damaged: false }, rules, { now: at, observed: at });
    record = judged.after;
  }
  if (judged === undefined) throw new Error("a row needs a look");
  return judged;
}

function verdictOf(row: Row): string {
  const found = lastLook(row).evaluation.judgements.find(({ checker }) => checker === "GPU");
  const { verdict, reason }: CheckResult = found ?? { verdict: "Skip", reason: "missing" };
  return `${verdict} ${reason}`;
}

describe("GPUs are judged by evidence, never by absence (decision 20)", () => {
  test.each(ROWS.map((row) => ({ ...row, name: row.what })))("$name: $verdict", (row) => {
    expect(verdictOf(row)).toBe(row.verdict);
  });

  test("a node that moved to DRA has no number of GPUs to be held to", () => {
    const looks = [bare.gpu(8), bare.gpu(8).resource(GPU, 0).labels(DRA)];
    expect(lastLook({ what: "", looks, verdict: "" }).after).toMatchObject({
      gpuHighWater: 0,
      gpuNode: true,
      gpu: {},
    });
  });

  test("the same look again changes nothing, whatever the row", () => {
    for (const row of ROWS) {
      const again = lastLook({ ...row, looks: [...row.looks, ...row.looks.slice(-1)] });
      const { phaseSince: _since, ...record } = again.before ?? again.after;
      const { phaseSince: _again, ...after } = again.after;
      expect(JSON.stringify(after.gpu), row.what).toBe(JSON.stringify(record.gpu));
      expect(after.gpuHighWater, row.what).toBe(record.gpuHighWater);
      expect(verdictOf({ ...row, looks: [...row.looks, ...row.looks.slice(-1)] }), row.what).toBe(
        row.verdict,
      );
    }
  });

  test("an annotation that is no number accepts nothing", () => {
    for (const value of ["", "seven", "-1", "7.5", "1e3", "99999"]) {
      const looks = [bare.gpu(8), bare.gpu(7).annotation("node-agent.civo.com/accepted-gpus", value)];
      expect(verdictOf({ what: value, looks, verdict: "" })).toBe("Fail GPUCountMismatch");
    }
  });

  test("a node in its first minutes is starting", () => {
    const young = bare.createdAt(NOW - MINUTE);
    expect(verdictOf({ what: "", looks: [young], policy: EIGHT, verdict: "" })).toBe("Skip GPUStartup");
  });
});
