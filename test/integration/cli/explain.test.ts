import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { keysOf, shardOf } from "@node-agent/shared/contract/keys.ts";
import type { Explanation } from "@node-agent/shared/core/explain.ts";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { withIntent } from "@node-agent/shared/core/ledger/steps.ts";
import { HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { transition } from "@node-agent/shared/core/transition.ts";
import { POLICY, useCliWorld } from "./cli-world.ts";

const world = useCliWorld();
const SICK = "node-1";

beforeAll(async () => {
  await world().breakNodes(SICK);
  await world().grownLedger();
});

beforeEach(async () => {
  await world().forget();
  await world().calmLedger();
});

/** A node whose threshold has passed, beside a ledger that allows its reboot. */
async function due(): Promise<void> {
  await world().judge(SICK, 6 * MINUTE);
}

async function explained(name = SICK, config?: string): Promise<Explanation> {
  await world().watched();
  const run = await world().cli(["explain", name, "-o", "json"], config === undefined ? {} : { config });
  expect(run).toMatchObject({ code: 0, err: "" });
  return JSON.parse(run.out) as Explanation;
}

describe("explain names what holds", () => {
  test("nothing, when the reboot is due", async () => {
    await due();
    const explanation = await explained();
    expect(explanation).toMatchObject({ node: SICK, pool: "pool-a", mode: "active", phase: "Unhealthy" });
    expect(explanation).not.toHaveProperty("blocker");
    expect(explanation.next).toEqual({ step: "Reboot", at: explanation.explainedAt });
  });

  test("nothing to repair, of a healthy node, and exits 0 with --exit-code", async () => {
    await world().judge("node-2");
    const { blocker } = await explained("node-2");
    expect(blocker).toMatchObject({ gate: "NothingFailing", why: "no checker fails" });
    const run = await world().cli(["explain", "node-2", "--exit-code"]);
    expect(run.code).toBe(0);
    expect(run.out).toContain("nothing to do");
  });

  test("a threshold that has not passed, since when and until when; 3 with --exit-code", async () => {
    const record = await world().judge(SICK, MINUTE);
    const { blocker, next } = await explained();
    expect(blocker).toMatchObject({
      gate: "Threshold",
      since: new Date(record.failing.NodeReady?.since ?? 0).toISOString(),
      ends: true,
    });
    expect(next).toEqual({ step: "Reboot", at: blocker?.until });
    expect((await world().cli(["explain", SICK, "--exit-code"])).code).toBe(3);
  });

  test("the wait after a reboot, with its outcome", async () => {
    await due();
    const now = Date.now();
    const before = (await world().store.get(SICK)).record;
    const event = { type: "RebootIntended", instanceId: "vm", token: "hidden-token" } as const;
    const intended = transition(before, { ...event, waitUntil: now + 10 * MINUTE }, POLICY, now).record;
    await world().put(intended);
    const explanation = await explained();
    expect(explanation).toMatchObject({
      blocker: { gate: "WaitWindow", since: new Date(now).toISOString() },
      lastReboot: { number: 1, outcome: "Intent", waitUntil: new Date(now + 10 * MINUTE).toISOString() },
      attempts: { used: 1, allowed: 3 },
    });
    const { out } = await world().cli(["explain", SICK]);
    expect(out).toMatch(/Last reboot\s+1 at \S+Z \(.*\): Intent, waits until/u);
    expect(out + JSON.stringify(explanation)).not.toContain("hidden-token");
  });

  test.each([
    ["fleet", []],
    ["pool", ["--pool", "pool-a"]],
    ["node", ["--node", SICK]],
  ])("a pause of the %s in the ledger", async (level, scope) => {
    await due();
    await world().cli(["pause", ...scope, "--reason", "driver upgrade"]);
    const { blocker, next } = await explained();
    expect(blocker).toMatchObject({
      gate: "Paused",
      why: `${level} (ledger): paused by admin (ann@desk): driver upgrade`,
    });
    expect(blocker?.since).toBeDefined();
    expect(next.step).toBe("LookAgain");
  });

  test.each([
    ["fleet", { fleet: true }],
    ["pool", { pools: ["pool-a"] }],
    ["node", { nodes: [SICK] }],
  ])("a pause of the %s by configuration", async (level, paused) => {
    await due();
    const { blocker } = await explained(SICK, world().config({ paused }));
    expect(blocker?.gate).toBe("Paused");
    expect(blocker?.why).toContain(`${level} (configuration)`);
  });

  test.each([
    ["paused", "Paused"],
    ["opt-out", "OptOut"],
  ])("the annotation %s", async (annotation, gate) => {
    await due();
    const key = `node-agent.civo.com/${annotation}`;
    await world().patchNode(SICK, { metadata: { annotations: { [key]: "true" } } });
    try {
      expect((await explained()).blocker).toMatchObject({ gate });
    } finally {
      await world().patchNode(SICK, { metadata: { annotations: { [key]: null } } });
    }
  });

  test("a cordon", async () => {
    await due();
    await world().patchNode(SICK, { spec: { unschedulable: true } });
    try {
      expect((await explained()).blocker).toMatchObject({
        gate: "ForeignOwner",
        why: "cordoned; nothing on the node says by whom",
      });
    } finally {
      await world().patchNode(SICK, { spec: { unschedulable: false } });
    }
  });

  test("watchers that are away", async () => {
    await due();
    await world().watched(10 * MINUTE);
    const run = await world().cli(["explain", SICK, "-o", "json"]);
    expect((JSON.parse(run.out) as Explanation).blocker).toMatchObject({ gate: "Blind" });
  });

  test("a ledger that is missing", async () => {
    await due();
    const elsewhere = world().config({ ledger: { namespace: "default", name: "not-there" } });
    const { blocker } = await explained(SICK, elsewhere);
    expect(blocker?.gate).toBe("Ledger");
    expect(blocker?.why).toContain("create it with: node-agent ledger init");
  });

  test("a limit, until it has room again", async () => {
    await due();
    const now = Date.now();
    await world().writeLedger((ledger) => {
      const intent = {
        instanceId: "vm-9",
        node: "node-9",
        pool: "pool-a",
        attempt: 1,
        token: "t",
        gpu: false,
      };
      return withIntent(ledger, intent, 10 * MINUTE, { by: "w", clocks: clocksOf([now - MINUTE]) });
    });
    const { blocker, next } = await explained();
    expect(blocker).toMatchObject({
      gate: "Limit",
      why: "Cluster: 1 open in the cluster, 1 allowed",
      ends: true,
    });
    expect(next).toEqual({ step: "Reboot", at: new Date(now + 9 * MINUTE).toISOString() });
  });

  test("an open breaker", async () => {
    await world().breakNodes("node-5", "node-6", "node-7", "node-8", "node-9");
    try {
      await due();
      expect((await explained()).blocker).toMatchObject({
        gate: "Breaker",
        why: "Zone: 6 of 20 nodes of zone lon1-a fail since less than 24 h",
      });
    } finally {
      await world().healNodes("node-5", "node-6", "node-7", "node-8", "node-9");
    }
  });

  test("the pending reboot's own word, and when it looks again", async () => {
    await due();
    const until = new Date(Date.now() + HOUR).toISOString();
    const said = { phase: "Unhealthy", waitsFor: "Identity", why: "IdentityMismatch: two claim it", until };
    await world().pending(SICK, said, HOUR);
    const { blocker, job } = await explained();
    expect(blocker).toMatchObject({ gate: "Identity", why: "IdentityMismatch: two claim it", until });
    expect(job).toMatchObject({ state: "delayed", said: { waitsFor: "Identity" } });
    expect(Math.abs(Date.parse(String(job?.at)) - Date.now() - HOUR)).toBeLessThan(MINUTE);
    await world().pending(SICK, { waitsFor: 7, why: "x".repeat(5000) }, HOUR);
    expect((await explained()).job).not.toHaveProperty("said");
  });

  test("that there is no pending reboot on the queue, or that somebody paused the queue", async () => {
    await due();
    await world().pauseReboots(true);
    expect((await explained()).blocker).toMatchObject({
      gate: "Queue",
      why: "somebody paused the queue reboots in Redis; resume it there",
    });
    await world().pauseReboots(false);
    expect(await explained()).not.toHaveProperty("blocker");
    await world().forgetJobs();
    expect((await explained()).blocker).toMatchObject({ gate: "Queue" });
  });

  test("what only the worker sees, by the word of the pending reboot", async () => {
    await due();
    const until = new Date(Date.now() + HOUR).toISOString();
    const why = "Missing: configmaps is forbidden";
    await world().pending(SICK, { phase: "Unhealthy", waitsFor: "Ledger", why, until }, HOUR);
    expect((await explained()).blocker).toMatchObject({ gate: "Ledger", why });
  });

  test("that the node is not looked after", async () => {
    const { blocker } = await explained("node-3", world().config({ nodePools: ["pool-b"] }));
    expect(blocker?.why).toContain("it is not looked after: nodePools");
  });

  test("a record that cannot be read", async () => {
    await world().damage(SICK, "not a record");
    expect((await explained()).blocker?.why).toContain("its record in Redis cannot be read");
  });
});

describe("explain for a person", () => {
  const escape = "\u{1B}[";

  test("has colours on a terminal, and words that say the same", async () => {
    await due();
    const { out } = await world().cli(["explain", SICK], { isTty: true });
    expect(out).toContain(`${escape}32mopen`);
  });

  test.each([
    ["in a pipe", [], {}],
    ["with --no-color", ["--no-color"], { isTty: true }],
    ["with NO_COLOR", [], { isTty: true, env: { NO_COLOR: "1" } }],
  ])("has none %s", async (_, flags, terminal) => {
    await due();
    const { out } = await world().cli(["explain", SICK, ...flags], terminal);
    expect(out).not.toContain(escape);
    expect(out).toMatch(/^NothingFailing +open/mu);
  });
});

describe("explain in monitor-only mode", () => {
  test("needs no ledger, and says that nothing is real", async () => {
    await world().judge(SICK, 6 * MINUTE);
    const record = (await world().store.get(SICK)).record;
    if (record === undefined) throw new Error("no record");
    await world().put({ ...record, monitorOnly: true });
    const config = world().config({ monitorOnly: true });
    const explanation = await explained(SICK, config);
    expect(explanation).toMatchObject({ mode: "monitor-only", next: { step: "Reboot" } });
    expect((await world().cli(["explain", SICK], { config })).out).toContain(
      "monitor-only: nothing is really rebooted",
    );
  });

  test("of a node that was judged in active mode warns that the configuration is not the workers'", async () => {
    await world().judge(SICK, 6 * MINUTE);
    const run = await world().cli(["explain", SICK], { config: world().config({ monitorOnly: true }) });
    expect(run.err).toContain("the workers run in the other mode");
    expect(run.out).toMatch(/Blocked by\s+Mode: judged in active mode/u);
  });
});

describe("explain cannot tell, and says so in one sentence", () => {
  test("of a node that nobody knows, with a guess what was meant", async () => {
    const run = await world().cli(["explain", "node-11x"]);
    expect(run).toMatchObject({ code: 1, out: "" });
    expect(run.err).toBe(
      "node-agent: there is no node node-11x in the cluster, and Redis knows none; did you mean node-11?\n",
    );
  });

  test("without Redis, and shows no password", async () => {
    const config = world().config({ redis: { url: "redis://ann:hunter2-secret@127.0.0.1:1" } });
    const run = await world().cli(["explain", SICK], { config });
    expect(run).toMatchObject({ code: 1, out: "" });
    expect(run.err).toBe(
      "node-agent: Redis at redis://127.0.0.1:1/0 does not answer: connect ECONNREFUSED 127.0.0.1:1\n",
    );
  });

  test("without the API server tells what Redis knows, which gates were not asked, and exits 1", async () => {
    await due();
    await world().simulator.outage("kubernetes", "refuse");
    try {
      const run = await world().cli(["explain", SICK]);
      expect(run.code).toBe(1);
      expect(run.out).toMatch(/Phase\s+Unhealthy since/u);
      expect(run.out).toMatch(/Blocked by\s+NodeUnreadable/u);
      for (const gate of ["Paused", "OptOut", "ForeignOwner", "Breaker", "Ledger", "CureRate", "Limit"]) {
        expect(run.out).toMatch(new RegExp(`^${gate}\\s+not asked`, "mu"));
      }
      for (const part of ["node", "fleet", "ledger"])
        expect(run.err).toContain(`the ${part} could not be read`);
      const unknown = await world().cli(["explain", "node-17"]);
      expect(unknown).toMatchObject({ code: 1, out: "" });
      expect(unknown.err).toContain("the node could not be read");
    } finally {
      await world().simulator.outage("kubernetes", "off");
    }
  });
});

describe("a stored snapshot that contradicts the API server", () => {
  test("is told, with what is behind, and no reboot is promised; in text and JSON", async () => {
    // node-3 died, and the watchers never heard of it: what they stored is well, under a version of a lost history.
    await world().judge("node-3");
    const stored = await world().snapshots.version("node-3");
    await world().redis.hset(keysOf(world().cluster).versions(shardOf("node-3")), {
      "node-3": `999999 ${stored?.uid} ${stored?.fingerprint}`,
    });
    await world().breakNodes("node-3");
    await world().watched();
    const run = await world().cli(["explain", "node-3", "-o", "json"]);
    const explanation = JSON.parse(run.out) as Explanation;
    expect(explanation.behind).toMatchObject({ part: "View", stored: "999999" });
    expect(explanation.behind?.why).toMatch(
      /^they stored version 999999 of this node, the API server has version \d+: its etcd was restored/u,
    );
    expect(explanation.blocker).toMatchObject({ gate: "Blind", ends: false });
    expect(explanation.next).toEqual({ step: "LookAgain", at: explanation.blocker?.until });
    const { out } = await world().cli(["explain", "node-3"]);
    expect(out).toMatch(/^Behind\s+the watchers' view: they stored version 999999 of this node/mu);
    expect(out).toMatch(/^Blocked by\s+Blind: the watchers' view is behind/mu);
    await world().healNodes("node-3");
    await world().redis.hdel(keysOf(world().cluster).versions(shardOf("node-3")), "node-3");
  });

  test("is not, when the news comes while explain waits for it", async () => {
    await due();
    await world().redis.hdel(keysOf(world().cluster).versions(shardOf(SICK)), SICK);
    const [run] = await Promise.all([
      world().cli(["explain", SICK, "-o", "json"]),
      delay(1000).then(async () => world().publish()),
    ]);
    expect(JSON.parse(run.out)).not.toHaveProperty("behind");
    expect(await world().snapshots.version(SICK)).toBeDefined();
  });
});
