import { expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import type { Simulator } from "../../../packages/simulator/src/simulator.ts";
import { civo, quickSimulator } from "./http-client.ts";

const clusterPath = (simulator: Simulator) => `/v2/kubernetes/clusters/${simulator.civo.clusterId}`;
const instanceOf = (simulator: Simulator, name: string) => simulator.world.machine(name).instance.id;

test("a missing, empty or wrong key is 401 in Civo's words", async () => {
  await using simulator = await quickSimulator();
  for (const authorization of ["", "bearer ", "bearer wrong", simulator.civo.apiKey]) {
    const answer = await civo(simulator, "/v2/regions", { headers: { authorization } });
    expect([answer.status, answer.body]).toEqual([401, { result: "requires_authentication", status: 401 }]);
  }
  expect(
    (await civo(simulator, "/v2/regions", { headers: { authorization: `Bearer ${simulator.civo.apiKey}` } }))
      .status,
  ).toBe(200);
});

test("after a rotation the old key is wrong", async () => {
  await using simulator = await quickSimulator();
  const authorization = `bearer ${simulator.civo.apiKey}`;
  simulator.rotateApiKey();
  expect((await civo(simulator, "/v2/regions", { headers: { authorization } })).status).toBe(401);
  expect((await civo(simulator, "/v2/regions")).status).toBe(200);
});

test("without a region an instance cannot be found; an unknown region is an error of its own", async () => {
  await using simulator = await quickSimulator();
  const path = `/v2/instances/${instanceOf(simulator, "std-1")}`;
  expect((await civo(simulator, `${path}?region=`)).body.code).toBe("database_instance_find");
  expect((await civo(simulator, `${path}/hard_reboots?region=`, { method: "POST" })).body.code).toBe(
    "database_instance_find",
  );
  const unknown = await civo(simulator, `${path}?region=XYZ9`);
  expect([unknown.status, unknown.body.code]).toEqual([404, "database_region_not_found"]);
  const viaBody = { method: "POST", body: { region: "LON1" } };
  expect((await civo(simulator, `${path}/hard_reboots?region=`, viaBody)).body).toEqual({
    result: "success",
  });
});

test("cluster instances are a bare array with nulls, unknown fields and secrets as real answers have them", async () => {
  await using simulator = await quickSimulator();
  const { body } = await civo(simulator, `${clusterPath(simulator)}/instances`);
  expect(body.map(({ hostname }) => hostname)).toEqual(["std-1", "std-2", "std-3", "gpu-1"]);
  expect(body.some(({ public_ip: ip }) => ip === null)).toBe(true);
  expect(body[0]?.initial_password).toMatch(/^password-/);
  expect(body[0]?.civostatsd_token).toMatch(/^statsd-/);
  expect(body[3]).toMatchObject({ gpu_count: 8, status: "ACTIVE", region: "LON1" });
});

test("pages: 20 by default, per_page null unless it was asked for", async () => {
  await using simulator = await quickSimulator({ pools: [{ name: "many", count: 45 }] });
  const first = await civo(simulator, "/v2/instances");
  expect(first.body).toMatchObject({ page: 1, per_page: null, pages: 3 });
  expect(first.body.items).toHaveLength(20);
  const last = await civo(simulator, "/v2/instances?page=3&per_page=20");
  expect([last.body.per_page, last.body.items.length]).toEqual([20, 5]);
});

test.each(["hard_reboots", "reboots", "soft_reboots"])(
  "%s reboots an ACTIVE instance once: REBOOTING, then ACTIVE",
  async (verb) => {
    await using simulator = await quickSimulator();
    const path = `/v2/instances/${instanceOf(simulator, "std-1")}`;
    const reboot = () => civo(simulator, `${path}/${verb}`, { method: "POST", body: { region: "LON1" } });
    expect((await reboot()).body).toEqual({ result: "success" });
    expect((await civo(simulator, path)).body.status).toBe("REBOOTING");
    const again = await reboot();
    expect([again.status, again.body.code]).toEqual([409, "instance_state_must_be_active_or_shutoff"]);
    await eventually(async () => expect((await civo(simulator, path)).body.status).toBe("ACTIVE"));
    expect(simulator.world.reboots).toHaveLength(1);
  },
);

test("a reboot is in the audit trail of its instance", async () => {
  await using simulator = await quickSimulator();
  const id = instanceOf(simulator, "std-1");
  await civo(simulator, `/v2/instances/${id}/hard_reboots`, { method: "POST" });
  await civo(simulator, `/v2/instances/${instanceOf(simulator, "std-2")}/hard_reboots`, { method: "POST" });
  const { body } = await civo(simulator, `/v2/actions?related_id=${id}`);
  expect(body.items).toMatchObject([
    { type: "instance-hard-reboot", related_id: id, related_type: "instance" },
  ]);
});

test("an instance stops and starts; a stopped one can be rebooted", async () => {
  await using simulator = await quickSimulator();
  const path = `/v2/instances/${instanceOf(simulator, "std-1")}`;
  const status = async () => (await civo(simulator, path)).body.status;
  await civo(simulator, `${path}/stop`, { method: "PUT" });
  expect(await status()).toBe("STOPPING");
  await eventually(async () => expect(await status()).toBe("SHUTOFF"));
  await civo(simulator, `${path}/start`, { method: "PUT" });
  expect(await status()).toBe("ACTIVE");
  await eventually(() => expect(simulator.world.truth()[0]?.healthy).toBe(true));
});

test("what is not there is refused by its own code", async () => {
  await using simulator = await quickSimulator();
  const path = clusterPath(simulator);
  const pool = simulator.world.pool("gpu")?.id;
  const codes = async (target: string, method = "GET", body?: unknown) =>
    (await civo(simulator, target, { method, body })).body.code;
  expect(await codes("/v2/instances/none")).toBe("database_instance_find");
  expect(await codes("/v2/kubernetes/clusters/none/instances")).toBe("database_kubernetes_cluster_not_found");
  expect(await codes(`${path}/pools/none`)).toBe("database_cluster_pool_not_found");
  expect(await codes(`${path}/recycle`, "POST", { hostname: "none" })).toBe(
    "database_kubernetes_node_not_found",
  );
  expect(await codes(`${path}/pools/${pool}/instances/${instanceOf(simulator, "std-1")}`, "DELETE")).toBe(
    "database_cluster_pool_instance_not_found",
  );
  expect(await codes(`/v2/instances/${instanceOf(simulator, "std-1")}`, "DELETE")).toBe(
    "database_cannot_manage_cluster_instance",
  );
  const nowhere = await civo(simulator, "/v2/nowhere");
  expect([nowhere.status, nowhere.headers.get("content-type")]).toEqual([404, "text/plain"]);
});

test("recycle takes id and host name away at once and builds another; the count stays", async () => {
  await using simulator = await quickSimulator();
  const id = instanceOf(simulator, "std-2");
  await civo(simulator, `${clusterPath(simulator)}/recycle`, {
    method: "POST",
    body: { hostname: "std-2", region: "LON1" },
  });
  expect((await civo(simulator, `/v2/instances/${id}`)).body.code).toBe("database_instance_find");
  const pools = await civo(simulator, `${clusterPath(simulator)}/pools`);
  expect(pools.body[0]).toMatchObject({ count: 3 });
  expect(pools.body[0]?.instances.map(({ status }) => status)).toContain("BUILDING");
  await eventually(() => expect(simulator.world.truth().every(({ ready }) => ready)).toBe(true));
});

test("deleting a pool instance lowers the count, scaling up builds again", async () => {
  await using simulator = await quickSimulator();
  const pool = simulator.world.pool("standard")?.id;
  const path = `${clusterPath(simulator)}/pools/${pool}`;
  await civo(simulator, `${path}/instances/${instanceOf(simulator, "std-3")}`, { method: "DELETE" });
  expect((await civo(simulator, path)).body).toMatchObject({ count: 2, instance_names: ["std-1", "std-2"] });
  const scaled = await civo(simulator, path, { method: "PUT", body: { id: pool, count: 4, region: "LON1" } });
  expect(scaled.body.count).toBe(4);
  expect((await civo(simulator, path, { method: "PUT", body: { count: "many" } })).status).toBe(400);
});

test("JSON, form and empty bodies are accepted", async () => {
  await using simulator = await quickSimulator();
  const reboot = (name: string, body: unknown, type: string) =>
    civo(simulator, `/v2/instances/${instanceOf(simulator, name)}/hard_reboots?region=`, {
      method: "POST",
      body,
      type,
    });
  expect((await reboot("std-1", "region=LON1", "application/x-www-form-urlencoded")).status).toBe(200);
  expect((await reboot("std-2", { region: "LON1" }, "application/json")).status).toBe(200);
  expect(
    (
      await civo(simulator, `/v2/instances/${instanceOf(simulator, "std-3")}/hard_reboots`, {
        method: "POST",
      })
    ).status,
  ).toBe(200);
});
