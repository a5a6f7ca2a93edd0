import { beforeEach, describe, expect, test } from "vitest";
import type { ClusterEvent } from "@node-agent/shared/core/cluster-event.ts";
import type { EventResult } from "@node-agent/shared/contract/metric-labels.ts";
import { HOUR, SECOND } from "@node-agent/shared/core/time.ts";
import type { EventRecording } from "@node-agent/shared/ports/event-recorder.ts";
import { ManualClock } from "@node-agent/shared/testing/manual-clock.ts";
import { MemoryEventRecorder } from "@node-agent/shared/testing/memory-event-recorder.ts";
import { EventOutbox } from "../../../packages/worker/src/event-outbox.ts";
import { memoryLogger } from "../runtime/log-lines.ts";

let clock: ManualClock;
let recorder: MemoryEventRecorder;
let log: ReturnType<typeof memoryLogger>;
let counts: Partial<Record<EventResult, number>>;
beforeEach(() => {
  clock = new ManualClock();
  recorder = new MemoryEventRecorder();
  log = memoryLogger();
  counts = {};
});

function anOutbox(): EventOutbox {
  const metrics = {
    observeEvent: (result: EventResult, count = 1) => {
      counts[result] = (counts[result] ?? 0) + count;
    },
  };
  return new EventOutbox({ recorder, clock, logger: log.logger, metrics });
}

const anEvent = (number: number): ClusterEvent => ({
  node: "node-1",
  uid: "uid-1",
  reason: "RebootHeld",
  type: "Normal",
  message: `event ${number}`,
  identity: `identity ${number}`,
  at: 0,
});

function offer(outbox: EventOutbox, from: number, to: number): void {
  for (let number = from; number <= to; number += 1) outbox.offer(anEvent(number));
}

/** Everything that can run without time passing has run. */
async function settled(turns = 1000): Promise<void> {
  for (let i = 0; i < turns; i += 1) await Promise.resolve();
}

const told = (): number[] => recorder.told.map((line) => Number(line.split(" ").at(-1)));
const warnings = (): unknown[] => log.lines().flatMap(({ level, msg }) => (level === "warn" ? [msg] : []));

/** The recorder answers with these, one after the other, and then as usual. */
function answers(...list: EventRecording[]): void {
  recorder.answer = async (event, signal) => {
    const answer = list.shift();
    if (list.length === 0) recorder.answer = undefined;
    return answer ?? recorder.record(event, signal);
  };
}

describe("an event that is offered", () => {
  test("is sent behind the back of whoever offers it, in order", async () => {
    const outbox = anOutbox();
    offer(outbox, 1, 3);
    expect(recorder.calls).toBe(0);
    await settled();
    expect(told()).toEqual([1, 2, 3]);
    expect(counts).toEqual({ Created: 3 });
  });

  test("a second time is not sent again", async () => {
    const outbox = anOutbox();
    offer(outbox, 1, 1);
    offer(outbox, 1, 1);
    await settled();
    offer(outbox, 1, 1);
    await settled();
    expect(recorder.calls).toBe(1);
    expect(counts).toEqual({ Created: 1, Known: 2 });
  });

  test("by another process too meets its own name there", async () => {
    const [one, two] = [anOutbox(), anOutbox()];
    offer(one, 1, 1);
    offer(two, 1, 1);
    await settled();
    expect(told()).toEqual([1]);
    expect(counts).toEqual({ Created: 1, Known: 1 });
    expect(log.raw).toEqual([]);
  });

  test("after many others is remembered no more: memory is bounded", async () => {
    const outbox = anOutbox();
    for (let number = 1; number <= 4097; number += 1) {
      offer(outbox, number, number);
      clock.advance(SECOND);
      await settled(50);
    }
    expect(recorder.calls).toBe(4097);
    offer(outbox, 4097, 4097);
    offer(outbox, 1, 1);
    await settled();
    expect(recorder.calls).toBe(4098);
  });
});

describe("a storm of events", () => {
  test("goes out as a burst and then at the rate", async () => {
    const outbox = anOutbox();
    offer(outbox, 1, 500);
    await settled();
    expect(told()).toHaveLength(100);
    clock.advance(SECOND - 1);
    await settled();
    expect(told()).toHaveLength(100);
    for (let second = 0; second < 10; second += 1) {
      clock.advance(SECOND);
      await settled();
    }
    expect(told()).toHaveLength(110);
    // A quiet time fills the bucket again, and never beyond the burst.
    clock.advance(HOUR);
    await settled();
    expect(told()).toHaveLength(210);
  });

  test("keeps the newest when the queue is full, and counts the rest", async () => {
    const outbox = anOutbox();
    offer(outbox, 1, 1300);
    await settled();
    expect(told()).toEqual(Array.from({ length: 100 }, (_, i) => 301 + i));
    expect(counts).toEqual({ Dropped: 300, Created: 100 });
    offer(outbox, 1, 1);
    while (told().length < 1001) {
      clock.advance(HOUR);
      await settled();
    }
    expect(told().at(-1)).toBe(1);
  });

  test("of a thousand nodes costs a hundred requests at once, and one a second after that", async () => {
    const outbox = anOutbox();
    offer(outbox, 1, 1000);
    await settled();
    expect(recorder.calls).toBe(100);
    for (let second = 0; second < 60; second += 1) {
      clock.advance(SECOND);
      await settled();
    }
    expect(recorder.calls).toBe(160);
  });
});

