import { describe, expect, test } from "vitest";
import { ABLATIONS, firstMissed, WITHOUT_LEDGER, WITHOUT_RECORD_CAS } from "./ablations.ts";
import { LIMIT_ABLATIONS } from "./limit-ablations.ts";

/** Runs in which a guard that is gone must be missed; the table names where it was when it was written. */
const WITHIN = 150;

test.each([...ABLATIONS, ...LIMIT_ABLATIONS])(
  "without $guard a promise is broken: $breaks",
  async (ablation) => {
    const missed = await firstMissed(ablation, WITHIN);
    expect(missed?.violations.map(({ invariant }) => invariant)).toBeDefined();
  },
);

describe("the compare-and-set of records, which the ledger stands behind", () => {
  test("keeps I1 alone, as long as Redis keeps what it was told", async () => {
    const { missed, breaks } = WITHOUT_RECORD_CAS;
    expect(await firstMissed({ twist: WITHOUT_LEDGER, missed, breaks }, 40)).toBeUndefined();
  });

  test("is missed where the ledger is gone, too", async () => {
    expect(await firstMissed(WITHOUT_RECORD_CAS, WITHIN)).toBeDefined();
  });
});
