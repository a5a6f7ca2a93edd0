import { describe, expect, test } from "vitest";
import { oracleRules } from "./fleet.ts";
import { judgeReboots } from "./oracle.ts";
import { SHORTEST_THRESHOLD, SPANS } from "./settings.ts";

const reboot = (node: string, at: number) => ({
  node,
  instanceId: `vm-of-${node}`,
  at,
  requestAt: at,
  healthyAtExecution: false,
});
/** Machines that stay sick for this long after each reboot. */
const sickFor = (span: number) => ({ sickUntil: (_node: string, at: number) => at + span });
const open = { pool: 1, cluster: 2 };

describe("a reboot is open", () => {
  const before = [reboot("a-1", 0), reboot("b-1", 100)];

  test.each([
    ["until the machine has booted, whatever anybody saw", 0, SPANS.boot - 1, 1],
    ["and no longer when it is well then", 0, SPANS.boot + 200, 0],
    ["while the machine is still sick", 4000, SPANS.boot + SHORTEST_THRESHOLD - 1, 1],
    ["and no longer when it is known to be still bad", 60_000, SPANS.boot + SHORTEST_THRESHOLD + 200, 0],
  ])("%s", (_, sick, at, violations) => {
    const rules = oracleRules({ witness: sickFor(sick), open });
    const { overBudget } = judgeReboots([...before, reboot("c-1", at)], rules);
    expect(overBudget).toHaveLength(violations);
  });

  test("for the budget of its pool, too, and once for each machine", () => {
    const rules = oracleRules({ witness: sickFor(4000), open });
    const { overBudget, mostOpen } = judgeReboots(
      [reboot("a-1", 0), reboot("a-1", 3000), reboot("a-2", 3500)],
      rules,
    );
    expect(overBudget).toEqual(["2 open in a at 1970-01-01T00:00:03.500Z"]);
    expect(mostOpen).toEqual({ pool: 2, cluster: 2 });
  });
});
