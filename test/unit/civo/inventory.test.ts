import { createCivoClient, createCivoExecutor } from "@node-agent/civo";
import { expect, test } from "vitest";
import {
  anInstance,
  aNode,
  clientOptions,
  cloudOf,
  INSTANCE_ID,
  OTHER_ID,
  scriptedDispatch,
  type ScriptedAnswer,
  type SentRequest,
  testClock,
} from "./support.ts";

const { signal } = new AbortController();
const SECOND = 1000;
const target = { instanceId: INSTANCE_ID, hostname: "node-1" };

/** An executor whose reads are counted by kind. */
function setUp(script: (request: SentRequest) => ScriptedAnswer) {
  const { requests, dispatcher } = scriptedDispatch(script);
  const time = testClock();
  const client = createCivoClient(clientOptions({ dispatcher, clock: time.clock }));
  const executor = createCivoExecutor({ client, clock: time.clock });
  const lists = (): number => requests.filter(({ path }) => path.includes("/clusters/")).length;
  return { executor, lists, reads: () => requests.length - lists(), ...time };
}

test("between the first read and the call the cloud is asked for one instance, and for nothing else", async () => {
  const { executor, lists, reads } = setUp(cloudOf([anInstance()]));
  await executor.readAhead(signal);
  expect([lists(), reads()]).toEqual([1, 0]);
  expect(await executor.resolve(aNode(), signal)).toEqual({ ok: true, target });
  expect(await executor.resolve(aNode({ providerId: undefined }), signal)).toEqual({ ok: true, target });
  expect([lists(), reads()]).toEqual([1, 2]);
});

test("one list serves all repairs, also those that ask while it is read", async () => {
  const { executor, lists, advance } = setUp(cloudOf([anInstance()]));
  await Promise.all([executor.readAhead(signal), executor.readAhead(signal), executor.readAhead(signal)]);
  advance(30 * SECOND);
  await executor.readAhead(signal);
  expect(lists()).toBe(1);
  advance(1);
  await executor.readAhead(signal);
  expect(lists()).toBe(2);
});

test("a list serves for a minute from its beginning, and then nothing is named", async () => {
  const { executor, advance } = setUp(cloudOf([anInstance()]));
  await executor.readAhead(signal);
  advance(60 * SECOND);
  expect(await executor.resolve(aNode(), signal)).toMatchObject({ ok: true });
  advance(1);
  expect(await executor.resolve(aNode(), signal)).toMatchObject({ ok: false, failure: "Unavailable" });
});

test("without a list nothing is named, and the cloud is asked nothing", async () => {
  const { executor, lists, reads } = setUp(cloudOf([anInstance()]));
  expect(await executor.resolve(aNode(), signal)).toEqual({
    ok: false,
    failure: "Unavailable",
    detail: "the list of the cluster's instances was not read yet",
  });
  expect([lists(), reads()]).toEqual([0, 0]);
});

test("a list that fails while an older one serves holds nothing", async () => {
  let broken = false;
  const cloud = cloudOf([anInstance()]);
  const { executor, lists, advance } = setUp((request) =>
    broken && request.path.includes("/clusters/") ? { status: 503, body: "" } : cloud(request),
  );
  await executor.readAhead(signal);
  broken = true;
  advance(40 * SECOND);
  await executor.readAhead(signal);
  expect(lists()).toBeGreaterThan(1);
  expect(await executor.resolve(aNode(), signal)).toMatchObject({ ok: true });
});

test("a list that failed is not asked for again by each repair, nor before the cloud wants it", async () => {
  const { executor, lists, advance } = setUp(() => ({
    status: 429,
    body: "",
    headers: { "retry-after": "20" },
  }));
  await executor.readAhead(signal);
  await executor.readAhead(signal);
  expect(await executor.resolve(aNode(), signal)).toMatchObject({
    failure: "RateLimited",
    retryAfter: 20 * SECOND,
  });
  advance(20 * SECOND - 1);
  await executor.readAhead(signal);
  expect(lists()).toBe(1);
  advance(1);
  await executor.readAhead(signal);
  expect(lists()).toBe(2);
});

test("a second claimant that the list knows holds the repair, whatever the instance itself says", async () => {
  const { executor } = setUp(cloudOf([anInstance(), anInstance({ id: OTHER_ID })], [anInstance()]));
  await executor.readAhead(signal);
  expect(await executor.resolve(aNode(), signal)).toMatchObject({ failure: "IdentityMismatch" });
});

test("an older list names no VM against the fresh read of it", async () => {
  for (const changed of [{ hostname: "node-2" }, { status: "SHUTOFF" }]) {
    const { executor } = setUp(cloudOf([anInstance()], [anInstance(changed)]));
    await executor.readAhead(signal);
    expect(await executor.resolve(aNode(), signal)).toMatchObject({ ok: false });
    expect(await executor.resolve(aNode({ providerId: undefined }), signal)).toMatchObject({ ok: false });
  }
});

test("a repair that is stopped does not wait for the list, which goes on for the others", async () => {
  const { executor, lists, advance } = setUp(() => ({ hang: "answering" }));
  const stopped = new AbortController();
  const waiting = executor.readAhead(stopped.signal);
  stopped.abort();
  await waiting;
  const other = executor.readAhead(signal);
  expect(lists()).toBe(1);
  advance(45 * SECOND);
  await other;
  expect(await executor.resolve(aNode(), signal)).toMatchObject({ failure: "Unavailable" });
});

test("a list that the cloud contradicts is read again after a few seconds, not after half a minute", async () => {
  const { executor, lists, advance } = setUp(cloudOf([anInstance()]));
  await executor.readAhead(signal);
  // The node's name is in no list yet: it may have come since.
  expect(await executor.resolve(aNode({ name: "new", providerId: undefined }), signal)).toMatchObject({
    failure: "NotFound",
  });
  advance(5 * SECOND);
  await executor.readAhead(signal);
  expect(lists()).toBe(1);
  advance(1);
  await executor.readAhead(signal);
  expect(lists()).toBe(2);
  // The new list serves as long as any.
  advance(20 * SECOND);
  await executor.readAhead(signal);
  expect(lists()).toBe(2);
});
