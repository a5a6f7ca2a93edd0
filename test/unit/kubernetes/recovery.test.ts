import { describe, expect, test } from "vitest";
import { KubernetesApiError, type KubernetesApiErrorCode } from "@node-agent/kubernetes";
import { nodeList } from "./support/fake-api.ts";
import { observedSource, type ObservedSource } from "./support/observed-source.ts";
import { rawNode } from "./support/raw-node.ts";

const fault = (code: KubernetesApiErrorCode, retryAfter?: number): KubernetesApiError =>
  new KubernetesApiError(code, `the server said ${code}`, retryAfter === undefined ? {} : { retryAfter });

const errorEvent = (code: number, message = "") => ({ kind: "Status", status: "Failure", code, message });

async function watching(deps: Parameters<typeof observedSource>[0] = {}): Promise<ObservedSource> {
  const observed = observedSource(deps);
  observed.api.onList(() => nodeList(10, [rawNode("a", { version: 8 })]));
  await observed.start();
  return observed;
}

describe("I-7: every end of a stream is followed by the next", () => {
  test("at once after a stream that lived for more than a second and gave events", async () => {
    const { api, clock } = await watching();
    api.stream().bookmark(11);
    await clock.advance(1_001);
    api.stream().end();
    await clock.settle();
    expect(api.streams).toHaveLength(2);
  });

  test.each([
    ["gave no event", 5_000, false],
    ["lived for a second or less", 1_000, true],
  ])("after a pause when it %s", async (_, life, gives) => {
    const { api, clock } = await watching();
    if (gives) api.stream().bookmark(11);
    await clock.advance(life);
    api.stream().end();
    await clock.advance(799);
    expect(api.streams).toHaveLength(1);
    await clock.advance(1);
    expect(api.streams).toHaveLength(2);
  });

  test.each([
    ["a storm of ends", (observed: ObservedSource) => observed.api.stream().end()],
    ["a storm of resets", (observed: ObservedSource) => observed.api.stream().fail(fault("ConnectionLost"))],
    ["a storm of 500", (observed: ObservedSource) => observed.api.stream().fail(fault("ServerError"))],
  ])("%s costs a handful of requests a minute", async (_, storm) => {
    const observed = await watching();
    const { api, clock } = observed;
    const before = api.streams.length + api.lists.length;
    for (let second = 0; second < 60 * 10; second += 1) {
      if (api.stream().isOpen()) storm(observed);
      await clock.advance(100);
    }
    // Steps of 0.8, 1.6, 3.2 ... 25.6 s fill the first minute.
    expect(api.streams.length + api.lists.length - before).toBeLessThanOrEqual(9);
    for (let second = 0; second < 600; second += 1) {
      if (api.stream().isOpen()) storm(observed);
      await clock.advance(1_000);
    }
    const inTenMinutes = api.streams.length + api.lists.length - before;
    expect(inTenMinutes).toBeLessThanOrEqual(36);
    expect(inTenMinutes).toBeGreaterThanOrEqual(20);
  });
});

