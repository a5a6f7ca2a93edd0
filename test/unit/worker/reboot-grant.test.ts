import { beforeEach, expect, test } from "vitest";
import { newGrant, withGrant, type GrantScope } from "../../../packages/shared/src/core/ledger/grant.ts";
import { HOUR } from "../../../packages/shared/src/core/time.ts";
import { World } from "./world.ts";

let world: World;
beforeEach(() => {
  world = new World();
});

async function grant(scope: GrantScope = {}): Promise<void> {
  const reading = await world.ledger.read();
  if (reading.state !== "Found") throw new Error(reading.why);
  const order = { ...scope, id: "g", by: "ann", reason: "power is back", lasts: HOUR };
  const next = withGrant(reading.ledger, newGrant(order, world.clock.now()));
  await world.ledger.compareAndWrite(next, reading.version);
}

/** The grants that the journal was told of with a request. */
const told = (): unknown[] =>
  world.journal.lines.filter(({ kind }) => kind === "requested").map(({ args }) => args[2]);

test("a repair that begins under a grant tells the journal whose it is", async () => {
  await world.due();
  await grant();
  await world.run();
  expect(world.rebooted).toEqual(["node-1"]);
  expect(told()).toMatchObject([{ id: "g", by: "ann", reason: "power is back", used: 1 }]);
});

test("a repair outside of the scope of the grant, or without one, tells of none", async () => {
  await world.due();
  await grant({ zone: "elsewhere" });
  await world.run();
  expect(world.rebooted).toEqual(["node-1"]);
  expect(told()).toEqual([undefined]);
});
