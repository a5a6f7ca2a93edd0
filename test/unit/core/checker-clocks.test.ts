import { describe, expect, test } from "vitest";
import { recordSchema } from "@node-agent/shared/contract/stored.ts";
import { HOUR, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { NOON, Timeline } from "./timeline.ts";

/** A node that failed for four of five minutes and passes now. */
function draining(): Timeline {
  const life = new Timeline();
  life.judge({ NodeReady: "Fail" });
  life.pass(4 * MINUTE).judge();
  return life;
}

describe("a clock that drains", () => {
  test("is a healthy node's: no incident, nothing failing, no pending reboot", () => {
    const life = draining();
    expect(life.record).toMatchObject({
      phase: "Healthy",
      failing: {},
      draining: { NodeReady: { since: life.now, sinceObserved: life.observed, ran: 4 * MINUTE } },
    });
    expect(life.record).not.toHaveProperty("incident");
  });

  test("gives what is left of it to the next failure, which says when it really began", () => {
    const life = draining();
    life.pass(MINUTE).judge({ NodeReady: "Fail" });
    expect(life.record.failing.NodeReady).toEqual({
      since: life.now,
      sinceObserved: life.observed,
      carried: 3 * MINUTE,
      reason: "NodeReadyFail",
    });
    expect(life.record).not.toHaveProperty("draining");
    expect(life.step()).toMatchObject({ gate: "Threshold", at: life.now + 2 * MINUTE });
    expect(life.pass(2 * MINUTE).step()).toEqual({ step: "CallExecutor", attempt: 1 });
  });

  test("makes nothing due while the checker passes (I2)", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    life.pass(HOUR).judge();
    expect(life.step()).toMatchObject({ step: "Finish", gate: "NothingFailing" });
    // Full to the brim, it is due the moment it fails again.
    life.judge({ NodeReady: "Fail" });
    expect(life.step().step).toBe("CallExecutor");
  });

  test("drains beside another checker that fails", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail", GPU: "Fail" });
    life.pass(4 * MINUTE).judge({ GPU: "Fail" });
    life.pass(MINUTE).judge({ GPU: "Fail", NodeReady: "Fail" });
    expect(life.record.failing).toMatchObject({
      GPU: { since: NOON },
      NodeReady: { since: life.now, carried: 3 * MINUTE },
    });
  });

  test.each(["GPU:Skip", "undecided"] as const)(
    "is empty after %s: the failure meant something else",
    (how) => {
      const life = new Timeline();
      life.judge({ GPU: "Fail" });
      life.pass(9 * MINUTE).judge();
      if (how === "undecided") life.judge({}, { undecided: true });
      else life.judge({ GPU: "Skip:DriverUpgrade" });
      expect(life.record).not.toHaveProperty("draining");
      life.judge({ GPU: "Fail" });
      expect(life.step()).toMatchObject({ gate: "Threshold", at: life.now + 10 * MINUTE });
    },
  );

  test("drains on while the kubelet is silent: no signal is no recovery, and no failure either", () => {
    const life = new Timeline();
    const silent = { NodeReady: "Fail", DiskPressure: "Skip:DiskPressureUnknown" } as const;
    life.judge({ DiskPressure: "Fail" });
    life.pass(20 * MINUTE).judge(silent);
    life.pass(MINUTE).judge(silent);
    life.pass(MINUTE).judge({ DiskPressure: "Fail" });
    expect(life.record.failing.DiskPressure).toMatchObject({ since: life.now, carried: 18 * MINUTE });
    expect(life.record.flaps).not.toHaveProperty("DiskPressure");
  });

  test("is dropped of a checker that is disabled", () => {
    const life = draining();
    const { checkers } = life.policy;
    const NodeReady = { ...checkers.NodeReady, enabled: false };
    life.policy = { ...life.policy, checkers: { ...checkers, NodeReady } };
    expect(life.judge()).not.toHaveProperty("draining");
  });

  test("never holds more than the threshold, also when that was lowered meanwhile", () => {
    const life = draining();
    const { checkers } = life.policy;
    const NodeReady = { ...checkers.NodeReady, threshold: MINUTE };
    life.policy = { ...life.policy, checkers: { ...checkers, NodeReady } };
    life.pass(59 * SECOND).judge({ NodeReady: "Fail" });
    expect(life.record.failing.NodeReady?.carried).toBe(SECOND);
  });

  test("counts for nothing when the observation clock was reset under it", () => {
    const life = draining();
    life.observed = 0;
    expect(life.judge()).not.toHaveProperty("draining");
    const failing = draining();
    failing.observed = 0;
    failing.judge({ NodeReady: "Fail" });
    expect(failing.record.failing.NodeReady).not.toHaveProperty("carried");
  });

  test("is empty in the other mode, and of another uid", () => {
    const life = draining();
    life.policy = { ...life.policy, monitorOnly: true };
    expect(life.judge()).not.toHaveProperty("draining");
    const other = draining();
    other.node = { ...other.node, uid: "uid-2" };
    expect(other.judge()).not.toHaveProperty("draining");
  });

  test("in the other mode nothing that was carried counts", () => {
    const life = draining();
    life.pass(MINUTE).judge({ NodeReady: "Fail" });
    life.policy = { ...life.policy, monitorOnly: true };
    expect(life.judge({ NodeReady: "Fail" }).failing.NodeReady).toEqual({
      since: life.now,
      sinceObserved: life.observed,
      reason: "NodeReadyFail",
    });
  });
});

