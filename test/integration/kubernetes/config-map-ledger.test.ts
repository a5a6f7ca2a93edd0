import { describe, expect, test } from "vitest";
import {
  createConfigMapLedger,
  createLedger,
  readClusterUid,
  type LedgerLocation,
} from "@node-agent/kubernetes";
import { encodeLedger } from "@node-agent/shared/contract/ledger-codec.ts";
import { emptyLedger, withIntent } from "@node-agent/shared/core/ledger/steps.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { MemoryLedger } from "@node-agent/shared/testing/memory-ledger.ts";
import type { FaultEffect } from "../../../packages/simulator/src/faults/fault.ts";
import { startSimulator } from "../../../packages/simulator/src/simulator.ts";
import { found, ledgerContract, type LedgerSetup } from "./ledger.contract.ts";
import { testFolder } from "./support/kubeconfig-file.ts";
import { openConnection } from "./support/open-connection.ts";

const LOCATION: LedgerLocation = { namespace: "kube-public", name: "node-agent-ledger" };
const COLLECTION = `/api/v1/namespaces/${LOCATION.namespace}/configmaps`;
const PATH = `${COLLECTION}/${LOCATION.name}`;

/** A ledger in the ConfigMap of a simulated cluster, by two connections. */
async function onSimulator() {
  await using started = new AsyncDisposableStack();
  const simulator = started.use(await startSimulator({ nodes: 1 }));
  const folder = started.use(await testFolder());
  const kubeconfig = await folder.write("config", simulator.kubeconfig());
  const [connection, second] = [0, 1].map(() => started.use(openConnection({ kubeconfig })));
  if (connection === undefined || second === undefined) throw new Error("no connection");
  const cluster = await readClusterUid(connection);
  const request = async (method: "POST" | "PUT" | "DELETE", path: string, body?: object) =>
    connection.request(path, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const owned = started.move();
  return {
    simulator,
    connection,
    cluster,
    ledger: createConfigMapLedger(connection, LOCATION),
    other: createConfigMapLedger(second, LOCATION),
    create: async (ledger) =>
      expect(await createLedger(connection, LOCATION, ledger)).toEqual({ outcome: "Written" }),
    overwrite: async (data) => {
      if (data === undefined) await request("DELETE", PATH);
      else await request("PUT", PATH, { metadata: { name: LOCATION.name }, data });
    },
    request,
    /** Requests with this method for the ConfigMap itself. */
    sent: (method: string) =>
      simulator.requests.list("kubernetes").filter((one) => one.method === method && one.path === PATH),
    [Symbol.asyncDispose]: async () => owned[Symbol.asyncDispose](),
  } satisfies LedgerSetup & Record<string, unknown>;
}

ledgerContract("memory", async () => {
  const ledger = new MemoryLedger("cluster-1", () => Date.now());
  return {
    ledger,
    other: ledger,
    cluster: "cluster-1",
    create: async (first) => ledger.create(first, Date.now()),
    overwrite: async (data) => ledger.overwrite(data),
    [Symbol.asyncDispose]: async () => undefined,
  };
});
ledgerContract("a ConfigMap", onSimulator);

/** A ledger that was created, read, and is about to be written. */
async function aboutToWrite() {
  const setup = await onSimulator();
  await setup.create(emptyLedger(setup.cluster, "init", Date.now()));
  const { ledger, version } = await found(setup.ledger);
  const intent = { instanceId: "vm-a", node: "node-a", attempt: 1, token: "token-a", gpu: false };
  const writer = { by: "w", clocks: { earliest: 1, latest: 1 } };
  const next = withIntent(ledger, intent, MINUTE, writer);
  const fault = (effect: FaultEffect, method = "PUT") =>
    setup.simulator.faults.add({ ...effect, api: "kubernetes", times: 1, match: { method, path: PATH } });
  return { ...setup, version, next, fault, [Symbol.asyncDispose]: setup[Symbol.asyncDispose] };
}

describe("a write to the ConfigMap", () => {
  test.each<[string, FaultEffect, boolean]>([
    ["executed, and the connection reset", { effect: "execute-then-reset" }, true],
    ["executed, and answered by a proxy with 502", { effect: "execute-then-status", status: 502 }, true],
    ["executed, and answered with 504", { effect: "execute-then-status", status: 504 }, true],
    ["executed, and its answer cut off", { effect: "truncate" }, true],
    ["reset before it was executed", { effect: "reset" }, false],
    ["answered with 500", { effect: "status", status: 500 }, false],
    ["answered with 503", { effect: "status", status: 503 }, false],
  ])("that is %s is Unknown, and is sent only once", async (_, effect, executed) => {
    await using setup = await aboutToWrite();
    setup.fault(effect);
    const write = await setup.ledger.compareAndWrite(setup.next, setup.version);
    expect(write).toMatchObject({ outcome: "Unknown" });
    expect(setup.sent("PUT")).toHaveLength(1);
    expect((await found(setup.other)).ledger.entries.size).toBe(executed ? 1 : 0);
  });

  test("that nobody answers in time is Unknown, executed or not", async () => {
    await using setup = await aboutToWrite();
    setup.fault({ effect: "execute-then-hang" });
    const write = await setup.ledger.compareAndWrite(setup.next, setup.version, AbortSignal.timeout(300));
    expect(write).toMatchObject({ outcome: "Unknown" });
    expect((await found(setup.other)).ledger.entries.size).toBe(1);
  });

  test.each([401, 403, 422, 429])("that is answered with %d was surely not done: Refused", async (status) => {
    await using setup = await aboutToWrite();
    setup.fault({ effect: "status", status });
    const write = await setup.ledger.compareAndWrite(setup.next, setup.version);
    expect(write).toMatchObject({ outcome: "Refused" });
    expect((await found(setup.other)).ledger.entries.size).toBe(0);
  });

  test("to a server that nobody reaches was surely not done: Refused", async () => {
    await using setup = await aboutToWrite();
    await setup.simulator.outage("kubernetes", "refuse");
    const write = await setup.ledger.compareAndWrite(setup.next, setup.version);
    expect(write).toMatchObject({ outcome: "Refused" });
  });

  test("after a lost answer finds its own write in the way: the same version is never used twice", async () => {
    await using setup = await aboutToWrite();
    setup.fault({ effect: "execute-then-reset" });
    await setup.ledger.compareAndWrite(setup.next, setup.version);
    const again = await setup.ledger.compareAndWrite(setup.next, setup.version);
    expect(again).toMatchObject({ outcome: "Conflict" });
  });

  test("is a whole replacement under our name, held to the version that was read", async () => {
    await using setup = await aboutToWrite();
    await setup.ledger.compareAndWrite(setup.next, setup.version);
    const [put] = setup.sent("PUT");
    expect(new URLSearchParams(put?.query).get("fieldManager")).toBe("node-agent");
    const { body } = await setup.connection.request(PATH);
    expect(body).toMatchObject({ data: encodeLedger(setup.next) });
  });

  test("keeps what others put on the object: a chart would not know its own without it", async () => {
    await using setup = await onSimulator();
    const labels = { "app.kubernetes.io/managed-by": "Helm" };
    const annotations = { "meta.helm.sh/release-name": "node-agent" };
    const first = emptyLedger(setup.cluster, "helm", Date.now());
    await setup.request("POST", COLLECTION, {
      metadata: { name: LOCATION.name, labels, annotations },
      data: encodeLedger(first),
    });
    for (let round = 0; round < 2; round += 1) {
      const { ledger, version } = await found(setup.ledger);
      expect(await setup.ledger.compareAndWrite(ledger, version)).toEqual({ outcome: "Written" });
    }
    const { body } = await setup.connection.request(PATH);
    expect(body).toMatchObject({ metadata: { labels, annotations } });
  });
});

describe("a read of the ConfigMap", () => {
  test("asks without a resourceVersion, which is a quorum read", async () => {
    await using setup = await aboutToWrite();
    expect(setup.sent("GET").map(({ query }) => new URLSearchParams(query).has("resourceVersion"))).toEqual([
      false,
    ]);
  });

  test.each<[string, FaultEffect, string]>([
    ["forbidden", { effect: "status", status: 403 }, "Forbidden"],
    ["broken", { effect: "status", status: 500 }, "ServerError"],
    ["reset", { effect: "reset" }, "ConnectionLost"],
    [
      "a 404 of something that is no API server",
      { effect: "status", status: 404, body: "no", contentType: "text/html" },
      "NotFound",
    ],
  ])("that is %s tells nothing: it is no missing ledger", async (_, effect, code) => {
    await using setup = await aboutToWrite();
    setup.fault(effect, "GET");
    await expect(setup.ledger.read()).rejects.toMatchObject({ code });
  });

  test.each<[string, object]>([
    ["without data", {}],
    ["with binary data only", { binaryData: { meta: "e30=" } }],
  ])("%s is unreadable", async (_, content) => {
    await using setup = await onSimulator();
    await setup.request("POST", COLLECTION, { metadata: { name: LOCATION.name }, ...content });
    expect(await setup.ledger.read()).toMatchObject({
      state: "Unreadable",
      why: expect.stringContaining("kube-public/node-agent-ledger"),
    });
  });
});

describe("the creation of a ledger", () => {
  test("leaves one that exists as it is", async () => {
    await using setup = await aboutToWrite();
    const second = emptyLedger(setup.cluster, "again", 5);
    expect(await createLedger(setup.connection, LOCATION, second)).toMatchObject({ outcome: "Conflict" });
    expect((await found(setup.ledger)).version).toBe(setup.version);
  });

  test("in a namespace that does not exist is refused", async () => {
    await using setup = await onSimulator();
    const nowhere = { namespace: "nowhere", name: "ledger" };
    const write = await createLedger(setup.connection, nowhere, emptyLedger(setup.cluster, "init", 1));
    expect(write).toMatchObject({ outcome: "Refused" });
  });
});
