import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CLUSTER_EVENT_REASONS, HELD_TYPES } from "@node-agent/shared/core/cluster-event.ts";
import {
  callFailedEvent,
  endEvent,
  heldEvent,
  requestedEvent,
  verifiedEvent,
} from "@node-agent/shared/core/event-story.ts";
import { GATES, type GateName } from "@node-agent/shared/core/gates/gate.ts";
import { noticesOf } from "@node-agent/shared/core/notices/list.ts";
import type { Phase } from "@node-agent/shared/core/phase.ts";
import {
  REBOOT_OUTCOMES,
  REBOOT_VERIFICATIONS,
  type NodeRecord,
  type RebootAttempt,
  type RebootOutcome,
} from "@node-agent/shared/core/record.ts";
import { MINUTE, SECOND } from "@node-agent/shared/core/time.ts";

const NOW = Date.UTC(2026, 10, 1, 12);

const lastReboot: RebootAttempt = {
  incidentId: "uid-1@7",
  number: 1,
  instanceId: "vm-1",
  token: "t-1",
  intendedAt: NOW,
  outcome: "Accepted",
  detail: "",
  waitUntil: NOW + MINUTE,
};

function aRecord(over: Partial<NodeRecord> = {}): NodeRecord {
  return {
    schema: 1,
    name: "node-1",
    uid: "uid-1",
    phase: "Unhealthy",
    phaseSince: NOW,
    firstSeenAt: NOW,
    everReady: true,
    gpuNode: false,
    gpuHighWater: 0,
    monitorOnly: false,
    failing: { NodeReady: { since: NOW, sinceObserved: 0, reason: "NodeStatusUnknown" } },
    incident: { id: "uid-1@7", startedAt: NOW - 90 * SECOND, attempts: 1 },
    lastReboot,
    ...over,
  };
}

const waits = (gate: GateName, why = "because", at = NOW + MINUTE) =>
  ({ step: "WaitUntil", gate, why, at }) as const;

describe("a gate that holds the reboot", () => {
  test("is told with its reason and until when", () => {
    expect(heldEvent(aRecord(), waits("Threshold"), 1, NOW)).toEqual({
      node: "node-1",
      uid: "uid-1",
      reason: "RebootHeld",
      type: "Normal",
      message: "Threshold holds the reboot until 2026-11-01T12:01:00Z: because",
      identity: `node-1/uid-1/active/RebootHeld/uid-1@7/${NOW - 90 * SECOND}/1/1/Threshold`,
      at: NOW,
    });
    const end = { step: "Finish", gate: "ActionNone", why: "nobody asks" } as const;
    expect(heldEvent(aRecord(), end, 1, NOW)?.message).toBe("ActionNone holds the reboot: nobody asks");
  });

  test.each(GATES)(
    "%s: is a warning when it does not pass by itself, and nothing when it is no hold",
    (gate) => {
      expect(heldEvent(aRecord(), waits(gate), 1, NOW)?.type).toBe(HELD_TYPES[gate]);
    },
  );

  test("is another event after another gate held, in another attempt, and in another incident; not for other words", () => {
    const identity = (
      record: NodeRecord,
      gate: GateName,
      change: number,
      why = "because",
    ): string | undefined => heldEvent(record, waits(gate, why), change, NOW)?.identity;
    const other = { id: "uid-1@9", startedAt: NOW, attempts: 1 };
    const second = { ...other, id: "uid-1@7", attempts: 2 };
    const all = [
      identity(aRecord(), "Threshold", 1),
      identity(aRecord(), "Blind", 2),
      identity(aRecord(), "Threshold", 3),
      identity(aRecord({ incident: second }), "Threshold", 1),
      identity(aRecord({ incident: other }), "Threshold", 1),
      identity(aRecord({ uid: "uid-2" }), "Threshold", 1),
      identity(aRecord({ name: "node-2" }), "Threshold", 1),
    ];
    expect(new Set(all).size).toBe(all.length);
    expect(identity(aRecord(), "Blind", 2, "view is 31 s old")).toBe(
      identity(aRecord(), "Blind", 2, "view is 46 s old"),
    );
  });

  test("is not told of a node without an incident: there is no reboot to hold", () => {
    const { incident: _incident, ...well } = aRecord();
    expect(heldEvent(well, waits("Ledger"), 1, NOW)).toBeUndefined();
  });
});

describe("a reboot", () => {
  test("that is requested is told once per attempt", () => {
    const event = requestedEvent(aRecord(), "vm-1", NOW);
    expect(event).toMatchObject({
      reason: "RebootRequested",
      type: "Normal",
      message: "requests reboot 1 of VM vm-1; failing: NodeReady/NodeStatusUnknown",
    });
    const granted = requestedEvent(aRecord(), "vm-1", NOW, { by: "ann", reason: "power is back" });
    expect(granted.message).toBe(`${event.message}; under the grant of ann: power is back`);
    expect(granted.identity).toBe(event.identity);
    const again = aRecord({ lastReboot: { ...lastReboot, token: "t-2" } });
    expect(requestedEvent(again, "vm-1", NOW + MINUTE).identity).toBe(event.identity);
    const next = aRecord({ lastReboot: { ...lastReboot, number: 2 } });
    expect(requestedEvent(next, "vm-1", NOW).identity).not.toBe(event.identity);
  });

  test.each<[RebootOutcome, string | undefined]>([
    ["NotSent", "reboot 1 was not sent: late"],
    ["Rejected", "reboot 1 was refused: late"],
    ["Unknown", "reboot 1 may or may not have been made, and counts as made: late"],
    ["Accepted", undefined],
    ["Simulated", undefined],
    ["Intent", undefined],
  ])("that was answered with %s is told as %j", (outcome, message) => {
    const event = callFailedEvent(aRecord(), { outcome, detail: "late" }, NOW);
    const wanted =
      message === undefined ? undefined : { reason: "RebootCallFailed", type: "Warning", message };
    expect(event && { reason: event.reason, type: event.type, message: event.message }).toEqual(wanted);
  });

  test.each(REBOOT_VERIFICATIONS)("that came to %s is told in words", (verification) => {
    const event = verifiedEvent(aRecord(), verification, NOW);
    expect(event.reason).toBe("RebootVerified");
    expect(event.type).toBe(verification === "Cured" ? "Normal" : "Warning");
    expect(event.message).toMatch(new RegExp(`^${verification}: reboot 1 \\w+`, "u"));
  });
});

