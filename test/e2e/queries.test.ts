import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { documentedQueries } from "../support/documented-queries.ts";
import { eventually } from "../support/eventually.ts";
import { HAS_PROMETHEUS, startPrometheus, type Answer, type Prometheus } from "../support/prometheus.ts";
import { useTopology } from "../support/topology.ts";

/**
 * A real Prometheus scrapes a real watcher and two real workers while one node is cured by its reboot, one is given up
 * after its only reboot, one is held by a pause, one by another owner, and planned work on one does not end. Every query of the documents is asked before, during and after.
 */
const QUERIES = [...new Set(documentedQueries().map(({ query }) => query))];

const topology = useTopology({
  pools: [{ name: "standard", nodeNames: ["cured", "hopeless", "held", "owned", "worked-on", "well"] }],
  workers: 2,
  config: {
    maxAttempts: 1,
    paused: { nodes: ["held"] },
    foreignOwner: { staleAfter: "1s" },
    plannedWork: { maxAge: "1s" },
  },
});

type Moment = "before" | "during" | "after";

/** What Prometheus answered to a query at a moment. */
const answers = new Map<string, Map<Moment, readonly Answer[] | Error>>();
let prometheus: Prometheus | undefined;

async function ask(query: string): Promise<readonly Answer[]> {
  if (prometheus === undefined) throw new Error("Prometheus does not run");
  return prometheus.query(query);
}

/** A query without the comparison at its end, which rightly leaves nothing of what is well. */
function withoutThreshold(query: string): string {
  return query.replace(/\s*(?:[<>]=?|==|!=)\s*[\d.]+$/u, "");
}

async function askAll(moment: Moment): Promise<void> {
  for (const query of QUERIES) {
    const own = answers.get(query) ?? new Map<Moment, readonly Answer[] | Error>();
    answers.set(query, own);
    try {
      // As it stands in the document, and for what it is about.
      await ask(query);
      own.set(moment, await ask(withoutThreshold(query)));
    } catch (error) {
      own.set(moment, error instanceof Error ? error : new Error(String(error)));
    }
  }
}

function answerTo(query: string, moment: Moment): readonly Answer[] {
  const answer = answers.get(query)?.get(moment);
  if (answer === undefined) throw new Error(`it was not asked ${moment}`);
  if (answer instanceof Error) throw answer;
  return answer;
}

/** Waits until every process was scraped for so many seconds from now on, once a second. */
async function scraped(seconds: number): Promise<void> {
  // The first scrape comes seconds after the start of Prometheus.
  await eventually(async () => expect(await ask("count(up == 1)")).toMatchObject([{ value: 3 }]), {
    within: 60_000,
    every: 250,
  });
  const [now] = await ask("vector(time())");
  const until = (now?.value ?? Infinity) + seconds;
  await eventually(
    async () => {
      // Of a bare selector this is the time of its sample, and not of the question.
      const last = await ask("timestamp(up)");
      expect(last).toHaveLength(3);
      for (const { value } of last) expect(value).toBeGreaterThan(until);
    },
    { within: 60_000, every: 250 },
  );
}

/** How many reboots the cloud carried out: one for each of the two nodes that may be rebooted. */
async function executed(): Promise<number> {
  const reboots = await topology().simulator.reboots();
  expect(reboots.map(({ node }) => node).toSorted()).toEqual(["cured", "hopeless"]);
  return reboots.length;
}

