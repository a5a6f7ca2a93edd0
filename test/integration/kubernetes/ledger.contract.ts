import { describe, expect, test } from "vitest";
import { encodeLedger } from "@node-agent/shared/contract/ledger-codec.ts";
import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import { emptyLedger, withHeartbeat, withIntent } from "@node-agent/shared/core/ledger/steps.ts";
import { MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import type { LedgerReading, RebootLedger } from "@node-agent/shared/ports/ledger.ts";

/** A store for one ledger, and two clients of it. */
export interface LedgerSetup extends AsyncDisposable {
  readonly ledger: RebootLedger;
  readonly other: RebootLedger;
  /** The uid of the cluster that the clients belong to. */
  readonly cluster: string;
  /** Puts a ledger there, as an operator would. */
  create(ledger: Ledger): Promise<void>;
  /** Replaces the stored bytes; undefined removes them. */
  overwrite(data: Readonly<Record<string, string>> | undefined): Promise<void>;
}

const at = (now: number) => ({ by: "worker-1", clocks: { earliest: now, latest: now } });
const INTENT = { instanceId: "vm-a", node: "node-a", attempt: 1, token: "token-a", gpu: false };

/** The ledger that is there; anything else fails the test. */
export async function found(ledger: RebootLedger): Promise<Extract<LedgerReading, { state: "Found" }>> {
  const reading = await ledger.read();
  expect(reading).toMatchObject({ state: "Found" });
  return reading as Extract<LedgerReading, { state: "Found" }>;
}

/** What every ledger must do, whatever it is kept in. */
export function ledgerContract(name: string, start: () => Promise<LedgerSetup>): void {
  const created = async () => {
    const setup = await start();
    const first = emptyLedger(setup.cluster, "init", Date.now());
    await setup.create(first);
    return { setup, first };
  };

  describe(`the ledger in ${name}`, () => {
    test("is missing until it was created, and cannot be written before", async () => {
      await using setup = await start();
      expect(await setup.ledger.read()).toMatchObject({ state: "Missing" });
      const write = await setup.ledger.compareAndWrite(emptyLedger(setup.cluster, "w", 1), "1");
      expect(write).toMatchObject({ outcome: "Refused" });
      expect(await setup.ledger.read()).toMatchObject({ state: "Missing" });
    });

    test("is found as it was created, with its age and the clock of the store", async () => {
      const before = Date.now() - 2 * SECOND;
      const { setup, first } = await created();
      await using _ = setup;
      const { ledger, createdAt, serverTime } = await found(setup.ledger);
      expect(ledger).toEqual(first);
      expect(createdAt).toBeGreaterThan(before);
      expect(createdAt).toBeLessThanOrEqual(Date.now());
      expect(serverTime).toBeGreaterThan(before);
    });

    test("is written by who saw it last, and read the same by everybody", async () => {
      const { setup } = await created();
      await using _ = setup;
      const { ledger, version, createdAt } = await found(setup.ledger);
      const next = withIntent(ledger, INTENT, MINUTE, at(Date.now()));
      expect(await setup.ledger.compareAndWrite(next, version)).toEqual({ outcome: "Written" });
      const read = await found(setup.other);
      expect(read.ledger).toEqual(next);
      expect(read.version).not.toBe(version);
      expect(read.createdAt).toBe(createdAt);
    });

    test("of two writers on the same state one wins, and the other hears of it", async () => {
      const { setup } = await created();
      await using _ = setup;
      const { ledger, version } = await found(setup.ledger);
      const mine = withIntent(ledger, INTENT, MINUTE, at(1));
      const theirs = withIntent(ledger, { ...INTENT, token: "token-b" }, MINUTE, at(2));
      const writes = await Promise.all([
        setup.ledger.compareAndWrite(mine, version),
        setup.other.compareAndWrite(theirs, version),
      ]);
      expect(writes.map(({ outcome }) => outcome).toSorted()).toEqual(["Conflict", "Written"]);
      const winner = writes[0]?.outcome === "Written" ? mine : theirs;
      expect((await found(setup.ledger)).ledger).toEqual(winner);
    });

    test("an older state cannot be built on, also when the bytes are the same again", async () => {
      const { setup } = await created();
      await using _ = setup;
      const first = await found(setup.ledger);
      await setup.ledger.compareAndWrite(withHeartbeat(first.ledger, at(Date.now())), first.version);
      const second = await found(setup.ledger);
      await setup.ledger.compareAndWrite(first.ledger, second.version);
      const write = await setup.ledger.compareAndWrite(withHeartbeat(first.ledger, at(3)), first.version);
      expect(write).toMatchObject({ outcome: "Conflict" });
    });

    test("one that was removed and created again is another: what was seen before cannot be built on", async () => {
      const { setup, first } = await created();
      await using _ = setup;
      const { version } = await found(setup.ledger);
      await setup.overwrite(undefined);
      expect(await setup.ledger.read()).toMatchObject({ state: "Missing" });
      await setup.create(first);
      expect(await setup.ledger.compareAndWrite(first, version)).toMatchObject({ outcome: "Conflict" });
    });

    test("twenty writers at once lose nothing", async () => {
      const { setup } = await created();
      await using _ = setup;
      const add = async (vm: number): Promise<void> => {
        const client = vm % 2 === 0 ? setup.ledger : setup.other;
        for (;;) {
          const { ledger, version } = await found(client);
          const intent = { ...INTENT, instanceId: `vm-${vm}`, token: `t-${vm}` };
          const next = withIntent(ledger, intent, MINUTE, at(Date.now()));
          if ((await client.compareAndWrite(next, version)).outcome === "Written") return;
        }
      };
      await Promise.all(Array.from({ length: 20 }, async (_unused, vm) => add(vm)));
      const { ledger } = await found(setup.ledger);
      expect(ledger.entries.size).toBe(20);
      expect(ledger.meta.seq).toBe(20);
      expect(new Set([...ledger.entries.values()].map(({ seq }) => seq)).size).toBe(20);
    });

    test("of another cluster is foreign", async () => {
      await using setup = await start();
      await setup.create(emptyLedger("another-cluster", "init", Date.now()));
      expect(await setup.ledger.read()).toMatchObject({
        state: "Foreign",
        why: expect.stringContaining("another-cluster"),
      });
    });

    test("that cannot be read in every key is not read at all", async () => {
      const { setup, first } = await created();
      await using _ = setup;
      const data = encodeLedger(withIntent(first, INTENT, MINUTE, at(1)));
      for (const key of ["meta", "vm-a"])
        for (const damage of ["", "{", "{}", "null", "[]", '"x"']) {
          await setup.overwrite({ ...data, [key]: damage });
          expect(await setup.ledger.read()).toMatchObject({
            state: "Unreadable",
            why: expect.stringContaining(key),
          });
        }
      const { meta: _meta, ...rest } = data;
      await setup.overwrite(rest);
      expect(await setup.ledger.read()).toMatchObject({ state: "Unreadable" });
      await setup.overwrite({ ...data, "vm-b": data["vm-a"] ?? "" });
      expect(await setup.ledger.read()).toMatchObject({ state: "Unreadable" });
      await setup.overwrite(data);
      await found(setup.ledger);
    });

    test.each([
      [
        "too large",
        Array.from({ length: 3000 }, (_, i) => ({ ...INTENT, instanceId: `vm-${i}`, node: "n".repeat(250) })),
      ],
      ["with an instance id that is no key", [{ ...INTENT, instanceId: "civo://vm" }]],
      ["with a text that nobody could read back", [{ ...INTENT, token: "t".repeat(600) }]],
    ])("%s is refused, and what was there stays", async (_what, intents) => {
      const { setup, first } = await created();
      await using _ = setup;
      const { version } = await found(setup.ledger);
      const next = intents.reduce((ledger, intent) => withIntent(ledger, intent, MINUTE, at(1)), first);
      expect(await setup.ledger.compareAndWrite(next, version)).toMatchObject({ outcome: "Refused" });
      expect((await found(setup.ledger)).ledger).toEqual(first);
    });
  });
}
