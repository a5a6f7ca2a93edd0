import { describe, expect, test } from "vitest";
import { breaker } from "@node-agent/shared/core/gates/breaker.ts";
import { ledgerView } from "@node-agent/shared/core/gates/ledger-view.ts";
import type { GateInput } from "@node-agent/shared/core/gates/gate.ts";
import type { LedgerGrant } from "@node-agent/shared/core/ledger/ledger.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import { breakerOf } from "@node-agent/shared/core/storm/breaker.ts";
import { fleetHealth, type FleetNode } from "@node-agent/shared/core/storm/fleet.ts";
import { Limits } from "@node-agent/shared/core/storm/limits.ts";
import { HOUR } from "@node-agent/shared/core/time.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { aGrant, aLedger, at, anEntry, NOON } from "./ledger-build.ts";

const LONG_AGO = NOON - HOUR;

function ofTen(sick: number, silent = false): FleetNode[] {
  return Array.from({ length: 10 }, (_, i) => ({
    name: `n${i}`,
    pool: `p${i}`,
    failing: i < sick ? { NodeReady: LONG_AGO } : {},
    silent: silent && i < sick,
  }));
}

function input(nodes: FleetNode[], grants: readonly LedgerGrant[], open = 0): GateInput {
  const fleet = fleetHealth(nodes);
  const ledger = aLedger(
    Array.from({ length: open }, (_, i) => anEntry({ instanceId: `vm-${i}`, grant: "g" })),
    { grants },
  );
  const asked = breakerOf(fleet, DEFAULT_POLICY.breaker, NOON, ledger);
  const limits = new Limits(ledger, { ...fleet, nodes: 1000 }, DEFAULT_POLICY, at(NOON));
  const subject = { instanceId: "vm-x", pool: "p0", checkers: ["NodeReady"] as const };
  return {
    record: {
      schema: 1,
      name: "n0",
      uid: "u",
      phase: "Unhealthy",
      phaseSince: LONG_AGO,
      firstSeenAt: LONG_AGO,
      everReady: true,
      gpuNode: false,
      gpuHighWater: 0,
      pool: "p0",
      monitorOnly: false,
      failing: { NodeReady: { since: LONG_AGO, sinceObserved: 0, reason: "NotReady" } },
    },
    policy: DEFAULT_POLICY,
    now: NOON,
    observed: HOUR,
    viewAge: 0,
    node: aNode("n0").pool("p0").snapshot(),
    fleet,
    breaker: asked,
    ledger: ledgerView(subject, { ledger, clocks: at(NOON), limits, breaker: asked }, NOON),
  };
}

describe("the breaker and an operator's grant", () => {
  test("a grant lets a node pass that the breaker holds, and names who gave it", () => {
    expect(breaker(input(ofTen(6), []))).toMatchObject({
      open: false,
      why: "Checker: NodeReady fails on 6 of 10 nodes since less than 24 h",
    });
    expect(breaker(input(ofTen(6), [aGrant()]))).toMatchObject({
      open: true,
      why: "Checker: NodeReady fails on 6 of 10 nodes since less than 24 h, and ann grants repairs",
    });
  });

  test("one of another pool, one that ended, and one that begins later do not", () => {
    expect(breaker(input(ofTen(6), [aGrant({ pool: "p1" })]))).toMatchObject({ open: false });
    expect(breaker(input(ofTen(6), [aGrant({ until: NOON })]))).toMatchObject({ open: false });
    expect(breaker(input(ofTen(6), [aGrant({ since: NOON + 1 })]))).toMatchObject({ open: false });
  });

  test("no grant makes an agent believe that all nodes went silent", () => {
    expect(breaker(input(ofTen(10, true), [aGrant()]))).toMatchObject({
      open: false,
      why: expect.stringContaining("AllSilent"),
    });
  });

  test("the slow start of a grant limits the nodes that need it, and no node that stands alone", () => {
    const grants = [aGrant({ width: 2 })];
    expect(input(ofTen(6), grants, 2).ledger?.limit).toMatchObject({ limit: "Grant" });
    expect(input(ofTen(6), grants, 1).ledger?.limit).toBeUndefined();
    expect(input(ofTen(1), grants, 2).ledger?.limit).toBeUndefined();
  });

  test("a list without nodes is no answer (G8)", () => {
    expect(breaker(input([], []))).toMatchObject({
      open: false,
      why: "the list of the nodes came back empty",
    });
  });
});
