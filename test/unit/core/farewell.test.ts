import { describe, expect, test } from "vitest";
import { farewell } from "@node-agent/shared/core/carry-over.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { Timeline } from "./timeline.ts";

/** A node in the wait of its first reboot, 2 minutes into it. */
function aRebootedNode(): Timeline {
  const life = new Timeline();
  life.judge();
  life.judge({ NodeReady: "Fail" });
  life.pass(5 * MINUTE).reboot();
  return life.pass(2 * MINUTE);
}

describe("of a node that no longer exists", () => {
  test("nothing is kept when it was never rebooted", () => {
    const life = new Timeline();
    const record = life.judge({ NodeReady: "Fail" });
    expect(farewell(record, life.now)).toBeUndefined();
  });

  test("the reboot is kept while its wait runs, and neither incident nor clocks", () => {
    const life = aRebootedNode();
    const kept = farewell(life.record, life.now);
    expect(kept).toMatchObject({ phase: "Unknown", failing: {}, lastReboot: life.record.lastReboot });
    expect(kept?.incident).toBeUndefined();
  });

  test("saying farewell twice changes nothing more", () => {
    const life = aRebootedNode();
    const kept = farewell(life.record, life.now) ?? life.record;
    expect(kept.phase).toBe("Unknown");
    expect(farewell(kept, life.now + MINUTE)).toEqual(kept);
  });

  test("nothing is kept once the wait is over", () => {
    const life = aRebootedNode();
    const waitUntil = life.record.lastReboot?.waitUntil ?? 0;
    expect(farewell(life.record, waitUntil - 1)).toBeDefined();
    expect(farewell(life.record, waitUntil)).toBeUndefined();
  });

  test("a VM that registers again after it keeps its wait", () => {
    const life = aRebootedNode();
    const waitUntil = life.record.lastReboot?.waitUntil ?? 0;
    life.record = farewell(life.record, life.now) ?? life.record;
    life.node = { ...life.node, uid: "uid-2" };
    life.judge({ NodeReady: "Fail" });
    expect(life.record.uid).toBe("uid-2");
    expect(life.actions).toEqual([{ type: "EnsureReboot", at: waitUntil }, { type: "WakeReboot" }]);
  });
});
