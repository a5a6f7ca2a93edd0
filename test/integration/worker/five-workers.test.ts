import { expect, test } from "vitest";
import { METRICS } from "../../../packages/shared/src/contract/metric-names.ts";
import type { Millis } from "../../../packages/shared/src/core/time.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { useRedis } from "../../support/redis.ts";
import { Fleet } from "./fleet.ts";
import { RACE_POLICY, startRacers, type Told } from "./ledger-race.ts";

const redis = useRedis();
const names = Array.from({ length: 60 }, (_, i) => `node-${i}`);
/** Far less than the minute that a repair pauses after a failure. */
const within = 20_000;

async function outcomesOf(fleet: Fleet): Promise<unknown[]> {
  const reading = await fleet.ledger.read();
  if (reading.state !== "Found") throw new Error(reading.why);
  return [...reading.ledger.entries.values()].map(({ outcome }) => outcome);
}

/** So many workers repair all nodes at once, until it is known what each reboot came to. */
async function race(workers: number): Promise<{ readonly took: Millis; readonly told: Told }> {
  await using fleet = new Fleet(redis, RACE_POLICY);
  const told = startRacers(fleet, workers);
  fleet.watch();
  await fleet.see(...names.map((name) => aNode(name)));
  await eventually(async () => expect(await fleet.phases()).toEqual([`Healthy ${names.length}`]));
  await fleet.see(...names.map((name) => aNode(name).notReady()));
  const { calls } = fleet.executor;
  await eventually(() => expect(calls).toHaveLength(names.length), { within });
  const took = (calls.at(-1)?.at ?? 0) - (calls[0]?.at ?? 0);
  // A node that is well before its answer is written is woken by the plan, which does not run here.
  await eventually(async () => expect(await outcomesOf(fleet)).toEqual(names.map(() => "Accepted")), {
    within,
  });
  await fleet.see(...names.map((name) => aNode(name).bootId(`boot-${name}-2`)));
  await eventually(
    async () => {
      expect(await outcomesOf(fleet)).toEqual(names.map(() => "Cured"));
      expect(await fleet.pending()).toEqual([]);
    },
    { within },
  );
  expect(new Set(calls.map(({ target }) => target.hostname)).size).toBe(names.length);
  expect(calls).toHaveLength(names.length);
  return { took, told };
}

test("five workers on one ledger: lost writes are no failures, and five are not slower than one", async () => {
  const one = await race(1);
  const five = await race(5);
  const { told } = five;
  expect(told.lost()).toBeGreaterThan(names.length);
  expect(told.lines().filter(({ level }) => level === "error")).toEqual([]);
  expect(told.events.filter(({ type }) => type === "Warning")).toEqual([]);
  const failures = new Set<string>([METRICS.recoveryFailures.name, METRICS.reconcileErrors.name]);
  const counted = (await told.samples()).filter(({ name, value }) => failures.has(name) && value > 0);
  expect(counted).toEqual([]);
  // The ledger takes one write at a time, whoever writes; the rest is the noise of a busy machine.
  expect(five.took).toBeLessThan(1.5 * one.took + 500);
}, 60_000);
