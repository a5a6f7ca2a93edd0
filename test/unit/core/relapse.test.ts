import { describe, expect, test } from "vitest";
import { HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { proofOf, verdictAt } from "@node-agent/shared/core/verification.ts";
import { Timeline } from "./timeline.ts";

const TIMINGS = { flight: MINUTE / 2, recoveredAfter: MINUTE, curedAfter: 30 * MINUTE };
const proof = ({ record, policy, now, observed }: Timeline) =>
  proofOf(record, { now, observed, policy, speaks: true }, TIMINGS);
const told = (life: Timeline): Timeline => {
  const { token = "" } = life.record.lastReboot ?? {};
  life.apply({ type: "RebootRecovered", token });
  return life;
};
let boots = 1;

/** Fails until a reboot is due, is rebooted, and is well two minutes later with a new boot id. */
function repair(life: Timeline): Timeline {
  life.judge({ NodeReady: "Fail" });
  expect(life.pass(5 * MINUTE).step().step).toBe("CallExecutor");
  life.reboot();
  boots += 1;
  life.node = { ...life.node, bootId: `boot-${boots}` };
  life.pass(2 * MINUTE).judge();
  return life;
}

describe("a node that comes back for longer than its wait and fails again", () => {
  test("is given up after maxAttempts, in one incident, and no repair of it was a cure", () => {
    const life = new Timeline();
    const incidents = new Set<string | undefined>();
    const proofs: unknown[] = [];
    for (const attempt of [1, 2, 3]) {
      life.judge({ NodeReady: "Fail" });
      life.pass(5 * MINUTE);
      proofs.push(proof(life));
      expect(life.step()).toEqual({ step: "CallExecutor", attempt });
      incidents.add(life.record.incident?.id);
      life.reboot();
      boots += 1;
      life.node = { ...life.node, bootId: `boot-${boots}` };
      life.pass(2 * MINUTE).judge();
      expect(life.record.phase).toBe("Healthy");
      life.pass(MINUTE);
      expect(proof(life)).toBe("Recovered");
      told(life).pass(15 * MINUTE);
    }
    life.judge({ NodeReady: "Fail" });
    expect(life.record.phase).toBe("Unhealthy");
    life.pass(5 * MINUTE);
    proofs.push(proof(life));
    expect(life.judge({ NodeReady: "Fail" })).toMatchObject({ phase: "Failed", incident: { attempts: 3 } });
    expect(incidents.size).toBe(1);
    expect(proofs).toEqual([undefined, "StillBad", "StillBad", "StillBad"]);
  });

  test("but not when it was well for the time that a cure takes: then a failure is a new incident", () => {
    const life = repair(new Timeline());
    const { id } = life.record.lastIncident!;
    told(life.pass(MINUTE)).pass(29 * MINUTE);
    expect(proof(life)).toBe("Cured");
    life.judge({ NodeReady: "Fail" });
    expect(life.record.incident).toMatchObject({ attempts: 0 });
    expect(life.record.incident?.id).not.toBe(id);
  });

  test("starts the time to a cure again at each recovery", () => {
    const life = repair(new Timeline());
    told(life.pass(MINUTE));
    life.pass(20 * MINUTE).judge({ NodeReady: "Fail" });
    life.pass(MINUTE).judge();
    life.pass(29 * MINUTE);
    expect(proof(life)).toBeUndefined();
    expect(verdictAt(life.record, life, TIMINGS)).toBe(life.now + MINUTE);
    expect(proof(life.pass(MINUTE))).toBe("Cured");
  });

  test("and passes again before another reboot is due proves nothing", () => {
    const life = repair(new Timeline());
    told(life.pass(MINUTE))
      .pass(20 * MINUTE)
      .judge({ NodeReady: "Fail" });
    expect(proof(life.pass(5 * MINUTE - 1))).toBeUndefined();
    expect(proof(life.pass(1))).toBe("StillBad");
  });
});

describe("the time to a cure", () => {
  test("is watched time: nobody saw the node well while the cluster was out of sight", () => {
    const life = repair(new Timeline());
    told(life.pass(MINUTE)).passBlind(HOUR);
    expect(proof(life)).toBeUndefined();
    life.judge({ NodeReady: "Fail" });
    expect(life.record.incident).toMatchObject({ attempts: 1 });
  });

  test("starts again when the observation clock was reset", () => {
    const life = repair(new Timeline());
    life.pass(20 * MINUTE);
    life.observed = 0;
    life.judge();
    expect(life.record.lastIncident).toMatchObject({ endedObserved: 0, endedAt: life.now });
    expect(proof(told(life).pass(29 * MINUTE))).toBeUndefined();
    expect(proof(life.pass(MINUTE))).toBe("Cured");
  });

  test("is not kept of an incident without a repair: a flap is a new incident each time", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    life.pass(MINUTE).judge();
    expect(life.record).not.toHaveProperty("lastIncident");
  });

  test("is forgotten by the next judgement after it", () => {
    const life = repair(new Timeline());
    expect(life.pass(30 * MINUTE - 1).judge()).toHaveProperty("lastIncident");
    expect(life.pass(1).judge()).not.toHaveProperty("lastIncident");
  });

  test("counts in monitor-only too, where no verdict is given", () => {
    const life = new Timeline({ monitorOnly: true });
    life.judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE).reboot("Simulated");
    life.pass(2 * MINUTE).judge();
    life.pass(20 * MINUTE).judge({ NodeReady: "Fail" });
    expect(life.record.incident).toMatchObject({ attempts: 1 });
  });
});

describe("the incident of a node that is well again", () => {
  test("is forgotten in the other mode, and by another VM; the same VM under another uid keeps it", () => {
    const life = repair(new Timeline());
    life.policy = { ...life.policy, monitorOnly: true };
    expect(life.judge()).not.toHaveProperty("lastIncident");
    const replaced = repair(new Timeline());
    replaced.node = { ...replaced.node, uid: "uid-2", providerId: "civo://vm-b" };
    expect(replaced.judge()).not.toHaveProperty("lastIncident");
    const again = repair(new Timeline());
    again.node = { ...again.node, uid: "uid-2" };
    expect(again.judge().lastIncident).toMatchObject({ attempts: 1 });
  });

  test("is told once that it recovered, and only of the latest reboot", () => {
    const life = repair(new Timeline());
    const at = life.now;
    told(life).pass(MINUTE);
    expect(told(life).record.lastReboot?.recoveredAt).toBe(at);
    life.apply({ type: "RebootRecovered", token: "another" });
    expect(life.record.lastReboot?.recoveredAt).toBe(at);
  });

  test("did not go down: the result is told at the end of the wait, because its machine may go down late", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE).reboot();
    life.pass(2 * MINUTE).judge();
    expect(proof(life)).toBeUndefined();
    expect(proof(life.pass(MINUTE))).toBeUndefined();
    expect(verdictAt(life.record, life, TIMINGS)).toBe(life.record.lastReboot?.waitUntil);
    expect(proof(life.pass(7 * MINUTE - 1))).toBeUndefined();
    expect(proof(life.pass(1))).toBe("NotExecuted");
  });
});
