import { beforeEach, describe, expect, test } from "vitest";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { withIntent, withOutcome } from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS } from "@node-agent/shared/core/ledger/timings.ts";
import { HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import { createConfigMapLedger } from "@node-agent/kubernetes";
import { useCliWorld } from "./cli-world.ts";

const world = useCliWorld();
const ONE_LINE = /^node-agent: [^\n]+\n$/u;

beforeEach(async () => {
  await world().deleteLedger();
});

interface Shown {
  readonly trusted: boolean;
  readonly createdAt: string;
  readonly distrust?: { readonly why: string; readonly until: string };
  readonly meta: Readonly<Record<string, unknown>>;
  readonly entries: readonly Readonly<Record<string, unknown>>[];
}

async function shown(): Promise<Shown> {
  const { out } = await world().cli(["ledger", "show", "-o", "json"]);
  return JSON.parse(out) as Shown;
}

describe("ledger init", () => {
  test("creates the ledger of this cluster and says when it will be believed", async () => {
    const run = await world().cli(["ledger", "init"]);
    expect(run).toMatchObject({ code: 0 });
    expect(run.out).toMatch(
      /^ConfigMap default\/node-agent-ledger created: the ledger of cluster [0-9a-f-]{36}\n$/u,
    );
    expect(run.err).toMatch(/it is believed from \d{4}-\S+Z \(in \d+s\) on/u);
    const { trusted, distrust, createdAt, meta } = await shown();
    expect(trusted).toBe(false);
    expect(distrust?.why).toContain("TooYoung");
    // 100 ms wait, 2 x 100 ms deadlines, 1.5 s skew.
    expect(Date.parse(distrust?.until ?? "") - Date.parse(createdAt)).toBe(1800);
    expect(run.out).toContain(String(meta["cluster"]));
    expect(meta).toMatchObject({ seq: 0, heartbeatBy: "admin (ann@desk)" });
  });

  test("creates nothing else", async () => {
    const objects = async (): Promise<string> => {
      const maps = await world().kubernetes.request("/api/v1/configmaps");
      const spaces = await world().kubernetes.request("/api/v1/namespaces");
      const names = [maps, spaces].map(
        ({ body }) => (body as { items: { metadata: { name: string } }[] }).items,
      );
      return JSON.stringify(names.map((items) => items.map(({ metadata }) => metadata.name)));
    };
    const before = await objects();
    await world().cli(["ledger", "init"]);
    expect(await objects()).toBe(before.replace("[[", '[["node-agent-ledger"'));
  });

  test("stamps it by the clock of the server", async () => {
    const clock = { ...systemClock, now: () => 0 };
    await world().cli(["ledger", "init"], { clock });
    expect((await world().ledger()).meta.heartbeatAt).toBeGreaterThan(Date.now() - HOUR);
  });

  test("refuses where there is one and leaves it as it is", async () => {
    await world().cli(["ledger", "init"]);
    const before = JSON.stringify(await shown());
    const run = await world().cli(["ledger", "init"], { who: "bob@desk" });
    expect(run).toMatchObject({ code: 1, out: "" });
    expect(run.err).toContain("is the ledger of this cluster already");
    expect(run.err).toContain("nothing was changed");
    expect((await shown()).meta).toEqual((JSON.parse(before) as Shown).meta);
  });

  test("refuses where something else has its name, and says what", async () => {
    await world().cli(["ledger", "init"]);
    await world().scribble("{}");
    const run = await world().cli(["ledger", "init"]);
    expect(run.code).toBe(1);
    expect(run.err).toContain("is not the ledger of this cluster; nothing was changed");
  });

  test("names the way out when its namespace is missing", async () => {
    const config = world().config({ ledger: { namespace: "not-there" } });
    const run = await world().cli(["ledger", "init"], { config });
    expect(run.code).toBe(1);
    expect(run.err).toContain("kubectl create namespace not-there");
  });

  test("asked by five at the same time is done once", async () => {
    const runs = await Promise.all(Array.from({ length: 5 }, async () => world().cli(["ledger", "init"])));
    expect(runs.filter(({ code }) => code === 0)).toHaveLength(1);
    expect(runs.filter(({ code }) => code === 1)).toHaveLength(4);
  });
});

describe("a ledger that cannot be used is one clear sentence:", () => {
  test.each(["ledger show", "pause --reason x", "resume", "grant --reason x", "revoke"])(
    "missing (%s)",
    async (line) => {
      const run = await world().cli(line.split(" "));
      expect(run).toMatchObject({ code: 1, out: "" });
      expect(run.err).toContain("there is no ledger, and without one nothing is rebooted");
      expect(run.err).toContain("node-agent ledger init");
      expect(run.err).toMatch(ONE_LINE);
    },
  );

  test("unparsable", async () => {
    await world().cli(["ledger", "init"]);
    await world().scribble("{ not json \u{1B}[2J");
    const run = await world().cli(["pause", "--reason", "x"]);
    expect(run).toMatchObject({ code: 1, out: "" });
    expect(run.err).toContain("the ledger cannot be read, and nothing is rebooted while that is so");
    expect(run.err).not.toContain("\u{1B}");
    expect(run.err).toMatch(ONE_LINE);
  });

  test("of another cluster", async () => {
    await world().cli(["ledger", "init"]);
    await world().writeLedger((ledger) => ({ ...ledger, meta: { ...ledger.meta, cluster: "another" } }));
    const run = await world().cli(["ledger", "show"]);
    expect(run).toMatchObject({ code: 1, out: "" });
    expect(run.err).toContain("the ledger is of another cluster");
    expect(run.err).toMatch(ONE_LINE);
  });
});

describe("ledger show", () => {
  test("lists reboots, latest first, with what is left of their windows and without their tokens", async () => {
    await world().cli(["ledger", "init"]);
    const now = Date.now();
    await world().writeLedger((ledger) => {
      const old = { by: "worker-1", clocks: clocksOf([now - HOUR]) };
      const fresh = { by: "worker-2", clocks: clocksOf([now]) };
      const about = { pool: "pool-a", checker: "NodeReady", attempt: 1, gpu: false };
      const first = { ...about, instanceId: "vm-1", node: "node-1", token: "token-1-hidden" };
      const second = { ...about, instanceId: "vm-2", node: "node-2", token: "token-2-hidden", attempt: 2 };
      const one = withIntent(ledger, first, 10 * MINUTE, old);
      const cured = withOutcome(one, "vm-1", "token-1-hidden", "Cured", old, LEDGER_TIMINGS);
      return withIntent(cured, second, 10 * MINUTE, fresh);
    });
    const { out, code } = await world().cli(["ledger", "show"]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /node-2\s+vm-2\s+pool-a\s+NodeReady\s+2\s+Intent\s.*(?:10m\d*s?|9m\d+s) left\s+worker-2/u,
    );
    expect(out).toMatch(/node-1\s+vm-1\s+pool-a\s+NodeReady\s+1\s+Cured\s.*over\s+worker-1/u);
    expect(out.indexOf("node-2")).toBeLessThan(out.indexOf("node-1"));
    const json = await shown();
    expect(json.entries.map(({ node, open }) => [node, open])).toEqual([
      ["node-2", true],
      ["node-1", false],
    ]);
    expect(out + JSON.stringify(json)).not.toContain("hidden");
  });

  test("says that a grown ledger is believed", async () => {
    await world().grownLedger();
    expect((await shown()).trusted).toBe(true);
  });
});

describe("ledger trust", () => {
  test("ends a quarantine, and the ledger says who did it", async () => {
    await world().grownLedger();
    expect(await world().cli(["ledger", "trust", "--reason", "x"])).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringContaining("in no quarantine; nothing was changed"),
    });
    await world().writeLedger((ledger) => ({
      ...ledger,
      meta: { ...ledger.meta, quarantineUntil: Date.now() + HOUR },
    }));
    expect((await shown()).trusted).toBe(false);
    const run = await world().cli(["ledger", "trust", "--reason", "no restore, see OPS-7"]);
    expect(run).toMatchObject({ code: 0, err: "" });
    expect(run.out).toMatch(/^quarantine ended by admin \(ann@desk\) at \S+Z: no restore, see OPS-7\n$/u);
    expect((await shown()).trusted).toBe(true);
    expect((await world().cli(["ledger", "show"])).out).toMatch(
      /Trusted +by admin \(ann@desk\) .*: no restore, see OPS-7/u,
    );
  });
});

test("the identity of the cluster is stable over reads", async () => {
  const uid = async () => {
    const { body } = await world().kubernetes.request("/api/v1/namespaces/kube-system");
    return (body as { metadata: { uid: string } }).metadata.uid;
  };
  expect(await uid()).toBe(await uid());
  await world().cli(["ledger", "init"]);
  const reading = await createConfigMapLedger(world().kubernetes, {
    namespace: "default",
    name: "node-agent-ledger",
  }).read();
  expect(reading).toMatchObject({ state: "Found", ledger: { meta: { cluster: await uid() } } });
});
