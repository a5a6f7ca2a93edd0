import { inspect } from "node:util";
import { createCivoClient, createCivoExecutor } from "@node-agent/civo";
import fc from "fast-check";
import { expect, test } from "vitest";
import { anInstance, aNode, CANARY, clientOptions, cloudOf, INSTANCE_ID, OTHER_ID } from "./support.ts";
import {
  readingAhead,
  type ScriptedAnswer,
  type SentRequest,
  scriptedDispatch,
  testClock,
} from "./support.ts";

const { signal } = new AbortController();

function executorOf(script: (request: SentRequest) => ScriptedAnswer) {
  const { dispatcher } = scriptedDispatch(script);
  const { clock } = testClock();
  const client = createCivoClient(clientOptions({ dispatcher, clock }));
  return readingAhead(createCivoExecutor({ client, clock }));
}

const hostileBody = fc.oneof(
  fc.string({ unit: "binary", maxLength: 400 }),
  fc.json(),
  fc
    .object({ key: fc.constantFrom("__proto__", "constructor", "result", "code", "reason") })
    .map((value) => JSON.stringify(value)),
  fc
    .record(
      {
        result: fc.constantFrom("success", "Success", "ok", ""),
        code: fc.constantFrom("", "x", "out_of_capacity"),
      },
      { requiredKeys: [] },
    )
    .map((value) => JSON.stringify(value)),
  fc.constantFrom(
    '{"result":"success"}',
    '{"result":"success"} ',
    `{"reason":"${CANARY}"}`,
    "[".repeat(100_000),
  ),
);
const hostileAnswer = fc.record({
  status: fc.oneof(
    fc.constantFrom(200, 201, 202, 204, 299, 300, 307, 401, 404, 409, 429, 500, 502),
    fc.integer({ min: 200, max: 599 }),
  ),
  body: hostileBody,
  headers: fc.dictionary(fc.constantFrom("retry-after", "content-length", "location"), fc.string()),
});

/** What an independent reader calls a success: a 2xx, JSON, result "success", no error code. */
function isSuccess({ status, body }: { status: number; body: string }): boolean {
  if (status < 200 || status > 299) return false;
  try {
    const parsed = JSON.parse(body) as { result?: unknown; code?: unknown } | null;
    return parsed?.result === "success" && (parsed.code ?? "") === "";
  } catch {
    return false;
  }
}

test("no answer makes a reboot throw, and only an exact success is Accepted", async () => {
  await fc.assert(
    fc.asyncProperty(hostileAnswer, async (answer) => {
      const receipt = await executorOf(() => answer).reboot(
        { instanceId: INSTANCE_ID, hostname: "node-1" },
        signal,
      );
      const tooLarge = Number(answer.headers["content-length"] ?? 0) > 16 * 1024 * 1024;
      expect(receipt.outcome === "Accepted").toBe(isSuccess(answer) && !tooLarge);
      expect(receipt.outcome).not.toBe("NotSent");
      expect(inspect(receipt, { depth: 9 })).not.toContain(CANARY);
    }),
    { numRuns: 3000 },
  );
});

test("no answer makes resolve throw or name a target out of nothing", async () => {
  await fc.assert(
    fc.asyncProperty(hostileAnswer, hostileAnswer, async (list, instance) => {
      const script = ({ path }: SentRequest) => (path.includes("/clusters/") ? list : instance);
      for (const providerId of [undefined, `civo://${INSTANCE_ID}`]) {
        const resolved = await executorOf(script).resolve(aNode({ providerId }), signal);
        expect(resolved.ok).toBe(false);
        expect(inspect(resolved, { depth: 9 })).not.toContain(CANARY);
      }
    }),
    { numRuns: 1000 },
  );
});

const ids = [
  INSTANCE_ID,
  INSTANCE_ID,
  OTHER_ID,
  OTHER_ID,
  "3f1f0c6e-0000-4000-8000-00000000000a",
  "",
  "node-1",
  "../x",
];
const names = ["node-1", "node-1", "node-10", "node-10", "node-2", "Node-1", "NODE-1", "node", "", null];
const instances = fc.array(
  fc.record({
    id: fc.constantFrom(...ids),
    hostname: fc.constantFrom(...names),
    name: fc.constantFrom("node-1", "node-10"),
    status: fc.constantFrom("ACTIVE", "ACTIVE", "ACTIVE", "SHUTOFF", "REBOOTING", "odd"),
  }),
  { maxLength: 4 },
);
const providerIds = fc.oneof(
  fc.constantFrom(undefined, "", `civo://${INSTANCE_ID}`, `civo://${OTHER_ID}`),
  fc.constantFrom("k3s://node-1", ...ids.map((id) => `civo://${id}`)),
);

test("a target is always the one ACTIVE instance of the cluster with the node's name and exact id (I6)", async () => {
  let resolvedOnce = 0;
  await fc.assert(
    fc.asyncProperty(
      instances,
      instances,
      fc.constantFrom(true, true, true, false),
      providerIds,
      fc.constantFrom("node-1", "node-10"),
      async (listed, others, agree, providerId, name) => {
        const cluster = listed.map((instance) => anInstance(instance));
        const known = agree ? cluster : others.map((instance) => anInstance(instance));
        const resolved = await executorOf(cloudOf(cluster, known)).resolve(
          aNode({ name, providerId }),
          signal,
        );
        if (!resolved.ok) return;
        resolvedOnce += 1;
        const claimants = listed.filter(
          ({ id, hostname }) => hostname?.toLowerCase() === name || id === resolved.target.instanceId,
        );
        expect(claimants).toHaveLength(1);
        // The letter case of a host name is free only where the provider id names the VM.
        const named = providerId === undefined || providerId === "" ? name : resolved.target.hostname;
        expect(named.toLowerCase()).toBe(name);
        expect(claimants[0]).toMatchObject({ id: resolved.target.instanceId, hostname: named });
        expect(known.find(({ id }) => id === resolved.target.instanceId)).toMatchObject({
          hostname: named,
          status: "ACTIVE",
        });
        expect(resolved.target.hostname).toBe(named);
        expect([undefined, "", `civo://${resolved.target.instanceId}`]).toContain(providerId);
      },
    ),
    { numRuns: 10_000 },
  );
  // The property would be empty if nothing were ever resolved. About 140 are: 50 is eight standard deviations away.
  expect(resolvedOnce).toBeGreaterThan(50);
});
