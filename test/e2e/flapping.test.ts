import { beforeAll, describe, expect, test } from "vitest";
import type { NodeRecord } from "../../packages/shared/src/core/record.ts";
import { eventsIn } from "../support/cluster-events.ts";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";

/** DiskPressure waits this long: a failure that comes and goes has a clock to fill. */
const THRESHOLD = 5000;
const topology = useTopology({
  pools: [
    // One node of each pool stays well: a pool that is down as a whole would hold every reboot.
    { name: "flaps", nodeNames: ["mostly-down", "mostly-up", "brief", "stubborn-flapper", "well-1"] },
    { name: "relapses", nodeNames: ["comes-back", "cured", "blips", "prior", "next", "well-2"] },
  ],
  workers: 2,
  config: {
    checkers: { DiskPressure: { threshold: `${THRESHOLD}ms` } },
    storm: { recoveredAfter: "300ms", curedAfter: "10s" },
    limits: { open: { pool: { count: 1, percent: 0 } } },
    flapping: { threshold: 4 },
  },
});
const within = 60_000;

async function flap(
  node: string,
  down: number,
  up: number,
  more: Record<string, unknown> = {},
): Promise<void> {
  await topology().simulator.break(node, "disk-pressure", {
    flapping: { down: `${down}ms`, up: `${up}ms` },
    ...more,
  });
}

async function until(node: string, facts: object): Promise<NodeRecord> {
  return eventually(
    async () => {
      const record = await topology().record(node);
      expect(record).toMatchObject(facts);
      return record as NodeRecord;
    },
    { within },
  );
}

const sleep = async (span: number): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, span));
};
const verifications = (node: string): unknown[] =>
  topology()
    .logs({ event: "RebootVerified", node })
    .map(({ verification }) => verification);
const told = async (node: string, reason: string): Promise<string[]> => {
  const events = await eventsIn(topology().simulator.kubeconfig);
  return events
    .filter((event) => event.involvedObject.name === node && event.reason === reason)
    .map(({ message }) => message);
};

// What takes longest begins first; the nodes do not know of each other.
beforeAll(async () => {
  await flap("mostly-up", 2000, 3000, { curedByReboot: false });
  await flap("brief", 300, 700, { curedByReboot: false });
  await flap("stubborn-flapper", 4000, 1000, { curedByReboot: false });
  await flap("mostly-down", 4000, 1000);
});

describe("a node that flaps", () => {
  test("down for 80 % of the time is rebooted once, while it fails", async () => {
    await eventually(async () => expect(await topology().simulator.reboots("mostly-down")).toHaveLength(1), {
      within,
    });
    const reboots = await topology().recovered("mostly-down", { within });
    expect(reboots).toHaveLength(1);
    expect(reboots[0]).toMatchObject({ healthyAtExecution: false });
    // Nothing of it counts any more: a repaired node needs new evidence.
    expect(await topology().record("mostly-down")).not.toHaveProperty("draining");
  });

  test("is reported once, counted, and explained", async () => {
    await eventually(async () => expect(await told("brief", "NodeFlapping")).toHaveLength(1), { within });
    const labels = { checker: "DiskPressure" };
    const flaps = await topology().sum("worker", "civo_node_agent_checker_flaps_total", labels);
    expect(flaps).toBeGreaterThanOrEqual(4);
    await eventually(async () => {
      const shown = await topology().sum("worker", "civo_node_agent_checker_flapping_nodes", labels);
      expect(shown).toBeGreaterThanOrEqual(1);
    });
  });

  test("down for 40 % of the time is never rebooted", async () => {
    await eventually(
      async () => {
        const record = await topology().record("mostly-up");
        expect(record?.flaps?.DiskPressure?.at.length).toBeGreaterThanOrEqual(4);
      },
      { within },
    );
    expect(await topology().simulator.reboots("mostly-up")).toEqual([]);
    await topology().simulator.heal("mostly-up");
  });

  test("and is not cured by reboots is given up after maxAttempts, like one that never comes up", async () => {
    await topology().simulator.heal("brief");
    await eventually(
      async () => expect((await topology().record("stubborn-flapper"))?.phase).toBe("Failed"),
      { within: 120_000 },
    );
    const reboots = await topology().simulator.reboots("stubborn-flapper");
    expect(reboots).toHaveLength(3);
    expect(verifications("stubborn-flapper")).not.toContain("Cured");
  });
});

