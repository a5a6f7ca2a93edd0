import { describe, expect, test } from "vitest";
import type { RebootVerification } from "@node-agent/shared/core/record.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { knownBadAt, proofOf, verificationOfGone } from "@node-agent/shared/core/verification.ts";
import { Timeline } from "./timeline.ts";

/** A node that was rebooted, by a call of this outcome, with the boot id it had. */
function rebooted(
  outcome: "Accepted" | "Unknown" | "NotSent" | "Rejected" | "Simulated" = "Accepted",
): Timeline {
  const life = new Timeline();
  life.judge({ NodeReady: "Fail" });
  life.pass(5 * MINUTE).reboot(outcome);
  return life.pass(MINUTE);
}
const proof = (life: Timeline, recoveredAfter: number, curedAfter: number, speaks = true) => {
  const { record, policy, now, observed } = life;
  const view = { now, observed, policy, speaks };
  return proofOf(record, view, { flight: 0, recoveredAfter, curedAfter });
};
const verdict = (life: Timeline, speaks = true) => proof(life, 0, 0, speaks);
/** The verdict of a worker that waits for a minute of health. */
const late = (life: Timeline) => proof(life, MINUTE, MINUTE);
const boots = (life: Timeline, bootId = "boot-2"): Timeline => {
  life.node = { ...life.node, bootId };
  return life;
};

describe("what a reboot came to", () => {
  test("Cured: it booted and every checker passes, told before the wait is over", () => {
    const life = boots(rebooted());
    life.judge();
    expect(verdict(life)).toBe("Cured");
  });

  test("Cured: not before it has been well for a while, and never when it falls over meanwhile", () => {
    const life = boots(rebooted());
    life.judge();
    expect(late(life)).toBeUndefined();
    life.pass(MINUTE - 1);
    expect(late(life)).toBeUndefined();
    life.pass(1);
    expect(late(life)).toBe("Cured");
    life.judge({ NodeReady: "Fail" });
    expect(late(life)).toBeUndefined();
    life.judge();
    expect(late(life)).toBeUndefined();
  });

  test("StillBad: it booted, its kubelet is silent, and it fails when the wait is over, not before", () => {
    const life = boots(rebooted());
    life.judge({ NodeReady: "Fail" });
    expect(verdict(life, false)).toBeUndefined();
    life.pass(9 * MINUTE - 1);
    expect(verdict(life, false)).toBeUndefined();
    life.pass(1);
    expect(verdict(life, false)).toBe("StillBad");
  });

  test("NotExecuted: it did not boot and fails when the wait is over", () => {
    const life = rebooted().pass(9 * MINUTE);
    life.judge({ NodeReady: "Fail" });
    expect(verdict(life)).toBe("NotExecuted");
  });

  test("StillBad: the kubelet is silent, whose boot id is that of before whatever the machine did", () => {
    const life = rebooted().pass(9 * MINUTE);
    life.judge({ NodeReady: "Fail" });
    expect(proof(life, 0, 0, false)).toBe("StillBad");
  });

  test("NotExecuted: it is well again without having booted: it got well by itself", () => {
    const life = rebooted();
    life.judge();
    expect(verdict(life)).toBeUndefined();
    life.pass(9 * MINUTE);
    expect(verdict(life)).toBe("NotExecuted");
  });

  test("StillBad: it booted and a checker failed for its threshold since then, told before the wait is over", () => {
    const life = boots(rebooted());
    life.judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE - 1);
    expect(verdict(life)).toBeUndefined();
    life.pass(1);
    expect(verdict(life, false)).toBeUndefined();
    expect(verdict(life)).toBe("StillBad");
    expect(knownBadAt(life.record, life.policy)).toBe(life.now);
  });

  test("of a node that booted before its repair and not since is not known before the wait is over", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    boots(life).judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE).reboot();
    life.pass(9 * MINUTE).judge({ NodeReady: "Fail" });
    expect(life.record.bootSeenAt).toBeDefined();
    expect(knownBadAt(life.record, life.policy)).toBeUndefined();
    expect(verdict(life)).toBeUndefined();
  });

  test("of a node that did not boot, or of a checker that only reports, is not known before the wait is over", () => {
    const life = rebooted();
    life.judge({ NodeReady: "Fail" });
    expect(knownBadAt(life.record, life.policy)).toBeUndefined();
    boots(life).judge({ NodeReady: "Fail" });
    expect(knownBadAt(life.record, life.policy)).toBe(life.now + 5 * MINUTE);
    const { checkers } = life.policy;
    const policy = {
      ...life.policy,
      checkers: { ...checkers, NodeReady: { ...checkers.NodeReady, action: "None" } },
    } as const;
    expect(knownBadAt(life.record, policy)).toBeUndefined();
  });

  test("Gone: the node is gone before it could be told", () => {
    expect(verificationOfGone(rebooted().record)).toBe("Gone");
    expect(verificationOfGone(rebooted("NotSent").record)).toBeUndefined();
    const life = new Timeline();
    life.judge();
    expect(verificationOfGone(life.record)).toBeUndefined();
  });

  test("is not told of a node that is not judged, also when the wait is over: it may be gone", () => {
    const life = boots(rebooted());
    life.judge({}, { undecided: true });
    life.pass(20 * MINUTE);
    expect(life.record.phase).toBe("Unknown");
    expect(verdict(life)).toBeUndefined();
  });

  test("is told of an intent that a crash left behind, and of a lost answer", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE).intend();
    boots(life).judge();
    expect(verdict(life)).toBe("Cured");
    const lost = boots(rebooted("Unknown"));
    lost.judge();
    expect(verdict(lost)).toBe("Cured");
  });

  test.each(["NotSent", "Rejected", "Simulated"] as const)(
    "is nothing where no call was made: %s",
    (outcome) => {
      const life = boots(rebooted(outcome));
      life.judge();
      expect(verdict(life)).toBeUndefined();
    },
  );

  test("is told once", () => {
    const life = boots(rebooted());
    life.judge();
    const { token } = life.record.lastReboot!;
    life.apply({ type: "RebootVerified", token, verification: "Cured" });
    expect(verdict(life)).toBeUndefined();
    expect(life.record.lastReboot?.verification).toBe("Cured");
    expect(verificationOfGone(life.record)).toBeUndefined();
    const other: RebootVerification = "StillBad";
    life.apply({ type: "RebootVerified", token, verification: other });
    expect(life.record.lastReboot?.verification).toBe("Cured");
  });

  test("of an older intent is not written to the latest", () => {
    const life = boots(rebooted());
    life.judge();
    life.apply({ type: "RebootVerified", token: "another", verification: "Cured" });
    expect(life.record.lastReboot?.verification).toBeUndefined();
  });
});

function windows(): Timeline {
  const life = new Timeline();
  life.node = { name: "node-1", uid: "uid-1", providerId: "civo://vm-a" };
  life.judge({ NodeReady: "Fail" });
  life.pass(5 * MINUTE).reboot();
  return life.pass(MINUTE);
}

describe("without boot ids, as on some Windows nodes", () => {
  test("health is all there is to go by: well is Cured, sick at the end is StillBad", () => {
    const life = windows();
    life.judge();
    expect(verdict(life)).toBe("Cured");
    const sick = windows().pass(10 * MINUTE);
    sick.judge({ NodeReady: "Fail" });
    expect(verdict(sick)).toBe("StillBad");
  });

  test("a boot id that appears only after the reboot proves nothing", () => {
    const life = boots(windows()).pass(10 * MINUTE);
    life.judge({ NodeReady: "Fail" });
    expect(verdict(life)).toBe("StillBad");
  });
});
