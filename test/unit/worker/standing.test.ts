import { beforeEach, describe, expect, test } from "vitest";
import type { LiveWorker } from "../../../packages/shared/src/core/hosting.ts";
import { HOUR, SECOND } from "../../../packages/shared/src/core/time.ts";
import { ManualClock } from "../../../packages/shared/src/testing/manual-clock.ts";
import { MemoryWorkerRegistry } from "../../../packages/shared/src/testing/memory-worker-registry.ts";
import { Standing, type JobHold } from "../../../packages/worker/src/standing.ts";

const MONITOR: LiveWorker = { id: "m", monitorOnly: true, policy: "p1" };
const ACTIVE: LiveWorker = { id: "a", monitorOnly: false, policy: "p1" };
const SILENCE = 30 * SECOND;

let clock: ManualClock;
let registry: MemoryWorkerRegistry;
let said: string[];
beforeEach(() => {
  clock = new ManualClock();
  registry = new MemoryWorkerRegistry(clock, SILENCE);
  said = [];
});

const hear = (facts: unknown, message?: string): void => {
  said.push(typeof facts === "string" ? facts : `${message}: ${Object.values(facts as object).join()}`);
};

function standingOf(self: LiveWorker): { standing: Standing; beat: () => Promise<JobHold> } {
  const standing = new Standing({ self, clock, allowed: 30 * SECOND, logger: { warn: hear, info: hear } });
  let held: JobHold = {};
  standing.heed((hold) => {
    held = hold;
  });
  const decorated = standing.registry(registry);
  const beat = async (): Promise<JobHold> => {
    await decorated.beat(self);
    return held;
  };
  return { standing, beat };
}

const lines = (standing: Standing): string[] =>
  standing.checks().map(({ name, check }) => {
    const { ok, detail } = check();
    return `[${ok ? "+" : "-"}]${name} ${detail}`;
  });

describe("a monitor-only worker", () => {
  test("takes no job before it knows its peers", async () => {
    const { standing, beat } = standingOf(MONITOR);
    expect(standing.hold.mode).toBe("the other workers have not been asked yet");
    await standing.server(async () => clock.now())();
    expect(standing.hold.mode).toBeDefined();
    expect(await beat()).toEqual({});
    expect(said).toEqual([]);
  });

  test("leaves the cluster to an active one, says so once, and takes over when that one is silent", async () => {
    const { standing, beat } = standingOf(MONITOR);
    await registry.beat(ACTIVE);
    for (let i = 0; i < 3; i += 1) expect((await beat()).mode).toContain("a is in active mode");
    expect(lines(standing)[0]).toBe(
      "[-]mode a is in active mode: a monitor-only worker leaves all nodes of the cluster to it",
    );
    expect(lines(standing)[2]).toBe("[+]policy p1; another policy or mode: a");
    clock.advance(SILENCE + 1);
    expect(await beat()).toEqual({});
    expect(said).toEqual([
      "takes no jobs: a is in active mode: a monitor-only worker leaves all nodes of the cluster to it",
      "other live workers have another policy or mode: a",
      "takes jobs again",
      "all live workers have the same policy and mode",
    ]);
    expect(lines(standing)[0]).toBe("[+]mode monitor-only");
  });

  test("waits out the silence of an active one that was stopped in good order: it may be an upgrade", async () => {
    const { beat } = standingOf(MONITOR);
    await registry.leave(ACTIVE);
    expect((await beat()).mode).toBeDefined();
    clock.advance(SILENCE + 1);
    expect(await beat()).toEqual({});
  });
});

describe("an active worker", () => {
  test("works beside monitor-only ones, and names them and those of another policy", async () => {
    const { standing, beat } = standingOf(ACTIVE);
    await registry.beat(MONITOR);
    await registry.beat({ id: "b", monitorOnly: false, policy: "p2" });
    expect(await beat()).toEqual({});
    expect(standing.unlike).toEqual(["b", "m"]);
    expect(lines(standing)).toEqual([
      "[+]mode active",
      "[+]clock agrees with Redis and the API server",
      "[+]policy p1; another policy or mode: b, m",
    ]);
  });

  test("takes no repairs while its clock differs from Redis', and goes on by itself", async () => {
    const { standing, beat } = standingOf(ACTIVE);
    const redis = registry.beat.bind(registry);
    registry.beat = async (worker) => ({ ...(await redis(worker)), now: clock.now() - HOUR });
    const held = await beat();
    expect(held.mode).toBeUndefined();
    expect(standing.redisNow()).toBe(clock.now() - HOUR);
    clock.advance(SECOND);
    expect(standing.redisNow()).toBe(clock.now() - HOUR);
    expect(held.clock).toMatch(
      /^Redis says .* when this machine says .* \(3600 s apart\); 30 s are allowed/u,
    );
    expect(lines(standing)[1]).toMatch(/^\[-\]clock Redis says/u);
    registry.beat = redis;
    expect(await beat()).toEqual({});
    expect(said.map((line) => line.split(":")[0])).toEqual([
      "takes no repair jobs",
      "takes repair jobs again",
    ]);
  });

  test("nor while the API server's differs, where it tells", async () => {
    const { standing, beat } = standingOf(ACTIVE);
    await beat();
    await standing.server(async () => undefined)();
    expect(standing.hold).toEqual({});
    await standing.server(async () => clock.now() + HOUR)();
    expect(standing.hold.clock).toContain("the API server");
    await standing.server(async () => clock.now())();
    expect(standing.hold).toEqual({});
  });
});
