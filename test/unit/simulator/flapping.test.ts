import { expect, test } from "vitest";
import { SECOND } from "@node-agent/shared/core/time.ts";
import { manualWorld, type ManualWorld } from "./manual-world.ts";

const FLAPPING = { down: 8 * SECOND, up: 2 * SECOND };

/** Whether the fault stands on std-1, each second. */
async function seen(sim: ManualWorld, seconds: number): Promise<string> {
  let shown = "";
  for (let i = 0; i < seconds; i += 1) {
    shown += sim.world.machine("std-1").faults.size > 0 ? "x" : ".";
    await sim.pass(SECOND);
  }
  return shown;
}

test("a fault comes and goes, beginning with the failure, until it is healed", async () => {
  await using sim = manualWorld();
  sim.world.break("std-1", { fault: "disk-pressure" }, FLAPPING);
  await sim.pass(SECOND / 2);
  expect(await seen(sim, 24)).toBe("xxxxxxxx..xxxxxxxx..xxxx");
  sim.world.heal("std-1");
  expect(await seen(sim, 12)).toBe("............");
  expect(sim.world.isBroken("std-1")).toBe(false);
});

test("in a good moment the node is broken all the same: it can be healed then", async () => {
  await using sim = manualWorld();
  sim.world.break("std-1", { fault: "disk-pressure" }, FLAPPING);
  await sim.pass(9 * SECOND);
  expect(sim.world.machine("std-1").faults.size).toBe(0);
  expect(sim.world.isBroken("std-1")).toBe(true);
  sim.world.heal("std-1", "disk-pressure");
  expect(await seen(sim, 10)).toBe("..........");
});

test.each([
  [true, 1],
  [2, 2],
] as const)("curedByReboot %s: ends for good after so many reboots", async (curedByReboot, reboots) => {
  await using sim = manualWorld();
  sim.world.break("std-1", { fault: "disk-pressure", curedByReboot }, FLAPPING);
  for (let nth = 1; nth <= reboots; nth += 1) {
    expect(sim.world.isBroken("std-1")).toBe(true);
    sim.world.cloud.reboot(sim.world.machine("std-1"), "hard", sim.clock.now());
    await sim.pass(sim.world.timings.boot + 30 * SECOND);
  }
  expect(sim.world.isBroken("std-1")).toBe(false);
});

test("curedByReboot false: flaps on after any number of reboots", async () => {
  await using sim = manualWorld();
  sim.world.break("std-1", { fault: "disk-pressure", curedByReboot: false }, FLAPPING);
  sim.world.cloud.reboot(sim.world.machine("std-1"), "hard", sim.clock.now());
  await sim.pass(sim.world.timings.boot + 30 * SECOND);
  expect(sim.world.isBroken("std-1")).toBe(true);
  expect(await seen(sim, 10)).toContain("x");
});

test("a fault that is put on for good no longer flaps", async () => {
  await using sim = manualWorld();
  sim.world.break("std-1", { fault: "disk-pressure" }, FLAPPING);
  sim.world.break("std-1", { fault: "disk-pressure" });
  expect(await seen(sim, 12)).toBe("xxxxxxxxxxxx");
});

test("ends with its machine", async () => {
  await using sim = manualWorld();
  sim.world.break("std-1", { fault: "disk-pressure" }, FLAPPING);
  sim.world.replaceNode("std-1");
  expect(await seen(sim, 20)).toBe("....................");
});
