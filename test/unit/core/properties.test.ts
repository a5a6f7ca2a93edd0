import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CHECKER_NAMES } from "@node-agent/shared/core/check.ts";
import { recordSchema } from "@node-agent/shared/contract/stored.ts";
import { dueIn } from "@node-agent/shared/core/due.ts";
import type { NodeEvent } from "@node-agent/shared/core/events.ts";
import { GATES, type GateName, type GateVerdict } from "@node-agent/shared/core/gates/gate.ts";
import { gateVerdicts, type RebootStep } from "@node-agent/shared/core/gates/list.ts";
import { PHASES, type Phase } from "@node-agent/shared/core/phase.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { isVerdictPending } from "@node-agent/shared/core/verification.ts";
import { transition } from "@node-agent/shared/core/transition.ts";
import { anyOp, live, WorkerModel, type Moment, type Op } from "./worker-model.ts";

const stories = (op: fc.Arbitrary<Op> = anyOp) => fc.array(op, { minLength: 20, maxLength: 100 });

/** More for a long search: `PROPERTY_RUNS=50000`. */
const numRuns = Number(process.env["PROPERTY_RUNS"] ?? 400);

/** Holds at every moment of every story. */
function always(check: (moment: Moment) => void, op = anyOp): void {
  fc.assert(
    fc.property(stories(op), (story) => live(story, check)),
    { numRuns },
  );
}

/** Holds whenever the worker is told to call. */
function atEveryCall(check: (moment: Moment & { before: NodeRecord }) => void): void {
  always((moment) => {
    if (moment.step?.step === "CallExecutor") check(moment as Moment & { before: NodeRecord });
  });
}

describe("at every call", () => {
  test("P1: the wait of the VM's latest counted attempt is over, whatever its node was called since", () => {
    atEveryCall(({ oracle, now }) => expect(now).toBeGreaterThanOrEqual(oracle.waitUntil()));
  });

  test("P2: a checker that asks for a reboot fails, and has filled up in watched time, draining while it passed", () => {
    atEveryCall(({ oracle, policy }) => {
      const due = CHECKER_NAMES.filter((name) => {
        const { enabled, action, threshold } = policy.checkers[name];
        return enabled && action === "Reboot" && (oracle.filled(name) ?? -1) >= threshold;
      });
      expect(due).not.toEqual([]);
    });
  });

  test("P3: the latest judgement failed, and was made in the present mode", () => {
    atEveryCall(({ oracle, policy }) => {
      expect(oracle.verdict).toBe("Fail");
      expect(oracle.mode).toBe(policy.monitorOnly);
    });
  });

  test("P4: attempts are left, relapses inside a wait or before a cure counted with the incident before", () => {
    atEveryCall(({ oracle, policy, step, before }) => {
      expect(oracle.counted.size).toBeLessThan(policy.maxAttempts);
      expect(step).toMatchObject({ attempt: (before.incident?.attempts ?? 0) + 1 });
      expect(before.incident?.attempts).toBeGreaterThanOrEqual(oracle.counted.size);
    });
  });

  test("the view of the cluster is fresh", () => {
    atEveryCall(({ life, policy }) => {
      expect(life.viewAge).toBeLessThanOrEqual(policy.viewMaxAge);
    });
  });
});

