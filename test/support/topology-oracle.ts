import { expect } from "vitest";
import { TIMES } from "./agent-config.ts";
import type { SimulatorProcess } from "./topology-simulator.ts";

/** I1 and I2, told by the cloud: no VM twice within its wait, none that was well. */
export async function expectNoWrongReboot(simulator: SimulatorProcess): Promise<void> {
  const reboots = await simulator.reboots();
  expect(
    reboots.filter(({ healthyAtExecution }) => healthyAtExecution),
    "reboots of healthy VMs",
  ).toEqual([]);
  const gpus = new Map((await simulator.truth()).map((node) => [node.name, node.gpus]));
  for (const [instance, own] of Map.groupBy(reboots, ({ instanceId }) => instanceId)) {
    const wait = (gpus.get(own[0]?.node ?? "") ?? 0) > 0 ? TIMES.wait.gpu : TIMES.wait.standard;
    const gaps = own.slice(1).map((reboot, i) => reboot.requestAt - (own[i]?.at ?? 0));
    expect(
      gaps.filter((gap) => gap < wait),
      `reboots of ${instance} within its wait of ${wait} ms`,
    ).toEqual([]);
  }
}
