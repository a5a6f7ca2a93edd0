import { describe, expect, test } from "vitest";
import type { LiveWorker } from "@node-agent/shared/core/hosting.ts";
import { clockDistance, clockHold, modeHold, named, unlikePeers } from "@node-agent/shared/core/standing.ts";
import { HOUR, SECOND } from "@node-agent/shared/core/time.ts";

const worker = (id: string, monitorOnly: boolean, more: Partial<LiveWorker> = {}): LiveWorker => ({
  id,
  monitorOnly,
  ...more,
});

describe("modes do not mix", () => {
  const monitor = worker("m", true);
  const active = worker("a", false);

  test.each<[string, LiveWorker, LiveWorker[], boolean]>([
    ["a monitor-only worker alone", monitor, [monitor], false],
    ["monitor-only workers among themselves", monitor, [monitor, worker("n", true)], false],
    ["a monitor-only worker beside an active one", monitor, [monitor, active], true],
    ["beside one that left a moment ago and may be back", monitor, [{ ...active, left: true }], true],
    ["an active worker beside monitor-only ones", active, [monitor, active], false],
  ])("%s", (_, self, workers, isHeld) => {
    expect(modeHold(self, workers) !== undefined).toBe(isHeld);
  });

  test("the hold names the active workers", () => {
    expect(modeHold(monitor, [active])).toBe(
      "a is in active mode: a monitor-only worker leaves all nodes of the cluster to it",
    );
  });
});

describe("clocks", () => {
  const NOW = Date.UTC(2026, 10, 23, 12);
  const at = (told: number, grain = 1) => ({ before: NOW, after: NOW + 100, told: NOW + told, grain });

  test.each([
    ["between question and answer", 50, 1, 0],
    ["ahead", 3 * SECOND + 100, 1, 3 * SECOND],
    ["behind", -3 * SECOND, 1, 3 * SECOND - 1],
    ["behind, in whole seconds", -SECOND, SECOND, 0],
  ])("another clock %s", (_, told, grain, distance) => {
    expect(clockDistance(at(told, grain))).toBe(distance);
  });

  test("a process that stood still between question and answer proves nothing by it", () => {
    expect(clockDistance({ before: NOW, after: NOW + HOUR, told: NOW + 10, grain: 1 })).toBe(0);
  });

  test("beyond what is allowed the hold names both clocks", () => {
    expect(clockHold({ Redis: at(30 * SECOND) }, 30 * SECOND)).toBeUndefined();
    expect(clockHold({ Redis: at(0), "the API server": at(-HOUR, SECOND) }, 30 * SECOND)).toBe(
      "the API server says 2026-11-23T11:00:00.000Z when this machine says 2026-11-23T12:00:00.100Z (3599 s apart); 30 s are allowed (ledger.clockSkew)",
    );
  });
});

describe("peers unlike this worker", () => {
  const self = worker("a", false, { policy: "p1" });

  test("have another policy or mode; those that do not tell, or left, are not named", () => {
    const peers = [
      self,
      worker("z", false, { policy: "p2" }),
      worker("b", false, { policy: "p1" }),
      worker("c", true, { policy: "p1" }),
      worker("d", false),
      worker("e", false, { policy: "p2", left: true }),
    ];
    expect(unlikePeers(self, peers)).toEqual(["c", "z"]);
    expect(unlikePeers(self, [self])).toEqual([]);
  });

  test("are named three at most", () => {
    expect(named(["a", "b", "c"])).toBe("a, b, c");
    expect(named(["a", "b", "c", "d", "e"])).toBe("a, b, c and 2 more");
  });
});
