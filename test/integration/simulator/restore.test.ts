import { expect, test } from "vitest";
import { parseScenario, playScenario } from "../../../packages/simulator/src/control/scenario.ts";
import type { Simulator } from "../../../packages/simulator/src/simulator.ts";
import { eventually } from "../../support/eventually.ts";
import { control, kube, quickSimulator, watch } from "./http-client.ts";

const NODES = "/api/v1/nodes";
const post = (body: unknown) => ({ method: "POST", body });
/** Kubelets that post rarely: what happens is what the test does. */
const quiet = {
  timeScale: 1,
  timings: { bookmarkPeriod: 20, nodeMonitorGrace: 20, reregister: 20 },
} as const;

async function versionOf(simulator: Simulator): Promise<number> {
  const { body } = await kube(simulator, `${NODES}?limit=1`);
  return Number(body.metadata.resourceVersion);
}

async function label(simulator: Simulator, node: string, team: string): Promise<void> {
  await kube(simulator, `${NODES}/${node}`, {
    method: "PATCH",
    type: "application/merge-patch+json",
    body: { metadata: { labels: { team } } },
  });
}

test("a restore takes objects and versions back, and no watch hears of it until the cluster is ahead of it again", async () => {
  await using simulator = await quickSimulator(quiet);
  await label(simulator, "std-1", "red");
  const { body: backup } = await control(simulator, "/backup", post({}));
  for (let i = 0; i < 50; i += 1) await label(simulator, "std-1", `blue${i}`);
  await control(simulator, "/nodes", post({ pool: "standard", name: "std-4" }));
  await control(simulator, "/nodes/std-2/delete", post({}));
  const reached = await versionOf(simulator);
  await using open = await watch(simulator, `${NODES}?resourceVersion=${reached}&allowWatchBookmarks=true`);
  await eventually(() => expect(open.types()).toContain("BOOKMARK"));
  const heard = open.events.length;

  const { body: restored } = await control(simulator, "/restore", post({}));
  expect(restored).toEqual(backup);
  expect((await kube(simulator, `${NODES}/std-1`)).body.metadata.labels).toMatchObject({ team: "red" });
  // The machine behind it is gone, the Node is not.
  expect((await kube(simulator, `${NODES}/std-2`)).status).toBe(200);
  expect(await versionOf(simulator)).toBeLessThan(reached);
  await using reopened = await watch(
    simulator,
    `${NODES}?resourceVersion=${reached}&allowWatchBookmarks=true`,
  );
  await label(simulator, "std-3", "unheard");
  expect(await versionOf(simulator)).toBeLessThanOrEqual(reached);
  await eventually(async () => {
    expect((await control(simulator, "/nodes/std-4")).body).toMatchObject({ ready: true });
    expect((await control(simulator, "/world")).body).toMatchObject({ nodes: 4 });
  });
  expect([open.events.length, reopened.types()]).toEqual([heard, []]);
  for (let i = 0; (await versionOf(simulator)) <= reached; i += 1) await label(simulator, "std-3", `n${i}`);
  await eventually(() => expect(reopened.types()).toContain("MODIFIED"));
  // A bookmark may tell of the very version that was reached; it brings no change.
  const changes = reopened.events.filter(({ type }) => type !== "BOOKMARK");
  const versions = changes.map(({ object }) => Number(object.metadata.resourceVersion));
  expect(Math.min(...versions)).toBeGreaterThan(reached);
});

test("bookmarks go on where they are asked for, with the version of the server", async () => {
  await using simulator = await quickSimulator(quiet);
  await control(simulator, "/backup", post({}));
  for (let i = 0; i < 20; i += 1) await label(simulator, "std-1", `n${i}`);
  const reached = await versionOf(simulator);
  await control(simulator, "/restore", post({ bookmarks: true }));
  await using client = await watch(simulator, `${NODES}?resourceVersion=${reached}&allowWatchBookmarks=true`);
  await eventually(() => expect(client.types()).toContain("BOOKMARK"));
  expect(Number(client.events[0]?.object.metadata.resourceVersion)).toBeLessThan(reached);
});

test("a restore to a version undoes the history; what is older than it, or was never, is refused", async () => {
  await using simulator = await quickSimulator(quiet);
  await label(simulator, "std-1", "red");
  const to = await versionOf(simulator);
  await label(simulator, "std-1", "blue");
  expect((await control(simulator, "/restore", post({ to }))).body).toEqual({ version: to });
  expect((await kube(simulator, `${NODES}/std-1`)).body.metadata.labels).toMatchObject({ team: "red" });
  for (const body of [{}, { to: 1 }, { to: 1_000_000 }]) {
    expect((await control(simulator, "/restore", post(body))).status).toBe(400);
  }
});

test("watches end at once and empty, or lose the events of one node, by a scenario", async () => {
  await using simulator = await quickSimulator(quiet);
  const from = await versionOf(simulator);
  const lost = parseScenario({
    steps: [
      {
        at: "1ms",
        do: "fault",
        fault: { api: "kubernetes", match: { watch: true }, effect: "end", times: 1 },
      },
      {
        at: "2ms",
        do: "fault",
        fault: { api: "kubernetes", match: { watch: true }, effect: "drop-events", of: ["std-1"] },
      },
    ],
  });
  playScenario(simulator, lost, () => {});
  await eventually(() => expect(simulator.faults.list()).toHaveLength(2));
  await using empty = await watch(simulator, `${NODES}?resourceVersion=${from}`);
  await eventually(() => expect(empty.ended()).toBe("eof"));
  expect(empty.events).toEqual([]);
  await using deaf = await watch(simulator, `${NODES}?resourceVersion=${from}`);
  await label(simulator, "std-1", "lost");
  await label(simulator, "std-2", "heard");
  await eventually(() => expect(deaf.events).not.toHaveLength(0));
  expect(new Set(deaf.events.map(({ object }) => object.metadata.name))).not.toContain("std-1");
});
