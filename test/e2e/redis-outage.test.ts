import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { useTopology, type Topology } from "../support/topology.ts";

/** The outage that the demand names, in real time. */
const OUTAGE = 60_000;
/** After an outage of any length everything goes on within seconds: no pause may have grown with it. */
const SOON = 20_000;

const options = {
  pools: [{ name: "standard", nodeNames: ["pending", "waiting", "late", "well"] }],
  watchers: 2,
  workers: 2,
} as const;
// Side by side, so that a minute is enough for both.
const outages = [
  {
    how: "is killed",
    topology: useTopology(options),
    begin: async ({ redis }: Topology) => redis.stop("SIGKILL"),
    end: async ({ redis }: Topology) => redis.start(),
  },
  {
    how: "accepts connections and answers nothing",
    topology: useTopology(options),
    begin: async ({ redis }: Topology) => redis.signal("SIGSTOP"),
    end: async ({ redis }: Topology) => redis.signal("SIGCONT"),
  },
];

/** One node whose repair is not due yet, and one whose second repair falls due while Redis is away. */
async function standInTheMiddle({ simulator, record, pendingReboot }: Topology): Promise<void> {
  await simulator.break("waiting", "not-ready", { curedByReboot: 2 });
  await eventually(async () => expect((await record("waiting"))?.lastReboot?.outcome).toBe("Accepted"), {
    within: 30_000,
  });
  await simulator.break("pending", "disk-pressure");
  await eventually(async () => expect(await pendingReboot("pending")).toBeDefined());
}

async function expectRepaired({ recovered, rebootCalls, simulator }: Topology): Promise<void> {
  for (const [node, times] of [
    ["pending", 1],
    ["waiting", 2],
  ] as const) {
    expect(await recovered(node, { within: SOON })).toHaveLength(times);
    expect(await rebootCalls(node)).toHaveLength(times);
  }
  await simulator.break("late", "not-ready");
  expect(await recovered("late", { within: SOON })).toHaveLength(1);
  expect(await rebootCalls("well")).toEqual([]);
}

test("a Redis that is away for 60 s, killed or standing still: what is due is called once, soon after", async () => {
  await Promise.all(outages.map(async ({ topology }) => standInTheMiddle(topology())));
  await Promise.all(outages.map(async ({ topology, begin }) => begin(topology())));
  await delay(OUTAGE);
  for (const { topology, how } of outages) {
    expect(await topology().rebootCalls("pending"), `calls while Redis ${how}`).toEqual([]);
  }
  await Promise.all(outages.map(async ({ topology, end }) => end(topology())));
  await Promise.all(outages.map(async ({ topology }) => expectRepaired(topology())));
});
