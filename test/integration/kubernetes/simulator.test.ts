import { describe, expect, test } from "vitest";
import { createNodeReader, type NodeSourceDeps } from "@node-agent/kubernetes";
import { startSimulator } from "../../../packages/simulator/src/simulator.ts";
import type { SimulatorOptions } from "../../../packages/simulator/src/options/options.ts";
import { projection, readiness } from "../../unit/kubernetes/support/raw-node.ts";
import { eventually } from "../../support/eventually.ts";
import { testFolder } from "./support/kubeconfig-file.ts";
import { liveSource, QUICK } from "./support/live-source.ts";
import { openConnection } from "./support/open-connection.ts";

/** A source over a simulated cluster, TLS and token included. */
async function simulated(options: SimulatorOptions = {}, deps: Partial<NodeSourceDeps> = {}) {
  const simulator = await startSimulator({ nodes: 12, timeScale: 600, ...options });
  const folder = await testFolder();
  const token = await folder.write("token", simulator.kubernetes.token);
  const kubeconfig = await folder.write("config", simulator.kubeconfig(token));
  const connection = openConnection({ kubeconfig });
  const live = liveSource(connection, deps);
  /** The cluster as a fresh list says, to hold the view against. */
  const truth = async (): Promise<string[]> => {
    const { body } = await connection.request("/api/v1/nodes");
    return (body as { items: unknown[] }).items.map(fingerprintOf).toSorted();
  };
  return {
    simulator,
    folder,
    connection,
    ...live,
    reader: createNodeReader({ connection, project: projection.project }),
    /** Until then a silent server is given the whole life of a watch. */
    bookmarked: () =>
      eventually(() => expect(live.events).toContainEqual({ type: "EventReceived", kind: "BOOKMARK" })),
    inStep: () =>
      eventually(async () => {
        const view = [...live.source.nodes().values()].map((node) => projection.fingerprint(node));
        expect(view.toSorted()).toEqual(await truth());
      }),
    queries: () =>
      simulator.requests
        .list("kubernetes")
        .filter(({ path, userAgent }) => path === "/api/v1/nodes" && userAgent === "node-recovery-agent/test")
        .map(({ query }) => new URLSearchParams(query)),
    [Symbol.asyncDispose]: async () => {
      await live.source.stop();
      await connection.close();
      await simulator.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function fingerprintOf(node: unknown): string {
  const projected = projection.project(node);
  if (!projected.ok) throw new Error(projected.error);
  return projection.fingerprint(projected.snapshot);
}

describe("against a simulated cluster", () => {
  test("the view is the cluster, in pages, and follows what breaks, goes and comes back", async () => {
    await using setup = await simulated({}, { pageLimit: 5 });
    const { simulator, source, told } = setup;
    await setup.inStep();
    expect(source.nodes().size).toBe(12);
    const [broken = "", deleted = "", replaced = ""] = simulator.world.names();
    simulator.world.break(broken, { fault: "kubelet-dead" });
    simulator.world.deleteNode(deleted, { instance: true });
    const { uid } = source.nodes().get(replaced) ?? {};
    simulator.world.replaceNode(replaced);
    await eventually(() => expect(readiness(source.nodes().get(broken))).toBe("Unknown"));
    await eventually(() => expect(told).toContain(`disappeared ${deleted}`));
    await setup.inStep();
    expect(source.nodes().has(deleted)).toBe(false);
    expect(source.nodes().get(replaced)?.uid).not.toBe(uid);
    await expect(setup.reader.read(deleted)).resolves.toEqual({ found: false });
    await expect(setup.reader.read(broken)).resolves.toMatchObject({ found: true });
  });

  test("streams that end, reset, freeze and break off are watched again, one at a time", async () => {
    await using setup = await simulated();
    const { simulator } = setup;
    await setup.inStep();
    await setup.bookmarked();
    let peak = 0;
    for (const how of ["end", "reset", "truncate", "freeze", "end"] as const) {
      await eventually(() => {
        peak = Math.max(peak, simulator.kubernetes.api.watches);
        expect(simulator.kubernetes.api.watches).toBeGreaterThan(0);
      });
      const [name = ""] = simulator.world.names();
      simulator.kubernetes.api.disturbWatches(how);
      simulator.world.break(name, { fault: "disk-pressure" });
      await setup.inStep();
      simulator.world.heal(name);
      await setup.inStep();
    }
    expect(peak).toBe(1);
    expect(setup.count("ListDone")).toBe(1);
  });

  test("a compacted version leads to a list, and the view is right again", async () => {
    await using setup = await simulated();
    await setup.inStep();
    const [name = ""] = setup.simulator.world.names();
    setup.simulator.kubernetes.api.disturbWatches("freeze");
    setup.simulator.world.break(name, { fault: "disk-pressure" });
    setup.simulator.kubernetes.api.compact();
    setup.simulator.kubernetes.api.disturbWatches("reset");
    await setup.inStep();
    expect(setup.count("ListDone")).toBe(2);
  });

  test("I-9: a server that refuses connections is watched again without a list", async () => {
    await using setup = await simulated();
    await setup.inStep();
    await setup.simulator.outage("kubernetes", "refuse");
    await eventually(() => expect(setup.source.freshness().phase).toBe("BackingOff"));
    expect(setup.source.nodes().size).toBe(12);
    await setup.simulator.outage("kubernetes", "off");
    await eventually(() => expect(setup.source.freshness().phase).toBe("Watching"));
    await setup.inStep();
    expect(setup.count("ListDone")).toBe(1);
  });

  test("I-16: a server that hangs lets the view grow old", async () => {
    await using setup = await simulated();
    await setup.bookmarked();
    await setup.simulator.outage("kubernetes", "hang");
    await eventually(() => expect(setup.source.freshness().lastError ?? "").toContain("no answer in time"));
    const { lastByte } = setup.source.freshness();
    const tries = setup.count("WatchEnded");
    await eventually(() => expect(setup.count("WatchEnded")).toBeGreaterThan(tries));
    expect(setup.source.freshness().lastByte).toEqual(lastByte);
    await setup.simulator.outage("kubernetes", "off");
    await setup.inStep();
    await eventually(() =>
      expect(setup.source.freshness().lastByte?.wall).toBeGreaterThan(lastByte?.wall ?? 0),
    );
  });

  test("I-23: a rotated token is picked up from its file", async () => {
    await using setup = await simulated();
    await setup.inStep();
    await setup.folder.write("token", await setup.simulator.rotateToken());
    setup.simulator.kubernetes.api.disturbWatches("end");
    await eventually(() => expect(setup.source.freshness().phase).toBe("Watching"));
    await setup.inStep();
  });

  test("I-5: bookmarks are asked for and move the version", async () => {
    await using setup = await simulated();
    await setup.inStep();
    await setup.bookmarked();
    const watch = setup.queries().find((query) => query.get("watch") === "true");
    expect(watch?.get("allowWatchBookmarks")).toBe("true");
    expect(Number(watch?.get("timeoutSeconds"))).toBeGreaterThanOrEqual(300);
    expect(Number(watch?.get("timeoutSeconds"))).toBeLessThanOrEqual(600);
  });

  test("I-18: the heartbeats of 1,000 nodes change nothing", async () => {
    // A status every 5 minutes of the world is one a second here: 1,000 events a second.
    await using setup = await simulated(
      { nodes: 1000, timeScale: 300 },
      { timings: { ...QUICK, silenceWithBookmarks: 5_000 } },
    );
    await eventually(() => expect(setup.source.nodes().size).toBe(1000));
    const before = setup.told.length;
    await eventually(() => expect(setup.count("UnchangedEventDropped")).toBeGreaterThan(2000), {
      within: 20_000,
    });
    expect(setup.told.slice(before)).toEqual([]);
  });
});