describe("after every judgement", () => {
  test("P5: a node that asks for a reboot, or whose last one has no verdict yet, has one pending", () => {
    always(({ event, after, actions, policy }) => {
      if (event?.type !== "Judged" || after === undefined) return;
      const { judgements, verdict } = event.evaluation;
      const asks = judgements.some(
        ({ checker, verdict: one }) => one === "Fail" && policy.checkers[checker].action === "Reboot",
      );
      const types = actions?.map(({ type }) => type) ?? [];
      const due = verdict === "Fail" && asks && after.phase !== "Failed";
      const told = !isVerdictPending(after) || types.includes("WakeReboot");
      expect(types.includes("EnsureReboot")).toBe(due || !told);
    });
  });

  test("P5: the pending reboot runs when the first threshold passes and no wait holds it, and not later", () => {
    // A job that runs on time; a changed rule holds when it runs next.
    const punctual = anyOp.filter((op) => op.op !== "rule" && (op.op !== "work" || !op.early));
    always(({ event, after, policy, now, life, timer }) => {
      if (event?.type !== "Judged" || after === undefined || after.phase === "Failed") return;
      if (dueIn(after, policy, life.observed) === undefined) return;
      const due = now + (dueIn(after, policy, life.observed) ?? Number.NaN);
      // A job that found the view stale or the mode changed looks again after half the age that a view may have.
      const latest = Math.max(due, after.lastReboot?.waitUntil ?? 0, now + policy.viewMaxAge / 2);
      expect(timer).toBeLessThanOrEqual(latest);
    }, punctual);
  });

  test("P6: the same judgement again changes no byte of the record", () => {
    always(({ event, after, policy, now }) => {
      if (event?.type !== "Judged") return;
      const again = transition(after, event, policy, now).record;
      expect(JSON.stringify(again)).toBe(JSON.stringify(after));
    });
  });

  test("P6: the same intent or answer again changes no byte of the record", () => {
    always(({ event, after, policy, now }) => {
      if (event === undefined || event.type === "Judged") return;
      const again = transition(after, event, policy, now + 1).record;
      expect(JSON.stringify(again)).toBe(JSON.stringify(after));
    });
  });

  test("P7: a node that recovered has no open incident and no failing clock", () => {
    always(({ event, after }) => {
      if (event?.type !== "Judged" || event.evaluation.verdict === "Fail") return;
      expect(after?.phase).toBe(event.evaluation.verdict === "Pass" ? "Healthy" : "Unknown");
      expect(after?.failing).toEqual({});
      expect(after).not.toHaveProperty("incident");
    });
  });
});

describe("at every moment", () => {
  test("P8: a record survives JSON and the stored schema unchanged", () => {
    always(({ after }) => {
      expect(recordSchema.parse(JSON.parse(JSON.stringify(after)))).toStrictEqual(after);
    });
  });

  test("P9: phases change only along the edges of the essay", () => {
    always((moment) => {
      const { before, after, event } = moment;
      if (event === undefined) return;
      const from = before !== undefined && before.uid === after?.uid ? before.phase : "Unknown";
      expect(edgesFrom(from, event, moment)).toContain(after?.phase);
    });
  });

  test("P10: a policy whose actions are all None never leads to a call", () => {
    const noReboot = anyOp.filter((op) => op.op !== "rule");
    fc.assert(
      fc.property(stories(noReboot), (story) => {
        const model = new WorkerModel();
        for (const checker of CHECKER_NAMES) model.run({ op: "rule", checker, rule: { action: "None" } });
        live(story, ({ step }) => expect(step?.step).not.toBe("CallExecutor"), model);
      }),
      { numRuns },
    );
  });

  test("the next step is the first gate that is shut, and the call if none is", () => {
    always(({ life }) => {
      const verdicts = gateVerdicts(life.input);
      const shut = verdicts.find(({ open }) => !open);
      expect(life.step()).toEqual(stepAt(shut, life.record));
      for (const { open, until } of verdicts) {
        // An open gate names no time; one that is shut names none or a later one.
        const named = open ? until === undefined : until === undefined || until > life.now;
        expect(named).toBe(true);
      }
    });
  });

  test("an event changes neither the record it is applied to nor the policy", () => {
    always(({ before, event, policy, now }) => {
      if (event === undefined) return;
      const frozen = structuredClone({ before, event, policy });
      transition(before, event, policy, now);
      expect({ before, event, policy }).toEqual(frozen);
    });
  });
});

function stepAt(shut: GateVerdict | undefined, record: NodeRecord): RebootStep {
  if (shut === undefined) return { step: "CallExecutor", attempt: (record.incident?.attempts ?? 0) + 1 };
  const { gate, why, until } = shut;
  return until === undefined ? { step: "Finish", gate, why } : { step: "WaitUntil", gate, why, at: until };
}

