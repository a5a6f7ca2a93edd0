import { describe, expect, test } from "vitest";
import { storm } from "../../../packages/shared/src/core/gates/fleet.ts";
import type { GateInput } from "../../../packages/shared/src/core/gates/gate.ts";
import { GRANT_LASTS } from "../../../packages/shared/src/core/ledger/grant.ts";
import { DEFAULT_POLICY } from "../../../packages/shared/src/core/policy.ts";
import { fleetHealth, type FleetNode } from "../../../packages/shared/src/core/storm/fleet.ts";
import { aGrant } from "./ledger-build.ts";
import { HOUR } from "../../../packages/shared/src/core/time.ts";

const NOW = Date.UTC(2026, 10, 1);
const LONG_AGO = NOW - HOUR;

function ofTen(sick: number, silent = false): FleetNode[] {
  return Array.from({ length: 10 }, (_, i) => ({
    name: `n${i}`,
    pool: `p${i}`,
    failing: i < sick ? { NodeReady: LONG_AGO } : {},
    silent: silent && i < sick,
  }));
}

function input(nodes: FleetNode[], grantedAt: number | undefined): GateInput {
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
    now: NOW,
    observed: HOUR,
    viewAge: 0,
    fleet: fleetHealth(nodes),
    ledger: grantedAt === undefined ? {} : { grant: aGrant({ since: grantedAt }) },
  };
}

describe("an operator's grant in a storm", () => {
  test("lets a node pass that the storm guard would hold", () => {
    expect(storm(input(ofTen(6), undefined))).toMatchObject({ open: false });
    expect(storm(input(ofTen(6), NOW))).toMatchObject({ open: true });
  });

  test("holds for an hour: what fails together after it is another storm", () => {
    expect(storm(input(ofTen(6), NOW - GRANT_LASTS + 1))).toMatchObject({ open: true });
    expect(storm(input(ofTen(6), NOW - GRANT_LASTS))).toMatchObject({ open: false });
  });

  test("that seems to begin in the future is not believed", () => {
    expect(storm(input(ofTen(6), NOW + 1))).toMatchObject({ open: false });
  });

  test("does not make anybody believe that all nodes went silent", () => {
    expect(storm(input(ofTen(10, true), NOW))).toMatchObject({ open: false });
  });
});
