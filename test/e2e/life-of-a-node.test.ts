import { describe, expect, test } from "vitest";
import { TIMES } from "../support/agent-config.ts";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";

const topology = useTopology({
  pools: [
    {
      name: "standard",
      nodeNames: ["well", "sick", "rebooted", "unseen", "swapped-sick", "swapped-early", "registered-anew"],
    },
  ],
  simulator: { timings: { reregister: "700ms" } },
});
const within = 60_000;

async function until(node: string, phase: string): Promise<void> {
  await eventually(async () => expect((await topology().record(node))?.phase).toBe(phase), { within });
}

async function expectNothingLeftOf(node: string): Promise<void> {
  await eventually(async () => expect(await topology().tracesOf(node)).toEqual([]), { within });
  expect(await topology().record(node)).toBeUndefined();
  for (const agent of [...topology().workers(), ...topology().watchers()]) {
    expect((await agent.get("/metrics")).body).not.toContain(`"${node}"`);
  }
}

describe("a deleted node leaves no state, job or metric behind", () => {
  test("when it was well", async () => {
    expect(await topology().tracesOf("well")).not.toEqual([]);
    await topology().simulator.command({ do: "delete", node: "well" });
    await expectNothingLeftOf("well");
    await eventually(() => expect(topology().logs({ event: "NodeGone", node: "well" })).toHaveLength(1));
  });

  test("when its reboot was pending", async () => {
    await topology().simulator.break("sick", "disk-pressure");
    await until("sick", "Unhealthy");
    expect(await topology().pendingReboot("sick")).toBeDefined();
    expect((await topology().workers()[0]?.get("/metrics"))?.body).toContain('node="sick"');
    await topology().simulator.command({ do: "delete", node: "sick" });
    await expectNothingLeftOf("sick");
    expect(await topology().simulator.reboots("sick")).toEqual([]);
  });

  test("when it had been rebooted: job and metrics at once, and the wait of its VM when it is over", async () => {
    await topology().simulator.break("rebooted", "not-ready", { curedByReboot: false });
    await until("rebooted", "WaitingReboot");
    // The phase is that of the intent: the node goes only when it has really been rebooted.
    await eventually(async () => expect(await topology().simulator.reboots("rebooted")).toHaveLength(1));
    // And when its job sleeps: one that runs cannot be woken, and the plan sees to it where waits are longer than a minute.
    const asleep = { event: "RebootHeld", node: "rebooted", gate: "WaitWindow" };
    await eventually(() => expect(topology().logs(asleep)).toHaveLength(1));
    await eventually(async () =>
      expect(await (await topology().pendingReboot("rebooted"))?.isDelayed()).toBe(true),
    );
    await topology().simulator.command({ do: "delete", node: "rebooted" });
    await eventually(async () => {
      const record = await topology().record("rebooted");
      expect(record).toMatchObject({ phase: "Unknown", failing: {} });
      expect(record?.incident).toBeUndefined();
      expect(await topology().pendingReboot("rebooted")).toBeUndefined();
    });
    for (const worker of topology().workers()) {
      expect((await worker.get("/metrics")).body).not.toContain('"rebooted"');
    }
    await expectNothingLeftOf("rebooted");
    expect(await topology().simulator.reboots("rebooted")).toHaveLength(1);
  });

  test("when nobody watched while it was deleted", async () => {
    await topology().simulator.break("unseen", "disk-pressure");
    await until("unseen", "Unhealthy");
    const [watcher] = topology().watchers();
    await watcher?.kill9();
    await topology().simulator.command({ do: "delete", node: "unseen" });
    if (watcher !== undefined) await topology().replace(watcher);
    await expectNothingLeftOf("unseen");
    expect(await topology().simulator.reboots("unseen")).toEqual([]);
  });
});

describe("the same name with a new uid starts anew", () => {
  test("a pending reboot of the old node does not touch the new one", async () => {
    await topology().simulator.break("swapped-early", "disk-pressure");
    await until("swapped-early", "Unhealthy");
    const before = await topology().record("swapped-early");
    await topology().simulator.command({ do: "replace", node: "swapped-early" });
    expect(await topology().recovered("swapped-early")).toEqual([]);
    const after = await topology().record("swapped-early");
    expect(after?.uid).not.toBe(before?.uid);
    expect(after?.incident).toBeUndefined();
    expect(after?.failing).toEqual({});
  });

  test("another VM under the name does not inherit the attempts and the wait of the old one", async () => {
    await topology().simulator.break("swapped-sick", "not-ready", { curedByReboot: false });
    await until("swapped-sick", "WaitingReboot");
    // The phase is that of the intent: the machine is swapped only when it has really been rebooted.
    await eventually(async () => expect(await topology().simulator.reboots("swapped-sick")).toHaveLength(1));
    const old = await topology().record("swapped-sick");
    await topology().simulator.command({ do: "replace", node: "swapped-sick" });
    await until("swapped-sick", "Healthy");
    await topology().simulator.break("swapped-sick", "not-ready");
    const [, second, ...more] = await topology().recovered("swapped-sick");
    expect(more).toEqual([]);
    const record = await topology().record("swapped-sick");
    expect(second?.instanceId).toBe(record?.lastReboot?.instanceId);
    expect(second?.instanceId).not.toBe(old?.lastReboot?.instanceId);
    expect(record?.lastReboot?.number).toBe(1);
  });

  test("the same VM that registers again keeps the wait of its reboot", async () => {
    await topology().simulator.break("registered-anew", "not-ready", { curedByReboot: 2 });
    await until("registered-anew", "WaitingReboot");
    const before = await topology().record("registered-anew");
    const how = { instance: false, reregister: true };
    await eventually(async () =>
      expect(await topology().simulator.node("registered-anew")).toMatchObject({ power: "on" }),
    );
    await topology().simulator.command({ do: "delete", node: "registered-anew", ...how });
    // Between its two lives the node is known to be gone.
    await until("registered-anew", "Unknown");
    const [first, second, ...more] = await topology().recovered("registered-anew");
    expect(more).toEqual([]);
    expect((await topology().record("registered-anew"))?.uid).not.toBe(before?.uid);
    expect(second?.requestAt).toBeGreaterThanOrEqual((first?.at ?? Infinity) + TIMES.wait.standard);
  });
});
