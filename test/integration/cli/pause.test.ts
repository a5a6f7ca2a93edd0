import { beforeEach, describe, expect, test } from "vitest";
import { pausesOf } from "@node-agent/shared/core/pause.ts";
import { HOUR } from "@node-agent/shared/core/time.ts";
import { startProcess } from "../../support/processes.ts";
import { POLICY, useCliWorld } from "./cli-world.ts";

const world = useCliWorld();

beforeEach(async () => {
  await world().deleteLedger();
  await world().cli(["ledger", "init"]);
});

/** What holds a node, by a reading of the ledger as a gate makes it. */
async function holds(name: string, pool: string): Promise<string[]> {
  return pausesOf({ name, pool }, POLICY.paused, await world().ledger()).map(({ level }) => level);
}

describe("pause and resume", () => {
  test("of the fleet hold every node, and let go of it", async () => {
    const run = await world().cli(["pause", "--reason", "driver upgrade"]);
    expect(run).toMatchObject({ code: 0, err: "" });
    expect(run.out).toMatch(/^fleet paused by admin \(ann@desk\) at \S+Z: driver upgrade\n$/u);
    expect(await holds("node-1", "pool-a")).toEqual(["fleet"]);
    expect(await world().cli(["resume"])).toEqual({ code: 0, out: "fleet resumed\n", err: "" });
    expect(await holds("node-1", "pool-a")).toEqual([]);
  });

  test("with a span end by themselves, and say when", async () => {
    const run = await world().cli(["pause", "--reason", "upgrade", "--for", "2h"]);
    expect(run.out).toMatch(/^fleet paused by admin \(ann@desk\) at \S+Z, until \S+Z: upgrade\n$/u);
    const { paused } = (await world().ledger()).meta;
    expect(paused!.until! - paused!.since).toBe(2 * HOUR);
    expect((await world().cli(["ledger", "show"])).out).toMatch(/Paused +fleet by .* until \S+Z: upgrade/u);
  });

  test("of a pool hold its nodes and no others", async () => {
    await world().cli(["pause", "--pool", "pool-a", "--reason", "x"]);
    expect(await holds("node-1", "pool-a")).toEqual(["pool"]);
    expect(await holds("node-1", "pool-b")).toEqual([]);
    await world().cli(["resume", "--pool", "pool-a"]);
    expect(await holds("node-1", "pool-a")).toEqual([]);
  });

  test("of a node hold it alone", async () => {
    await world().cli(["pause", "--node", "node-1", "--reason", "x"]);
    expect(await holds("node-1", "pool-a")).toEqual(["node"]);
    expect(await holds("node-2", "pool-a")).toEqual([]);
    await world().cli(["resume", "--node", "node-1"]);
    expect(await holds("node-1", "pool-a")).toEqual([]);
  });

  test("the end of one level leaves the others, and says which stand", async () => {
    await world().cli(["pause", "--node", "node-1", "--reason", "bad disk"]);
    await world().cli(["pause", "--reason", "everything"]);
    const config = world().config({ paused: { pools: ["pool-z"] } });
    const run = await world().cli(["resume"], { config });
    expect(run.out).toBe("fleet resumed\n");
    expect(run.err).toMatch(/still paused: node node-1 by admin \(ann@desk\) at \S+Z: bad disk/u);
    expect(run.err).toContain("still paused: pool pool-z, by configuration");
    expect(await holds("node-1", "pool-a")).toEqual(["node"]);
  });

  test("of what is not paused is no fault", async () => {
    const { version } = (await shownVersion()) ?? {};
    expect(await world().cli(["resume", "--pool", "pool-a"])).toEqual({
      code: 0,
      out: "pool pool-a was not paused in the ledger\n",
      err: "",
    });
    expect((await shownVersion()).version).toBe(version);
  });

  test("of what is paused already keep the first order", async () => {
    await world().cli(["pause", "--reason", "first"]);
    const run = await world().cli(["pause", "--reason", "second"], { who: "bob@desk" });
    expect(run.code).toBe(0);
    expect(run.out).toMatch(/^fleet was paused already by admin \(ann@desk\) at \S+Z: first\n$/u);
  });

  test("a name that nothing in the cluster has is told, and holds all the same", async () => {
    const pool = await world().cli(["pause", "--pool", "pool-typo", "--reason", "x"]);
    expect(pool).toMatchObject({ code: 0 });
    expect(pool.err).toContain("the cluster has no pool pool-typo now");
    const node = await world().cli(["pause", "--node", "node-typo", "--reason", "x"]);
    expect(node.err).toContain("the cluster has no node node-typo now");
    expect(await holds("node-typo", "pool-typo")).toEqual(["pool", "node"]);
    const known = await world().cli(["pause", "--node", "node-3", "--reason", "x"]);
    expect(known.err).toBe("");
  });

  test("as JSON", async () => {
    const run = await world().cli(["pause", "--pool", "pool-a", "--reason", "x", "-o", "json"]);
    expect(JSON.parse(run.out)).toMatchObject({
      scope: { level: "pool", name: "pool-a" },
      paused: true,
      changed: true,
      pause: { by: "admin (ann@desk)", reason: "x", since: expect.stringMatching(/Z$/u) },
    });
  });

  test("need no Redis", async () => {
    const config = world().config({ redis: { url: "redis://127.0.0.1:1" } });
    expect(await world().cli(["pause", "--reason", "redis is down"], { config })).toMatchObject({ code: 0 });
  });

  test("an API server that is away is one sentence", async () => {
    await world().simulator.outage("kubernetes", "refuse");
    try {
      const run = await world().cli(["pause", "--reason", "x"]);
      expect(run).toMatchObject({ code: 1, out: "" });
      expect(run.err).toMatch(/^node-agent: GET \/api\/v1\/namespaces\/kube-system: .*\n$/u);
    } finally {
      await world().simulator.outage("kubernetes", "off");
    }
  });

  test("by five processes at the same time lose nothing", { timeout: 90_000 }, async () => {
    const config = world().config();
    const scopes = [
      [],
      ["--pool", "pool-a"],
      ["--pool", "pool-b"],
      ["--node", "node-1"],
      ["--node", "node-2"],
    ];
    const processes = scopes.map((scope, i) =>
      startProcess({
        name: `pause-${i}`,
        script: "packages/cli/src/main.ts",
        args: ["pause", ...scope, "--reason", `order ${i}`, "--config", config],
        env: { USER: `user-${i}` },
      }),
    );
    const exits = await Promise.all(processes.map(async ({ exited }) => exited));
    expect(exits.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    const { meta } = await world().ledger();
    expect(meta.paused).toMatchObject({ reason: "order 0", by: expect.stringMatching(/^admin \(user-0@/u) });
    expect(Object.keys(meta.pausedPools).toSorted()).toEqual(["pool-a", "pool-b"]);
    expect(Object.keys(meta.pausedNodes).toSorted()).toEqual(["node-1", "node-2"]);
  });
});

async function shownVersion(): Promise<{ version: string }> {
  const { body } = await world().kubernetes.request(
    "/api/v1/namespaces/default/configmaps/node-agent-ledger",
  );
  return { version: (body as { metadata: { resourceVersion: string } }).metadata.resourceVersion };
}