describe("I-8: a version that is lost is never asked for again for long", () => {
  test.each([
    [
      "an ERROR event 410",
      (observed: ObservedSource) => observed.api.stream().event("ERROR", errorEvent(410)),
    ],
    ["HTTP 410", (observed: ObservedSource) => observed.api.stream().fail(fault("Gone"))],
    [
      "an ERROR event of reason Expired whatever its code",
      (observed: ObservedSource) =>
        observed.api.stream().event("ERROR", { ...errorEvent(500), reason: "Expired" }),
    ],
  ])("%s: a list not older than the last version", async (_, expire) => {
    const observed = await watching();
    observed.api.stream().bookmark(15);
    expire(observed);
    await observed.clock.settle();
    expect(observed.api.lists).toEqual([
      { limit: "500" },
      { limit: "500", resourceVersion: "15", resourceVersionMatch: "NotOlderThan" },
    ]);
    expect(observed.api.streams).toHaveLength(2);
  });

  test.each(["Gone", "TooLargeResourceVersion", "Invalid", "ServerError"] as const)(
    "a list that is refused with %s is asked for without a version",
    async (code) => {
      const { api, clock } = await watching();
      api.onList((query) => {
        if (query["resourceVersion"] !== undefined) throw fault(code);
        return nodeList(30, []);
      });
      api.stream().event("ERROR", errorEvent(410));
      await clock.advance(800 + 1600);
      expect(api.lists.slice(1).map((query) => query["resourceVersion"])).toEqual(["10", undefined]);
    },
  );

  test("a list that did not arrive is asked for again as it was", async () => {
    const { api, clock } = await watching();
    api.onList(() => {
      throw fault("ConnectionLost");
    });
    api.stream().event("ERROR", errorEvent(410));
    await clock.advance(800);
    expect(api.lists.slice(1).map((query) => query["resourceVersion"])).toEqual(["10", "10"]);
  });

  test.each([
    [500, "etcdserver: mvcc: required revision has been compacted"],
    [400, "invalid resource version"],
    [404, ""],
    [418, "?"],
  ])("ERROR %d %s: listed after three tries from one version", async (code, message) => {
    const { api, clock } = await watching();
    for (const pause of [800, 1600, 3200]) {
      expect(api.lists).toHaveLength(1);
      api.stream().event("ERROR", errorEvent(code, message));
      await clock.advance(pause);
    }
    expect(api.streams.map(({ query }) => query["resourceVersion"])).toEqual(["10", "10", "10", "10"]);
    expect(api.lists[1]).toEqual({ limit: "500" });
  });

  test("progress in between starts the count anew", async () => {
    const { api, clock } = await watching();
    for (const [version, pause] of [
      [11, 800],
      [12, 1600],
      [13, 3200],
      [14, 6400],
    ] as const) {
      api.stream().bookmark(version);
      api.stream().event("ERROR", errorEvent(500));
      await clock.advance(pause);
    }
    expect(api.lists).toHaveLength(1);
    expect(api.stream().query["resourceVersion"]).toBe("14");
  });

  test("a version that the server has not reached (504 ResourceVersionTooLarge) is dropped at once", async () => {
    const { api, clock } = await watching();
    const details = {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    };
    api.stream().event("ERROR", { ...errorEvent(504), reason: "Timeout", details });
    await clock.advance(800);
    expect(api.lists[1]).toEqual({ limit: "500" });
  });
});

