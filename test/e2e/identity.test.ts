import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";

const topology = useTopology({
  pools: [
    { name: "standard", nodeNames: ["gone", "node-1", "node-10", "node-2", "node-20", "nameless"] },
    { name: "capitals", nodeNames: ["loud", "loud-and-nameless"], upperCaseHostNames: true },
  ],
});

async function untilHeldByIdentity(node: string): Promise<void> {
  await eventually(
    async () => {
      const job = await topology().pendingReboot(node);
      expect(job?.progress).toMatchObject({ phase: "Unhealthy", waitsFor: "Identity" });
    },
    { within: 30_000 },
  );
}

describe("the wrong VM is never rebooted", () => {
  test("a node whose instance is gone is not rebooted, and its pending reboot says why", async () => {
    await topology().simulator.command({ do: "instance-gone", node: "gone" });
    await untilHeldByIdentity("gone");
    const job = await topology().pendingReboot("gone");
    expect(job?.progress).toMatchObject({
      why: expect.stringMatching(/^NotFound: instance \S+ does not exist$/u),
    });
    await eventually(async () => {
      const { logs } = await topology().rebootQueue.getJobLogs(job?.id ?? "");
      expect(logs.join("\n")).toContain("Identity: NotFound");
      expect(topology().logs({ event: "RebootHeld", node: "gone", gate: "Identity" })).not.toEqual([]);
    });
    expect(await topology().rebootCalls("gone")).toEqual([]);
  });

  test.each([
    { gone: "node-1", longer: "node-10", knows: "its provider id" },
    { gone: "node-2", longer: "node-20", knows: "only its name" },
  ])("$gone is missing while $longer exists, and the node knows $knows", async ({ gone, longer, knows }) => {
    if (knows === "only its name") {
      await topology().simulator.command({ do: "forget-provider-id", node: gone });
      await topology().simulator.command({ do: "forget-provider-id", node: longer });
    }
    await topology().simulator.command({ do: "instance-gone", node: gone });
    await untilHeldByIdentity(gone);
    expect(await topology().rebootCalls(longer)).toEqual([]);
    expect(await topology().simulator.reboots()).toEqual([]);
  });

  test("a VM whose host name is in upper case is the node's, next to its exact provider id", async () => {
    await topology().simulator.break("loud", "not-ready");
    const [reboot, ...more] = await topology().recovered("loud");
    expect(more).toEqual([]);
    expect(reboot?.node).toBe("loud");
  });

  test("without a provider id the letter case counts, and nothing is rebooted", async () => {
    const before = await topology().simulator.reboots();
    await topology().simulator.command({ do: "forget-provider-id", node: "loud-and-nameless" });
    await topology().simulator.break("loud-and-nameless", "not-ready");
    await untilHeldByIdentity("loud-and-nameless");
    const job = await topology().pendingReboot("loud-and-nameless");
    expect(job?.progress).toMatchObject({
      why: expect.stringMatching(/^IdentityMismatch: instance \S+ has the host name LOUD-AND-NAMELESS: /u),
    });
    expect(await topology().simulator.reboots()).toEqual(before);
  });

  test("a node without a provider id is found by its exact host name", async () => {
    await topology().simulator.command({ do: "forget-provider-id", node: "nameless" });
    await topology().simulator.break("nameless", "not-ready");
    const [reboot, ...more] = await topology().recovered("nameless");
    expect(more).toEqual([]);
    expect(reboot?.node).toBe("nameless");
  });
});