describe("the end of an incident", () => {
  test("is told when the node is well again", () => {
    const { incident: _incident, ...well } = aRecord({ phase: "Healthy", failing: {} });
    expect(endEvent(aRecord(), well, NOW)).toMatchObject({
      reason: "NodeRecovered",
      type: "Normal",
      message: "every checker passes again after 90 s and 1 reboot",
    });
  });

  test("is told when the node is given up", () => {
    const incident = { id: "uid-1@7", startedAt: NOW, attempts: 3 };
    expect(endEvent(aRecord(), aRecord({ phase: "Failed", incident }), NOW)).toMatchObject({
      reason: "NodeFailed",
      type: "Warning",
      message: "given up after 3 reboots, a person has to look; failing: NodeReady/NodeStatusUnknown",
    });
  });

  test.each<[string, NodeRecord | undefined, NodeRecord | undefined]>([
    ["no change of phase", aRecord(), aRecord()],
    ["a node that was never judged before", undefined, aRecord({ phase: "Healthy" })],
    ["another node of that name", aRecord({ uid: "uid-0" }), aRecord({ phase: "Healthy" })],
    ["a node that turns Unhealthy: its reboot tells", aRecord({ phase: "Healthy" }), aRecord()],
    ["a node that is gone", aRecord(), undefined],
  ])("is not %s", (_, before, after) => expect(endEvent(before, after, NOW)).toBeUndefined());
});

const INCIDENT = { id: "uid-1@7", startedAt: NOW, attempts: 2 };

/** The record before its relapse. */
function recoveredFrom(record: NodeRecord): NodeRecord {
  const lastIncident = { id: INCIDENT.id, attempts: 2, endedAt: NOW, endedObserved: 0 };
  return { ...record, lastIncident };
}

/** Everything that can be told of a record. */
function storyOf(record: NodeRecord, why: string, at: number, change: number) {
  return [
    ...GATES.map((gate) => heldEvent(record, waits(gate, why, at), change, NOW)),
    requestedEvent(record, why, NOW),
    ...REBOOT_OUTCOMES.map((outcome) => callFailedEvent(record, { outcome, detail: why }, NOW)),
    ...REBOOT_VERIFICATIONS.map((verification) => verifiedEvent(record, verification, NOW)),
    ...(["Failed", "Healthy"] as const).map((phase) => endEvent(record, { ...record, phase }, NOW)),
    ...noticesOf(
      record,
      {
        ...record,
        judgedBy: ["GPU"],
        skipped: { GPU: { since: at, reason: why } },
        gpu: { accepted: 7 },
        marks: {
          "nvidia.com/mig.config.state": { value: why, since: at, told: true },
          "nvidia.com/gpu-driver-upgrade-state": { value: "cordon-required", since: at, told: true },
          "spec.unschedulable": { value: why, since: at, holds: true, told: true },
        },
      },
      NOW,
    ),
    ...noticesOf(record, { ...record, flaps: { GPU: { at: [at], flappingSince: at } } }, NOW),
    ...noticesOf(record, { ...record, retriedAt: at }, NOW),
    ...noticesOf(recoveredFrom(record), { ...record, incident: INCIDENT }, NOW),
  ].flatMap((event) => (event === undefined ? [] : [event]));
}

test("in monitor-only mode no event says that anything was done", () => {
  const story = storyOf(aRecord({ monitorOnly: true }), "why", NOW, 1);
  expect(new Set(story.map(({ reason }) => reason))).toEqual(new Set(CLUSTER_EVENT_REASONS));
  for (const { message } of story) expect(message).toMatch(/^monitor-only: /u);
  const done = story.filter(({ reason }) =>
    /^(?:RebootHeld|RebootRequested|NodeFailed|NodeRecovered)$/u.test(reason),
  );
  for (const { message } of done) expect(message).toContain("would");
  const active = new Set(storyOf(aRecord(), "why", NOW, 1).map(({ identity }) => identity));
  for (const { identity } of story) expect(active).not.toContain(identity);
});

test("a story can be told of any record, however damaged", () => {
  const phases: Phase[] = ["Unknown", "Healthy", "Unhealthy", "WaitingReboot", "Failed"];
  fc.assert(
    fc.property(
      fc.constantFrom(...phases),
      fc.double(),
      fc.string({ unit: "binary" }),
      fc.option(fc.integer(), { nil: undefined }),
      (phase, at, why, attempts) => {
        const incident = attempts === undefined ? undefined : { id: why, startedAt: at, attempts };
        const { incident: _incident, lastReboot: _lastReboot, ...bare } = aRecord({ phase });
        const record: NodeRecord = incident === undefined ? bare : { ...bare, incident };
        for (const event of storyOf(record, why, at, attempts ?? 0))
          expect(CLUSTER_EVENT_REASONS).toContain(event.reason);
      },
    ),
  );
});
