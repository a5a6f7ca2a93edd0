import { Queue } from "bullmq";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { QUEUES } from "@node-agent/shared/contract/queues.ts";
import { HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { createConsole } from "../../../packages/console/src/server.ts";
import { useRedis } from "../../support/redis.ts";

const redis = useRedis();
let server: ReturnType<typeof createConsole>;
let queue: Queue;

beforeAll(() => {
  const { keys } = redis.newCluster();
  const connection = redis.connect();
  queue = new Queue(QUEUES.reboots, { connection, prefix: keys.prefix });
  const allowedHosts = ["board.example"];
  server = createConsole({
    queues: [queue],
    connection,
    host: "0.0.0.0",
    allowedHosts,
    cluster: "c",
    readOnly: true,
  });
});
afterAll(async () => {
  await server.close();
  await queue.close();
});

interface Shown {
  readonly name: string;
  readonly timestamp: number;
  readonly delay: number;
  readonly opts: { readonly delay?: number };
}

async function ask(url: string, host = "localhost") {
  return server.inject({ url, headers: { host } });
}

describe("the door", () => {
  test.each([
    ["localhost:9630", 200],
    ["board.example", 200],
    ["rebound.example", 421],
  ])("a request for %j is answered with %d", async (host, status) => {
    expect((await ask("/queues/", host)).statusCode).toBe(status);
    expect((await ask("/queues/api/queues", host)).statusCode).toBe(status);
  });

  test.each(["/queues/", "/queues/api/queues", "/nothing", "/livez"])(
    "the policy stands on %s",
    async (url) => {
      const { headers } = await ask(url);
      expect(headers["content-security-policy"]).toMatch(/^default-src 'none';.*frame-ancestors 'none'$/u);
      expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "cache-control": "no-store" });
    },
  );

  test("a refusal carries the policy too", async () => {
    const { headers } = await ask("/queues/", "rebound.example");
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
  });

  test("the page loads nothing from another host", async () => {
    const { payload, headers } = await ask("/queues/");
    expect(payload).toContain("static/js/main");
    expect(payload).not.toMatch(/(?:href|src)="(?:https?:)?\/\//u);
    expect(Number(headers["content-length"])).toBe(Buffer.byteLength(payload));
  });

  test.each(["/queues/api/queues/reboots/pause", "/queues/api/of-a-later-version"])(
    "a read-only dashboard refuses to write to %s",
    async (url) => {
      const answer = await server.inject({ method: "PUT", url, headers: { host: "localhost" } });
      expect(answer.statusCode).toBe(405);
    },
  );
});

describe("the time at which a delayed job runs", () => {
  test("is what the page computes, in the list and alone, also when the job was delayed again", async () => {
    const before = Date.now();
    const added = { timestamp: before - HOUR, delay: MINUTE };
    const job = await queue.add("w-1", { schema: 1, node: "w-1" }, added);
    await job.changeDelay(10 * MINUTE);
    const after = Date.now();

    const list = await ask("/queues/api/queues?activeQueue=reboots&status=delayed&page=1&jobsPerPage=9");
    const alone = await ask(`/queues/api/queues/reboots/${job.id}`);
    const listed = (JSON.parse(list.payload) as { queues: { jobs: Shown[] }[] }).queues[0]?.jobs[0];
    const opened = (JSON.parse(alone.payload) as { job: Shown }).job;
    for (const shown of [listed, opened]) {
      const runsAt = (shown?.timestamp ?? 0) + (shown?.opts.delay ?? 0);
      expect(runsAt).toBeGreaterThanOrEqual(before + 10 * MINUTE);
      expect(runsAt).toBeLessThanOrEqual(after + 10 * MINUTE);
      expect(shown?.delay).toBe(shown?.opts.delay);
    }
  });

  test("of a job that waits or is done is left as it is", async () => {
    const job = await queue.add("w-2", { schema: 1, node: "w-2" });
    const { payload } = await ask(`/queues/api/queues/reboots/${job.id}`);
    expect((JSON.parse(payload) as { job: Shown }).job).toMatchObject({ name: "w-2", delay: 0 });
  });
});