describe.skipIf(!HAS_PROMETHEUS)(
  `the queries of the documents${HAS_PROMETHEUS ? "" : " (skipped: prometheus is not on the PATH)"}`,
  () => {
    beforeAll(async () => {
      const { simulator, workers, watchers, record, logs } = topology();
      const agents = [...watchers(), ...workers()];
      prometheus = await startPrometheus(await Promise.all(agents.map(async (agent) => agent.port())));
      await scraped(3);
      await askAll("before");

      await simulator.break("cured", "not-ready");
      await simulator.break("hopeless", "not-ready", { curedByReboot: false });
      await simulator.break("held", "not-ready");
      const taints = [{ key: "medik8s.io/remediation", effect: "NoSchedule" }];
      await simulator.command({ do: "mark", node: "owned", taints });
      await simulator.break("owned", "not-ready", { curedByReboot: false });
      const labels = { "nvidia.com/mig.config.state": "rebooting" };
      await simulator.command({ do: "mark", node: "worked-on", labels });
      await eventually(() => expect(logs({ event: "RebootHeld", gate: "Paused" })).not.toEqual([]), {
        within: 60_000,
      });
      await scraped(2);
      await askAll("during");

      await eventually(async () => expect((await record("hopeless"))?.phase).toBe("Failed"), {
        within: 60_000,
      });
      await eventually(async () => expect((await record("cured"))?.phase).toBe("Healthy"), {
        within: 60_000,
      });
      await eventually(() => expect(logs({ event: "RebootVerified" }).length).toBeGreaterThanOrEqual(2), {
        within: 60_000,
      });
      // A node that is well is judged again when the audit of the resync comes to its shard.
      await eventually(() => expect(logs({ reason: "PlannedWorkStuck" })).not.toEqual([]), {
        within: 60_000,
      });
      await scraped(3);
      await askAll("after");
    });

    afterAll(async () => {
      await prometheus?.[Symbol.asyncDispose]();
    });

    test("Prometheus is a judge: it refuses what does not parse", async () => {
      await expect(ask("sum by (pool) civo_node_agent_nodes)")).rejects.toThrow("parse error");
    });

    test.each(QUERIES)("%s parses and can be evaluated at each moment", (query) => {
      for (const moment of ["before", "during", "after"] as const)
        expect(() => answerTo(query, moment)).not.toThrow();
    });

    test.each(QUERIES)("%s is about something: it has an answer at some moment", (query) => {
      const all = (["before", "during", "after"] as const).flatMap((moment) => answerTo(query, moment));
      expect(all).not.toEqual([]);
    });

    test.each(QUERIES.filter((query) => /\b(?:increase|rate)\(/u.test(query)))(
      "%s has an answer before anything happened, and that is 0",
      (query) => {
        const before = answerTo(query, "before");
        expect(before).not.toEqual([]);
        // What is judged all the time counts before a repair too; a quantile of nothing is no number.
        if (/evaluations|health_check/u.test(query)) return;
        expect(
          before.map(({ value }) => value).filter((value) => !Number.isNaN(value) && value !== 0),
        ).toEqual([]);
      },
    );

    /** The queries that count what the cloud knows exactly. */
    const counted: [what: string, part: RegExp, truth: () => Promise<number>][] = [
      ["reboots that were asked for", /reboots_total\{outcome=~"Accepted\|Unknown"/u, executed],
      ["repairs that were begun", /recovery_actions_total\{action="Reboot",mode="active"/u, executed],
      ["reboots that monitor-only would have made", /reboots_total\{outcome="Simulated"/u, async () => 0],
      ["reboots by what they came to", /reboots_verified_total\[/u, executed],
      ["nodes that were given up", /phase_changes_total\{to="Failed"/u, async () => 1],
    ];

    test.each(counted)("the true number of %s is counted", async (_what, part, truth) => {
      const queries = QUERIES.filter((query) => part.test(query));
      expect(queries).not.toEqual([]);
      for (const query of queries) {
        const sum = answerTo(query, "after").reduce((total, { value }) => total + value, 0);
        expect(Math.round(sum), `${query} answered ${sum}`).toBe(await truth());
      }
    });

    test("every worker shows the series of every pool, whichever made the reboot", async () => {
      const shown = await ask("count by (instance) (civo_node_agent_reboots_total)");
      expect(shown.map(({ value }) => value)).toEqual([5, 5]);
    });
  },
);