describe("without the right to write events", () => {
  const forbidden = { outcome: "Forbidden", why: "events is forbidden" } as const;

  test("says so once, and does not ask again for an hour", async () => {
    recorder.answer = async () => forbidden;
    const outbox = anOutbox();
    offer(outbox, 1, 50);
    await settled();
    offer(outbox, 51, 100);
    clock.advance(HOUR - 1);
    offer(outbox, 101, 150);
    await settled();
    expect(recorder.calls).toBe(1);
    expect(counts).toEqual({ Forbidden: 1, Dropped: 149 });
    expect(log.lines()).toMatchObject([
      { level: "warn", why: "events is forbidden", missing: expect.stringContaining("verbs: [create]") },
    ]);
    clock.advance(1);
    offer(outbox, 151, 160);
    await settled();
    expect(recorder.calls).toBe(2);
    expect(log.lines()).toHaveLength(1);
  });

  test("goes on when the right was given meanwhile, and says so", async () => {
    answers(forbidden);
    const outbox = anOutbox();
    offer(outbox, 1, 1);
    await settled();
    clock.advance(HOUR);
    offer(outbox, 1, 2);
    await settled();
    expect(told()).toEqual([1, 2]);
    expect(log.lines().map(({ msg }) => msg)).toEqual([
      "no Kubernetes Events are written: this is not allowed",
      "Kubernetes Events are written again",
    ]);
  });
});

describe("a server that takes no events", () => {
  test("loses one of them and is left alone for a pause; the others wait", async () => {
    answers({ outcome: "Failed", why: "no answer in time" });
    const outbox = anOutbox();
    offer(outbox, 1, 3);
    await settled();
    clock.advance(30 * SECOND - 1);
    await settled();
    expect(recorder.calls).toBe(1);
    clock.advance(1);
    await settled();
    expect(told()).toEqual([2, 3]);
    offer(outbox, 1, 1);
    await settled();
    expect(told()).toEqual([2, 3, 1]);
  });

  test.each([
    [5 * SECOND, 30 * SECOND],
    [120 * SECOND, 120 * SECOND],
    [1e15, HOUR],
  ])("and asks for %i ms is left alone for %i ms", async (retryAfter, pause) => {
    answers({ outcome: "Failed", why: "too many requests", retryAfter });
    offer(anOutbox(), 1, 2);
    await settled();
    clock.advance(pause - 1);
    await settled();
    expect(told()).toEqual([]);
    clock.advance(1);
    await settled();
    expect(told()).toEqual([2]);
  });

  test("is told of once, not with every event", async () => {
    recorder.answer = async () => ({ outcome: "Failed", why: "connection refused" });
    const outbox = anOutbox();
    for (let minute = 1; minute <= 20; minute += 1) {
      offer(outbox, minute, minute);
      await settled();
      clock.advance(60 * SECOND);
    }
    await settled();
    expect(counts).toEqual({ Failed: 20 });
    expect(warnings()).toEqual(["a Kubernetes Event could not be written"]);
  });

  test("because of this event is asked about the next one at once", async () => {
    answers({ outcome: "Refused", why: "metadata.name: Invalid value" });
    offer(anOutbox(), 1, 3);
    await settled();
    expect(told()).toEqual([2, 3]);
    expect(counts).toEqual({ Refused: 1, Created: 2 });
  });

  test("and a recorder that throws, although none does, end nothing", async () => {
    recorder.answer = async () => {
      recorder.answer = undefined;
      throw new Error("a fault of ours");
    };
    offer(anOutbox(), 1, 2);
    await settled();
    expect(told()).toEqual([2]);
  });
});

describe("at the end of the process", () => {
  test("what is queued gets out, and nothing is taken any more", async () => {
    const outbox = anOutbox();
    offer(outbox, 1, 3);
    await outbox.close();
    offer(outbox, 4, 4);
    await settled();
    expect(told()).toEqual([1, 2, 3]);
    expect(counts).toEqual({ Created: 3, Dropped: 1 });
    expect(clock.sleeping).toBe(0);
  });

  test("a server that does not answer is waited for only briefly, and its request is aborted", async () => {
    let aborted = false;
    recorder.answer = async (_event, signal) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      aborted = true;
      return { outcome: "Failed", why: "aborted" };
    };
    const outbox = anOutbox();
    offer(outbox, 1, 10);
    await settled();
    let closed = false;
    const closing = outbox.close().then(() => (closed = true));
    await settled();
    clock.advance(SECOND - 1);
    await settled();
    expect(closed).toBe(false);
    clock.advance(1);
    await closing;
    await settled();
    expect(aborted).toBe(true);
    expect(counts).toEqual({ Failed: 1, Dropped: 9 });
    expect(recorder.calls).toBe(1);
    expect(log.raw).toEqual([]);
    expect(clock.sleeping).toBe(0);
  });

  test("an empty outbox closes at once", async () => {
    await anOutbox().close();
    expect(clock.sleeping).toBe(0);
  });
});
