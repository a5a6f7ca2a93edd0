import { expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { parseScenario, playScenario } from "../../../packages/simulator/src/control/scenario.ts";
import { control, kube, quickSimulator } from "./http-client.ts";

const post = (body: unknown) => ({ method: "POST", body });

test("nodes are broken and healed by name, and the truth is told", async () => {
  await using simulator = await quickSimulator();
  const broken = await control(
    simulator,
    "/nodes/std-1/break",
    post({ fault: "not-ready", curedByReboot: false }),
  );
  expect([broken.status, broken.body]).toEqual([200, { nodes: ["std-1"] }]);
  const truth = await control(simulator, "/nodes/std-1");
  expect(truth.body).toMatchObject({
    healthy: false,
    ready: false,
    faults: [{ fault: "not-ready", reboots: "never" }],
  });
  expect((await control(simulator, "/world")).body).toMatchObject({ nodes: 4, unhealthy: 1, reboots: 0 });
  await control(simulator, "/nodes/std-1/heal", post(undefined));
  expect((await control(simulator, "/nodes/std-1")).body).toMatchObject({ healthy: true, ready: true });
});

test("delete, replace, instance-gone and forget-provider-id do what they say", async () => {
  await using simulator = await quickSimulator();
  const { uid } = simulator.world.truth()[1] ?? {};
  await control(simulator, "/nodes/std-1/delete", post({}));
  await control(simulator, "/nodes/std-2/replace", post({}));
  await control(simulator, "/nodes/std-3/instance-gone", post({}));
  await control(simulator, "/nodes/gpu-1/forget-provider-id", post({}));
  expect((await kube(simulator, "/api/v1/nodes/std-1")).status).toBe(404);
  expect((await kube(simulator, "/api/v1/nodes/std-2")).body.metadata.uid).not.toBe(uid);
  expect((await kube(simulator, "/api/v1/nodes/gpu-1")).body.spec.providerID).toBeUndefined();
  expect((await control(simulator, "/nodes/std-3")).body).toMatchObject({
    instanceStatus: "GONE",
    power: "gone",
  });
});

test("part of a pool or a zone is broken by one command", async () => {
  await using simulator = await quickSimulator();
  const command = { do: "break", pool: "standard", count: 2, fault: "kubelet-dead" };
  expect((await control(simulator, "/commands", post(command))).body.nodes).toHaveLength(2);
  const rest = await control(simulator, "/commands", post({ ...command, count: "all" }));
  expect(rest.body.nodes).toHaveLength(1);
  expect((await control(simulator, "/commands", post(command))).body.errors[0]).toMatch(
    /2 nodes asked for, 0 fit/,
  );
});

test("a fault that flaps is put on by one command, comes and goes, and is healed by one", async () => {
  await using simulator = await quickSimulator();
  const flapping = { down: "300ms", up: "300ms" };
  const command = { do: "break", pool: "standard", count: 1, fault: "disk-pressure", flapping };
  const broken = await control(simulator, "/commands", post(command));
  const [node = ""] = (broken.body as unknown as { nodes: string[] }).nodes;
  const faults = () => simulator.world.machine(node).faults.size;
  await eventually(() => expect(faults()).toBe(0));
  await eventually(() => expect(faults()).toBe(1));
  await control(simulator, `/nodes/${node}/heal`, post({}));
  expect(simulator.world.isBroken(node)).toBe(false);
  const { body } = await control(
    simulator,
    "/commands",
    post({ ...command, flapping: { down: "soon", up: "1s" } }),
  );
  expect(body.errors[0]).toMatch(/flapping.down: expected a duration/);
});

test("the same command again breaks another node: the one that booted last comes last", async () => {
  await using simulator = await quickSimulator();
  const command = { do: "break", pool: "standard", count: 1, fault: "kubelet-dead" };
  expect((await control(simulator, "/commands", post(command))).body.nodes).toEqual(["std-1"]);
  simulator.world.heal("std-1");
  simulator.world.machine("std-1").bootedAt += 1000;
  expect((await control(simulator, "/commands", post(command))).body.nodes).toEqual(["std-2"]);
});

test("faults are put on and taken off over HTTP", async () => {
  await using simulator = await quickSimulator();
  const fault = { api: "kubernetes", effect: "status", status: 503, match: { path: "/api/v1/nodes" } };
  const { body } = await control(simulator, "/faults", post(fault));
  expect((await kube(simulator, "/api/v1/nodes")).status).toBe(503);
  expect((await control(simulator, "/faults")).body).toMatchObject([{ id: body.id, taken: 1 }]);
  await control(simulator, `/faults?id=${body.id}`, { method: "DELETE" });
  expect((await kube(simulator, "/api/v1/nodes")).status).toBe(200);
  expect((await control(simulator, "/faults", post({ api: "civo", effect: "delay", by: "5s" }))).status).toBe(
    200,
  );
  expect(simulator.faults.list()[0]?.request).toMatchObject({ by: 5000 });
});

test("outages, watches, compaction, rotation and new nodes have their own words", async () => {
  await using simulator = await quickSimulator();
  expect((await control(simulator, "/outages", post({ api: "civo", kind: "refuse" }))).status).toBe(200);
  await expect(fetch(simulator.civo.url)).rejects.toThrow(/fetch failed/);
  await control(simulator, "/outages", post({ api: "civo", kind: "off" }));
  expect((await control(simulator, "/watches", post({ how: "end" }))).body).toEqual({ watches: 0 });
  expect((await control(simulator, "/compact", post({}))).status).toBe(200);
  const rotated = await control(simulator, "/rotate-token", post({ token: "other" }));
  expect([rotated.body.token, simulator.kubernetes.token]).toEqual(["other", "other"]);
  const added = await control(simulator, "/nodes", post({ pool: "gpu", name: "gpu-2" }));
  expect(added.body.nodes).toEqual(["gpu-2"]);
  expect((await kube(simulator, "/api/v1/nodes/gpu-2")).body.status.allocatable["nvidia.com/gpu"]).toBe("8");
});

test("reboots and requests can be read", async () => {
  await using simulator = await quickSimulator();
  const machine = simulator.world.machine("std-1");
  simulator.world.cloud.reboot(machine, "hard", 0);
  expect((await control(simulator, "/reboots")).body).toMatchObject([
    { node: "std-1", healthyAtExecution: true },
  ]);
  await kube(simulator, "/version");
  expect((await control(simulator, "/requests?api=kubernetes")).body).toMatchObject([{ path: "/version" }]);
  await control(simulator, "/requests", { method: "DELETE" });
  expect((await control(simulator, "/requests")).body).toEqual([]);
});

test.each([
  ["/nodes/std-1/break", { fault: "broken" }, 400, /^fault: .*"kubelet-dead".*got "broken"/],
  [
    "/nodes/std-1/break",
    { fault: "not-ready", curedByReboot: "yes" },
    400,
    /^curedByReboot: expected true, false or a number of reboots/,
  ],
  ["/nodes/std-1/break", { fault: "not-ready", colour: 1 }, 400, /Unrecognized key: "colour"/],
  ["/nodes/std-1/break", { fault: "lose-gpus" }, 400, /needs a GPU node/],
  ["/nodes/nobody/break", { fault: "not-ready" }, 404, /no node is called "nobody"/],
  ["/faults", { api: "civo", effect: "status" }, 400, /^fault\.status: /],
  ["/faults", { api: "azure", effect: "hang" }, 400, /^fault\.api: .*"kubernetes"\|"civo".*got "azure"/],
  [
    "/faults",
    { api: "civo", effect: "delay", by: "5 apples" },
    400,
    /^fault\.by: expected a duration such as/,
  ],
  ["/faults", { api: "civo", effect: "explode" }, 400, /^fault\.effect: /],
  ["/commands", { do: "dance" }, 400, /^do: /],
  ["/commands", { do: "break", fault: "not-ready" }, 400, /^node: expected the name of a node/],
  [
    "/commands",
    { do: "break", pool: "nope", fault: "not-ready" },
    400,
    /^pool: no pool is called "nope"; there are: standard, gpu/,
  ],
  ["/faults", "no json", 400, /^body: expected a JSON object/],
  ["/nonsense", {}, 404, /is not served/],
])("a bad call of %s with %j is %i and says what was expected", async (path, body, status, message) => {
  await using simulator = await quickSimulator();
  const answer = await control(simulator, path, post(body));
  expect(answer.status).toBe(status);
  expect(answer.body.errors[0]).toMatch(message);
});

test("a scenario plays its steps in time, and a step that cannot be done does not stop the rest", async () => {
  await using simulator = await quickSimulator();
  const told: { step: number; do: string; error?: string }[] = [];
  const steps = parseScenario({
    steps: [
      { at: "10ms", do: "break", node: "std-1", fault: "not-ready" },
      { at: "20ms", do: "break", node: "nobody", fault: "not-ready" },
      { at: "30ms", do: "fault", fault: { api: "civo", effect: "status", status: 500, times: 1 } },
      { at: "40ms", do: "heal", pool: "standard" },
    ],
  });
  playScenario(simulator, steps, (event) => told.push(event));
  await eventually(() => expect(told.map((event) => event.step)).toEqual([0, 1, 2, 3]));
  expect(told[1]?.error).toMatch(/no node is called "nobody"/);
  expect(simulator.faults.list()).toHaveLength(1);
  expect(simulator.world.truth().every(({ healthy }) => healthy)).toBe(true);
});
