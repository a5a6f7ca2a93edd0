import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { grantsOf } from "@node-agent/shared/core/ledger/grant.ts";
import { useCliWorld } from "./cli-world.ts";

const world = useCliWorld();
const REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
/** The user of the simulator's token, beside the one of the terminal. */
const BOTH = "admin (ann@desk)";
const LOCAL = "ann@desk";

beforeAll(async () => {
  await world().deleteLedger();
});
beforeEach(async () => {
  await world().cli(["ledger", "init"]);
});
afterEach(async () => {
  world().simulator.faults.clear();
  await world().deleteLedger();
});

async function pausedBy(): Promise<string | undefined> {
  return (await world().ledger()).meta.paused?.by;
}

describe("every order is kept with the user that the API server authenticated", () => {
  test("pause, grant, revoke and ledger init", async () => {
    await world().cli(["pause", "--reason", "x"]);
    await world().cli(["grant", "--reason", "x", "--force"]);
    await world().cli(["revoke"]);
    const { meta } = await world().ledger();
    expect(meta.heartbeatBy).toBe(BOTH);
    expect(meta.paused?.by).toBe(BOTH);
    expect(grantsOf(meta)).toMatchObject([{ by: BOTH, endedBy: BOTH }]);
  });

  test("ledger trust", async () => {
    await world().writeLedger(({ meta, entries }) => ({
      meta: { ...meta, quarantineUntil: Date.now() + 3_600_000 },
      entries,
    }));
    await world().cli(["ledger", "trust", "--reason", "x"]);
    expect((await world().ledger()).meta.trusted?.by).toBe(BOTH);
  });

  test("retry", async () => {
    const run = await world().cli(["retry", "node-1", "--reason", "x", "-o", "json"]);
    expect(JSON.parse(run.out)).toMatchObject({ by: BOTH });
  });

  test("the impersonated user when the kubeconfig impersonates one", async () => {
    const kubeconfig = join(world().dir, "as-bob.yaml");
    const text = readFileSync(world().kubeconfig, "utf8");
    writeFileSync(
      kubeconfig,
      text.replace(/^(\s+)token: .*$/mu, (line, blanks: string) => `${line}\n${blanks}as: bob`),
    );
    const run = await world().cli(["pause", "--reason", "x", "--kubeconfig", kubeconfig]);
    expect(run.out).toMatch(/^fleet paused by bob \(ann@desk\) at /u);
  });
});

describe("an order is given under the name of the machine's user", () => {
  test.each([
    ["does not know the question (before Kubernetes 1.28)", { effect: "status", status: 404 } as const],
    ["forbids it", { effect: "status", status: 403 } as const],
    ["fails", { effect: "status", status: 500 } as const],
    ["closes the connection", { effect: "reset" } as const],
    ["breaks off", { effect: "truncate" } as const],
    ["answers no JSON", { effect: "status", status: 200, body: "<html>" } as const],
    ["names no user", { effect: "status", status: 201, body: { status: {} } } as const],
  ])("when the server %s", async (_, fault) => {
    world().simulator.faults.add({ api: "kubernetes", match: { path: REVIEW }, ...fault });
    expect(await world().cli(["pause", "--reason", "x"])).toMatchObject({ code: 0, err: "" });
    expect(await pausedBy()).toBe(LOCAL);
  });

  test("when the server does not answer it in time", { timeout: 15_000 }, async () => {
    world().simulator.faults.add({ api: "kubernetes", match: { path: REVIEW }, effect: "hang" });
    expect(await world().cli(["pause", "--reason", "x"])).toMatchObject({ code: 0, err: "" });
    expect(await pausedBy()).toBe(LOCAL);
  });

  test("as one plain line, whatever the server calls the user", async () => {
    const body = { status: { userInfo: { username: `e\u{202E}vil\n${"x".repeat(5000)}` } } };
    world().simulator.faults.add({
      api: "kubernetes",
      match: { path: REVIEW },
      effect: "status",
      status: 201,
      body,
    });
    expect(await world().cli(["pause", "--reason", "x"])).toMatchObject({ code: 0, err: "" });
    expect(await pausedBy()).toMatch(/^e vil x{10,120}\.\.\. \(ann@desk\)$/u);
  });
});