describe("a repaired node", () => {
  test("that comes back for longer than its wait and fails again is Failed after maxAttempts, and never a cure", async () => {
    const node = "comes-back";
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await topology().simulator.break(node, "not-ready");
      await eventually(async () => expect(await topology().simulator.reboots(node)).toHaveLength(attempt), {
        within,
      });
      await until(node, { phase: "Healthy", lastReboot: { recoveredAt: expect.any(Number) as unknown } });
      // Longer than the wait, shorter than a cure.
      await sleep(5000);
    }
    await topology().simulator.break(node, "not-ready");
    const record = await until(node, { phase: "Failed", incident: { attempts: 3 } });
    expect(record.incident?.id).toBe(record.lastReboot?.incidentId);
    await eventually(() => expect(verifications(node)).toEqual(["StillBad", "StillBad", "StillBad"]));
    expect(
      new Set(
        topology()
          .logs({ event: "RebootRequested", node })
          .map(({ incident }) => incident),
      ).size,
    ).toBe(1);
    expect(await topology().simulator.reboots(node)).toHaveLength(3);
    await eventually(async () => expect(await told(node, "NodeRelapsed")).toHaveLength(3));
  });

  test("that stays well is a cure, and its next failure a new incident", async () => {
    const node = "cured";
    await topology().simulator.break(node, "not-ready");
    expect(await topology().recovered(node, { within })).toHaveLength(1);
    expect(verifications(node)).toEqual(["Cured"]);
    const first = (await topology().record(node))?.lastReboot?.incidentId;
    await topology().simulator.break(node, "not-ready");
    const record = await until(node, { phase: "WaitingReboot", incident: { attempts: 1 } });
    expect(record.incident?.id).not.toBe(first);
  });

  test("that only blips is cured in the end, in the time since its latest recovery", async () => {
    const node = "blips";
    await topology().simulator.break(node, "not-ready");
    await until(node, { phase: "Healthy", lastReboot: { recoveredAt: expect.any(Number) as unknown } });
    await topology().simulator.break(node, "disk-pressure");
    await until(node, { phase: "Unhealthy", incident: { attempts: 1 } });
    await topology().simulator.heal(node);
    const { phaseSince } = await until(node, { phase: "Healthy" });
    expect(await topology().recovered(node, { within })).toHaveLength(1);
    expect(verifications(node)).toEqual(["Cured"]);
    const [line] = topology().logs({ event: "RebootVerified", node });
    expect(Date.parse(String(line?.["time"]))).toBeGreaterThanOrEqual(phaseSince + 10_000 - 1000);
  });

  test("holds no place in the limits until its cure is proven: the next node of its pool is repaired meanwhile", async () => {
    const proving = async (): Promise<NodeRecord[]> =>
      (await topology().records()).filter(
        ({ lastReboot, pool }) =>
          pool !== undefined &&
          lastReboot?.recoveredAt !== undefined &&
          lastReboot.verification === undefined,
      );
    await topology().simulator.break("prior", "not-ready");
    await until("prior", { phase: "Healthy", lastReboot: { recoveredAt: expect.any(Number) as unknown } });
    await topology().simulator.break("next", "not-ready");
    await eventually(async () => expect(await topology().simulator.reboots("next")).toHaveLength(1), {
      within,
    });
    expect((await proving()).map(({ name }) => name)).toContain("prior");
    expect(verifications("prior")).toEqual([]);
  });
});
