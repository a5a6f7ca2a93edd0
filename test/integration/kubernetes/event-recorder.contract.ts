import { describe, expect, test } from "vitest";
import type { ClusterEvent } from "@node-agent/shared/core/cluster-event.ts";
import type { EventRecorder } from "@node-agent/shared/ports/event-recorder.ts";

/** Two recorders on one cluster, and what stands there. */
export interface EventRecorderSetup extends AsyncDisposable {
  readonly recorder: EventRecorder;
  readonly other: EventRecorder;
  /** Reason and message of each event, in any order. */
  readonly stored: () => Promise<string[]>;
}

const NEVER = new AbortController().signal;

const anEvent = (over: Partial<ClusterEvent> = {}): ClusterEvent => ({
  node: "w-07",
  uid: "uid-1",
  reason: "RebootHeld",
  type: "Normal",
  message: "first words",
  identity: "w-07/1",
  at: Date.UTC(2026, 10, 1),
  ...over,
});

/** What every event recorder does. */
export function eventRecorderContract(name: string, setup: () => Promise<EventRecorderSetup>): void {
  describe(`${name} as an event recorder`, () => {
    test("tells an event once, whoever tells it and in whatever words", async () => {
      await using cluster = await setup();
      expect(await cluster.recorder.record(anEvent(), NEVER)).toEqual({ outcome: "Created" });
      const again = anEvent({ message: "other words", at: Date.UTC(2026, 10, 2) });
      for (const recorder of [cluster.recorder, cluster.other])
        expect(await recorder.record(again, NEVER)).toEqual({ outcome: "Known" });
      expect(await cluster.stored()).toEqual(["RebootHeld: first words"]);
    });

    test("keeps events apart by their identity", async () => {
      await using cluster = await setup();
      for (const identity of ["w-07/1", "w-07/2"])
        expect(await cluster.recorder.record(anEvent({ identity }), NEVER)).toEqual({ outcome: "Created" });
      expect(await cluster.stored()).toHaveLength(2);
    });

    test("told of the same event by two at once, tells one of them that it was first", async () => {
      await using cluster = await setup();
      const told = [cluster.recorder, cluster.other].map(async (one) => one.record(anEvent(), NEVER));
      const outcomes = (await Promise.all(told)).map(({ outcome }) => outcome);
      expect(outcomes.toSorted()).toEqual(["Created", "Known"]);
    });
  });
}