test("a timer that sleeps until a later checker is due is moved when another fails again and is due at once", () => {
  const life = new Timeline();
  life.judge({ Cilium: "Fail" });
  life.pass(10 * MINUTE).judge({ GPU: "Fail" });
  // Its time comes while nothing is watched: it sleeps on, and the record keeps the time that is over.
  life.passBlind(10 * MINUTE);
  expect(life.step()).toMatchObject({ gate: "Threshold", at: life.now + 10 * MINUTE });
  life.passBlind(1).judge({ GPU: "Fail", Cilium: "Fail" });
  expect(life.actions).toEqual([{ type: "EnsureReboot", at: life.now }, { type: "WakeReboot" }]);
  expect(life.step().step).toBe("CallExecutor");
});

function boots(life: Timeline): void {
  life.node = { ...life.node, bootId: "boot-2" };
}

describe("a reboot empties the clocks", () => {
  test("of ours, once the checker passes: a repaired node needs new evidence", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE).reboot();
    life.pass(2 * MINUTE).judge();
    expect(life.record).not.toHaveProperty("draining");
  });

  test("that was not sent does not", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE).reboot("NotSent");
    life.pass(2 * MINUTE).judge();
    expect(life.record.draining?.NodeReady?.ran).toBe(5 * MINUTE);
  });

  test("of another one, seen by the boot id, does too", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    boots(life);
    life.pass(4 * MINUTE).judge();
    expect(life.record).not.toHaveProperty("draining");
  });

  test("also those that were draining already", () => {
    const life = draining();
    life.pass(MINUTE);
    boots(life);
    expect(life.judge()).not.toHaveProperty("draining");
  });

  test("but not those that filled after it", () => {
    const life = draining();
    boots(life);
    life.pass(MINUTE).judge();
    life.pass(MINUTE).judge({ NodeReady: "Fail" });
    life.pass(2 * MINUTE).judge();
    expect(life.record.draining?.NodeReady?.ran).toBe(2 * MINUTE);
  });

  test("does not stop the clock of a checker that goes on failing: the next attempt is due at once", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE).reboot();
    boots(life);
    life.pass(10 * MINUTE).judge({ NodeReady: "Fail" });
    expect(life.step().step).toBe("WaitUntil");
    expect(life.gate("Threshold").open).toBe(true);
  });
});

test("records with draining clocks and flaps survive JSON and the stored schema; those of before do too", () => {
  const { record } = draining();
  expect(recordSchema.parse(JSON.parse(JSON.stringify(record)))).toStrictEqual(record);
  const { draining: _draining, flaps: _flaps, ...old } = record;
  expect(recordSchema.parse(old)).toStrictEqual(old);
});
