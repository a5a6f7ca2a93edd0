import fc from "fast-check";
import { expect, test } from "vitest";
import { MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import type { Around } from "./intercept.ts";
import { World } from "./world.ts";

const WAIT = 10 * MINUTE;

/** What else happens while workers are at it. */
const happening = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant("watch" as const), span: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("watch" as const), span: fc.nat(700) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("recover" as const), span: fc.constant(0) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("fail" as const), span: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("judge" as const), span: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("replace" as const), span: fc.constant(0) }) },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

const receipts = fc.constantFrom("Accepted", "Unknown", "NotSent", "Accepted");

async function happen(world: World, { what, span }: Happening): Promise<void> {
  switch (what) {
    case "watch":
      return world.watch(span * SECOND);
    case "recover":
      return world.seeAndJudge(aNode().bootId(`boot-${world.clock.now()}`));
    case "fail":
      return world.seeAndJudge(aNode().notReady());
    case "replace":
      // The Node object is deleted and registered again; the VM behind it is the same.
      return world.seeAndJudge(aNode().uid(`uid-${world.clock.now()}`).notReady());
    case "judge":
      await world.store.markAttention();
      await world.judge();
      return undefined;
    default:
      return what satisfies never;
  }
}

test("whatever the interleaving of three workers with the world, no VM is called twice within its wait (I1)", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(happening, { minLength: 0, maxLength: 14 }),
      fc.array(receipts, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 2, max: 3 }),
      async (scheduler, happenings, outcomes, workers) => {
        const world = new World();
        await world.due();
        let answered = 0;
        world.executor.onReboot = () => {
          answered += 1;
          return { outcome: outcomes[answered % outcomes.length] ?? "Accepted", detail: "" };
        };
        const around: Around = async (point, call) => {
          await scheduler.schedule(Promise.resolve(), `before ${point}`);
          const value = await call();
          // The last look at the clock and the call stand side by side; time passes again when the answer comes.
          await scheduler.schedule(Promise.resolve(), `after ${point}`);
          return value;
        };
        const direct: Around = async (point, call) =>
          point === "executor.reboot" ? call() : around(point, call);
        const worker = async (): Promise<void> => {
          const deps = world.processorDeps(direct);
          for (let run = 0; run < 3; run += 1) await world.run("node-1", deps);
        };
        const rest = async (): Promise<void> => {
          for (const event of happenings) {
            await scheduler.schedule(Promise.resolve(), `${event.what} ${event.span}`);
            await happen(world, event);
          }
        };
        const all = [rest(), ...Array.from({ length: workers }, worker)];
        await scheduler.waitFor(Promise.all(all));

        const times = world.executor.calls.map(({ at }) => at).toSorted((a, b) => a - b);
        for (let i = 1; i < times.length; i += 1) {
          expect((times[i] ?? 0) - (times[i - 1] ?? 0)).toBeGreaterThanOrEqual(WAIT);
        }
      },
    ),
    { numRuns: 500 },
  );
}, 30_000);