describe("I-9: each refusal has its own pause", () => {
  test.each(["TooManyRequests", "Unavailable"] as const)(
    "%s: Retry-After and jitter, no list",
    async (code) => {
      const { api, clock } = await watching();
      api.stream().fail(fault(code, 20_000));
      await clock.advance(20_799);
      expect(api.streams).toHaveLength(1);
      await clock.advance(1);
      expect(api.streams).toHaveLength(2);
      expect(api.lists).toHaveLength(1);
    },
  );

  test("a Retry-After of a day is not believed", async () => {
    const { api, clock } = await watching();
    api.stream().fail(fault("Unavailable", 86_400_000));
    await clock.advance(120_800);
    expect(api.streams).toHaveLength(2);
  });

  test("429 as an ERROR event with retryAfterSeconds", async () => {
    const { api, clock } = await watching();
    api.stream().event("ERROR", { ...errorEvent(429), details: { retryAfterSeconds: 7 } });
    await clock.advance(7_799);
    expect(api.streams).toHaveLength(1);
    await clock.advance(1);
    expect(api.streams).toHaveLength(2);
  });

  test.each(["ConnectFailed", "Unauthorized", "Timeout", "CredentialFailed", "TlsFailed"] as const)(
    "%s: watched again from the same version, however often, without a list",
    async (code) => {
      const { api, clock, source } = await watching();
      let isDown = true;
      api.onWatch(() => {
        if (isDown) throw fault(code);
      });
      api.stream().fail(fault("ConnectionLost"));
      await clock.advance(300_000);
      expect(source.freshness()).toMatchObject({ phase: "BackingOff", lastError: `the server said ${code}` });
      isDown = false;
      await clock.advance(30_000);
      expect(api.lists).toHaveLength(1);
      expect(api.stream().query["resourceVersion"]).toBe("10");
      expect(source.freshness()).toMatchObject({ phase: "Watching" });
      expect(source.freshness().lastError).toBeUndefined();
    },
  );

  test("403: the error is shown, and the pauses grow as after any other failure", async () => {
    const { api, clock, source } = await watching();
    api.onWatch(() => {
      throw fault("Forbidden");
    });
    api.stream().fail(fault("Forbidden"));
    await clock.advance(800 - 1);
    expect(source.freshness()).toMatchObject({ phase: "BackingOff", lastError: "the server said Forbidden" });
    let asked = 0;
    api.onWatch(() => {
      asked += 1;
      throw fault("Forbidden");
    });
    await clock.advance(600_000);
    expect(asked).toBeLessThanOrEqual(26);
    api.onWatch(() => {});
    await clock.advance(30_000);
    expect(source.freshness()).toMatchObject({ phase: "Watching" });
  });

  test("403 on the first list: not synced, asked for again for ever", async () => {
    const { api, clock, source, start } = observedSource();
    api.onList(() => {
      throw fault("Forbidden");
    });
    await start();
    await clock.advance(3_600_000);
    expect(source.freshness()).toMatchObject({ synced: false, phase: "BackingOff" });
    expect(api.lists.length).toBeGreaterThan(50);
    api.onList(() => nodeList(10, []));
    await clock.advance(60_000);
    expect(source.freshness()).toMatchObject({ synced: true, phase: "Watching" });
  });
});

/** An outage of the API server for ten minutes, in which the backoff reaches its cap; then `back` is what it answers. */
async function afterOutage(back: () => void): Promise<ObservedSource> {
  const observed = await watching();
  const { api, clock } = observed;
  const down = (): never => {
    throw fault("ConnectFailed");
  };
  api.onWatch(down);
  api.onProbe(down);
  api.stream().fail(fault("ConnectionLost"));
  await clock.advance(600_000);
  api.onProbe(() => 10);
  api.onWatch(back);
  return observed;
}

const answers = (codes: KubernetesApiErrorCode[]) => (): void => {
  const code = codes.shift();
  if (code !== undefined) throw fault(code);
};

describe("sight comes back soon after an outage", () => {
  test("the probe ends the pause, a 410 is followed by a list at once, and the backoff starts again", async () => {
    const { api, clock, source } = await afterOutage(answers(["Gone"]));
    // The longest pause between two probes is 12 s, that of the backoff 30 s.
    await clock.advance(12_000);
    expect(api.lists).toHaveLength(2);
    expect(source.freshness()).toMatchObject({ phase: "Watching" });
    const { length } = api.streams;
    api.stream().fail(fault("ConnectionLost"));
    await clock.advance(800);
    expect(api.streams).toHaveLength(length + 1);
  });

  test("a server that knows no roles yet costs its own pauses, not those of the outage", async () => {
    const { clock, source } = await afterOutage(answers(["Forbidden", "Forbidden"]));
    await clock.advance(12_000 + 800 + 1600);
    expect(source.freshness()).toMatchObject({ phase: "Watching" });
  });

  test("a pause that the server asked for is not cut short", async () => {
    const { api, clock } = await watching();
    api.stream().fail(fault("Unavailable", 60_000));
    await clock.advance(60_000);
    expect(api.streams).toHaveLength(1);
    await clock.advance(800);
    expect(api.streams).toHaveLength(2);
  });

  test("a server that answers 410 for ever is not listed in a loop", async () => {
    const { api, clock } = await watching();
    api.onWatch(() => {
      throw fault("Gone");
    });
    api.stream().fail(fault("Gone"));
    await clock.advance(600_000);
    expect(api.lists.length).toBeLessThanOrEqual(27);
  });
});
