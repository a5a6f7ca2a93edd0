import { beforeAll, expect, test } from "vitest";
import { TIMES } from "../support/agent-config.ts";
import { useTopology } from "../support/topology.ts";

/** Longer than a worker may take from its first read to the call, by far. */
const LIST_TAKES = 5500;

const topology = useTopology({
  pools: [{ name: "standard", nodeNames: ["first", "second", "well"] }],
  watchers: 1,
  workers: 1,
  config: { timings: { cloudReadDeadline: "4s" } },
});

beforeAll(async () => {
  const match = { method: "GET", path: "/v2/kubernetes/clusters/" };
  const fault = { api: "civo", match, effect: "delay", by: `${LIST_TAKES}ms` };
  await topology().simulator.command({ do: "fault", fault });
  await topology().simulator.break("first", "not-ready");
  await topology().simulator.break("second", "not-ready");
});

test("a list of instances that takes longer than the send deadline delays a repair, and stops none", async () => {
  expect(LIST_TAKES).toBeGreaterThan(2 * TIMES.sendDeadline);
  for (const node of ["first", "second"]) {
    expect(await topology().recovered(node)).toHaveLength(1);
    expect(await topology().rebootCalls(node)).toHaveLength(1);
    expect(
      topology()
        .logs({ event: "RebootAnswered", node })
        .map(({ outcome }) => outcome),
    ).toEqual(["Accepted"]);
  }
  expect(await topology().rebootCalls("well")).toEqual([]);
});
