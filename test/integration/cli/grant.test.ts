import { beforeEach, describe, expect, test } from "vitest";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { withIntent, withOutcome } from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS } from "@node-agent/shared/core/ledger/timings.ts";
import { HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { useCliWorld } from "./cli-world.ts";

const world = useCliWorld();
const grants = async () => (await world().ledger()).meta.grants;

beforeEach(async () => {
  await world().deleteLedger();
  await world().cli(["ledger", "init"]);
});

describe("grant", () => {
  test("is refused when the breaker holds nothing in its scope, and given all the same with --force", async () => {
    const refused = await world().cli(["grant", "--reason", "just in case", "--zone", "fra1"]);
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(refused.err).toContain("nothing is held by the breaker now: zone fra1; nothing was granted");
    expect(await grants()).toBeUndefined();
    const line = ["grant", "--reason", "drill", "--zone", "fra1", "--for", "2h", "--count", "5", "--force"];
    const forced = await world().cli(line);
    expect(forced).toMatchObject({ code: 0, err: "" });
    expect(forced.out).toMatch(/^granted: zone fra1, until \S+Z \(in 2h\); 2 repairs at a time at first/u);
    expect(await grants()).toMatchObject([
      { zone: "fra1", by: "admin (ann@desk)", reason: "drill", count: 5, used: 0, width: 2 },
    ]);
  });

  test("is given when a breaker holds nodes in its scope, and refused for another scope", async () => {
    const names = Array.from({ length: 6 }, (_, i) => `node-${i}`);
    try {
      await world().breakNodes(...names);
      for (const name of names) await world().judge(name, 10 * MINUTE);
      const other = await world().cli(["grant", "--reason", "x", "--checker", "GPU"]);
      expect(other).toMatchObject({ code: 1 });
      const given = await world().cli(["grant", "--reason", "power is back", "--pool", "pool-a"]);
      expect(given).toMatchObject({ code: 0, err: "" });
      const [grant] = (await grants()) ?? [];
      expect(grant).toMatchObject({ pool: "pool-a", reason: "power is back" });
      expect(grant!.until - grant!.since).toBe(HOUR);
    } finally {
      await world().healNodes(...names);
      await world().forget();
      await world().forgetJobs();
    }
  });

  test("is given after repairs that cured nothing", async () => {
    await world().writeLedger((ledger) => {
      const writer = { by: "w", clocks: clocksOf([Date.now() - HOUR]) };
      return ["vm-1", "vm-2", "vm-3", "vm-4", "vm-5"].reduce((before, instanceId) => {
        const intent = { instanceId, node: instanceId, checker: "GPU", attempt: 1, token: "t", gpu: true };
        const begun = withIntent(before, intent, MINUTE, writer);
        return withOutcome(begun, instanceId, "t", "StillBad", writer, LEDGER_TIMINGS);
      }, ledger);
    });
    expect(await world().cli(["grant", "--reason", "new firmware"])).toMatchObject({ code: 0 });
  });
});

describe("revoke", () => {
  test("ends the grant of exactly its scope, and says which still hold", async () => {
    await world().cli(["grant", "--reason", "a", "--force"]);
    await world().cli(["grant", "--reason", "b", "--zone", "fra1", "--force"]);
    expect((await world().cli(["ledger", "show"])).out).toMatch(
      /Grant +fleet until .*\nGrant +zone fra1 until \S+Z \(in \S+\), 0 begun, 2 at a time now, by admin \(ann@desk\)/u,
    );
    const other = await world().cli(["revoke", "--zone", "lon1"]);
    expect(other).toMatchObject({ code: 0, out: "nothing to revoke: the grant of zone lon1\n" });
    const ended = await world().cli(["revoke"]);
    expect(ended).toMatchObject({ code: 0, out: "revoked: the grant of fleet\n" });
    expect(ended.err).toContain("still granted: zone fra1 until ");
    expect(await world().cli(["revoke", "--all"])).toMatchObject({
      code: 0,
      out: "revoked: all grants\n",
      err: "",
    });
    expect(await grants()).toMatchObject([{ endedBy: "admin (ann@desk)" }, { endedBy: "admin (ann@desk)" }]);
    expect((await world().cli(["ledger", "show"])).out).toMatch(/Grant +none/u);
  });
});