/** Where the essay lets a node go from a phase, given what happened. */
function edgesFrom(from: Phase, event: NodeEvent, { after, policy, now, life }: Moment): Phase[] {
  if (event.type === "RebootIntended") return ["WaitingReboot"];
  if (event.type === "RebootFinished") {
    const never = event.outcome === "NotSent" || event.outcome === "Rejected";
    return never && from === "WaitingReboot" ? ["Unhealthy", from] : [from];
  }
  if (event.type === "RebootRecovered" || event.type === "RebootVerified") return [from];
  const { verdict } = event.evaluation;
  if (verdict !== "Fail") return [verdict === "Pass" ? "Healthy" : "Unknown"];
  return sickEdgesFrom(from, after!, { policy, now, life });
}

function sickEdgesFrom(
  from: Phase,
  after: NodeRecord,
  { policy, now, life }: Pick<Moment, "policy" | "now" | "life">,
): Phase[] {
  const { lastReboot, incident } = after;
  const waits = lastReboot !== undefined && lastReboot.waitUntil > now;
  if (from === "WaitingReboot" && waits) return ["WaitingReboot"];
  if (incident!.attempts < policy.maxAttempts) return ["Unhealthy"];
  if (from === "Failed") return ["Failed"];
  const relapsed = lastReboot !== undefined && incident!.startedAt > lastReboot.intendedAt;
  const young = relapsed && dueIn(after, policy, life.observed) !== 0;
  return waits || young ? ["Unhealthy"] : ["Failed"];
}

describe("the model itself", () => {
  test("reaches every phase, every pure gate, every outcome, third attempts and every kind of carry-over", () => {
    const seen = new Set<string>();
    const sample = fc.sample(stories(), { seed: 2026, numRuns: 400 });
    for (const story of sample) {
      live(story, ({ before, after, step, event, oracle }) => {
        if (step !== undefined) seen.add(step.step === "CallExecutor" ? `call ${step.attempt}` : step.gate);
        if (event?.type === "RebootFinished") seen.add(event.outcome);
        if (before === undefined || after === undefined) return;
        if (before.phase !== after.phase) seen.add(`${before.phase} -> ${after.phase}`);
        if (before.uid !== after.uid) seen.add(after.lastReboot === undefined ? "new VM" : "same VM");
        if (before.monitorOnly !== after.monitorOnly && before.lastReboot !== undefined) {
          seen.add(after.lastReboot === undefined ? "forgot" : "kept");
        }
        if (after.providerId === undefined && oracle.calls.has(oracle.vm))
          seen.add("unannounced VM was called");
      });
    }
    // The model has no claims, no fleet and no ledger: their gates stand open in it.
    const beyond = new Set<GateName>([
      ...(["NotSelected", "Paused", "OptOut", "ForeignOwner", "PlannedWork", "Settle"] as const),
      ...(["Breaker", "Ledger", "CureRate", "Limit", "Identity"] as const),
    ]);
    const pureGates = GATES.slice(0, GATES.indexOf("NodeUnreadable")).filter((gate) => !beyond.has(gate));
    const outcomes = ["Accepted", "Unknown", "NotSent", "Rejected", "Simulated"];
    const recoveries = PHASES.filter((phase) => phase !== "Healthy").map((phase) => `${phase} -> Healthy`);
    const turns = [
      "Unhealthy -> WaitingReboot",
      "WaitingReboot -> Unhealthy",
      "WaitingReboot -> Failed",
      "Healthy -> Unhealthy",
      "Failed -> Unhealthy",
      "Unhealthy -> Failed",
    ];
    const carried = ["new VM", "same VM", "forgot", "kept", "unannounced VM was called"];
    const calls = ["call 1", "call 2", "call 3"];
    expect([...seen]).toEqual(
      expect.arrayContaining([...pureGates, ...outcomes, ...recoveries, ...turns, ...carried, ...calls]),
    );
  });
});
