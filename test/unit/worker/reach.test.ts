import { describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "../../../packages/shared/src/core/policy.ts";
import { MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import type { ResolveFailure } from "../../../packages/shared/src/ports/executor.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { blindCauses, Reach } from "../../../packages/worker/src/reach.ts";
import { World } from "./world.ts";

const NEVER = new AbortController().signal;

describe("what a worker could reach when it last asked", () => {
  test("is the API server again with the next answer, of the reader as of the ledger", async () => {
    const world = new World();
    const reach = new Reach();
    const reader = reach.reader(world.reader);
    const ledger = reach.ledger(world.ledger);
    world.reader.fault = new Error("ECONNREFUSED");
    await expect(reader.read("node-1", NEVER)).rejects.toThrow("ECONNREFUSED");
    expect([...reach.lost]).toEqual(["Kubernetes"]);
    await ledger.read();
    expect([...reach.lost]).toEqual([]);
    world.reader.fault = undefined;
    // A node that does not exist is an answer.
    await reader.read("nobody", NEVER);
    expect([...reach.lost]).toEqual([]);
  });

  test("is what /readyz says: the API server, and in active mode the ledger", async () => {
    const world = new World();
    const reach = new Reach();
    const said = (): string[] =>
      reach.checks(false).map(({ name, check }) => {
        const { ok, detail } = check();
        return `[${ok ? "+" : "-"}]${name} ${detail}`;
      });
    expect(reach.checks(true).map(({ name }) => name)).toEqual(["kubernetes"]);
    expect(said()).toEqual(["[-]kubernetes not asked yet", "[-]ledger not asked yet"]);
    const ledger = reach.ledger(world.ledger);
    let fault: Error | undefined = new Error("GET /api/v1/nodes: answered 403");
    const look = reach.server(async () => {
      if (fault !== undefined) throw fault;
      return 7;
    });
    await expect(look()).rejects.toThrow("403");
    await ledger.read();
    expect(said()).toEqual(["[-]kubernetes GET /api/v1/nodes: answered 403", "[+]ledger read"]);
    fault = undefined;
    expect(await look()).toBe(7);
    const missing = reach.ledger({
      compareAndWrite: async () => ({ outcome: "Refused", why: "never asked" }),
      read: async () => ({ state: "Missing", why: "there is no ConfigMap" }),
    });
    await missing.read();
    expect(said()).toEqual(["[+]kubernetes answers", "[-]ledger Missing: there is no ConfigMap"]);
    const refused = reach.ledger({
      compareAndWrite: async () => ({ outcome: "Refused", why: "never asked" }),
      read: async () => Promise.reject(new Error("GET configmaps: answered 403")),
    });
    await expect(refused.read()).rejects.toThrow("403");
    expect(said()).toEqual(["[+]kubernetes answers", "[-]ledger GET configmaps: answered 403"]);
  });

  test.each<[ResolveFailure, boolean]>([
    ["Unavailable", true],
    ["Unauthorized", true],
    ["Misconfigured", true],
    ["RateLimited", true],
    ["NotFound", false],
    ["IdentityMismatch", false],
    ["BadState", false],
  ])("a cloud that answers %s is out of reach: %s", async (failure, lost) => {
    const world = new World();
    const reach = new Reach();
    world.executor.onResolve = () => ({ ok: false, failure, detail: "" });
    await reach.executor(world.executor).resolve(aNode().snapshot(), NEVER);
    expect(reach.lost.has("Cloud")).toBe(lost);
  });
});

const view = (age: number | undefined, steady: number) => ({ now: 1, observed: 0, age, steady });

describe("the causes of blindness", () => {
  const policy = { ...DEFAULT_POLICY, viewMaxAge: 90 * SECOND, blindGrace: 2 * MINUTE };
  const causes = (of: Parameters<typeof blindCauses>[0], lost: readonly ("Kubernetes" | "Cloud")[] = []) =>
    [...blindCauses(of, new Set(lost), policy)].toSorted();

  test("are none while the cluster has been in sight for long", () => {
    expect(causes(view(0, 2 * MINUTE))).toEqual([]);
  });

  test("are a Redis that does not tell, a view that is old or was never there, and the grace after it", () => {
    expect(causes(undefined)).toEqual(["Redis"]);
    expect(causes(view(undefined, 0))).toEqual(["View"]);
    expect(causes(view(90 * SECOND + 1, MINUTE))).toEqual(["View"]);
    expect(causes(view(0, 2 * MINUTE - 1))).toEqual(["Grace"]);
  });

  test("are told together with what is out of reach", () => {
    expect(causes(view(0, 0), ["Kubernetes", "Cloud"])).toEqual(["Cloud", "Grace", "Kubernetes"]);
  });
});
