import { describe, expect, test } from "vitest";
import { LOG_EVENTS } from "@node-agent/shared/contract/log-events.ts";
import {
  CLUSTER_EVENT_REASONS,
  CLUSTER_EVENT_TYPES,
  HELD_TYPES,
} from "@node-agent/shared/core/cluster-event.ts";
import type { ClusterEvent } from "@node-agent/shared/core/cluster-event.ts";
import { GATES } from "@node-agent/shared/core/gates/gate.ts";
import type { LedgerGrant } from "@node-agent/shared/core/ledger/ledger.ts";
import { emptyLedger } from "@node-agent/shared/core/ledger/steps.ts";
import type { Phase } from "@node-agent/shared/core/phase.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { createLogger, type Logger } from "@node-agent/shared/runtime/logger.ts";
import { createMetrics } from "@node-agent/shared/runtime/metrics/metrics.ts";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import { GrantWatch } from "../../../packages/worker/src/grant-watch.ts";
import { ManualClock } from "@node-agent/shared/testing/manual-clock.ts";
import { createLogJournal } from "../../../packages/worker/src/log-journal.ts";
import { createEventJournal } from "../../../packages/worker/src/event-journal.ts";
import type { Journal } from "../../../packages/worker/src/journal.ts";
import { observeSourceEvent } from "../../../packages/watcher/src/source-metrics.ts";
import { RecordingJournal } from "../worker/recording-journal.ts";
import { namesOf, tableBelow } from "./markdown.ts";

/** Fields that every line has, or every line about a node. */
const COMMON = new Set([
  "level",
  "time",
  "service",
  "role",
  "version",
  "cluster",
  "msg",
  "event",
  "node",
  "pool",
]);

function recordIn(phase: Phase): NodeRecord {
  return {
    schema: 1,
    name: "node-1",
    uid: "uid-1",
    pool: "pool-1",
    phase,
    phaseSince: 0,
    firstSeenAt: 0,
    everReady: true,
    gpuNode: false,
    gpuHighWater: 0,
    monitorOnly: false,
    failing: { NodeReady: { since: 0, sinceObserved: 0, reason: "KubeletNotReady" } },
    incident: { id: "uid-1@0", startedAt: 0, attempts: 1 },
    lastReboot: {
      incidentId: "uid-1@0",
      number: 1,
      instanceId: "i-1",
      token: "t-1",
      intendedAt: 0,
      outcome: "Accepted",
      detail: "",
      waitUntil: 1,
    },
  };
}

const GRANT: LedgerGrant = {
  id: "g",
  since: 0,
  until: 1,
  by: "ann",
  reason: "power is back",
  count: 3,
  used: 0,
  width: 2,
  cured: 0,
};

/** A grant that a worker sees begin and end. */
async function tellGrant(logger: Logger): Promise<void> {
  const clock = new ManualClock(0);
  const { meta } = emptyLedger("c", "w", 0);
  const ledger = { meta: { ...meta, grants: [GRANT] }, entries: new Map() };
  const seen = new GrantWatch({ clock, logger, fresh: 1 }).ledger({
    read: async () => ({ state: "Found", ledger, version: "1", createdAt: 0, serverTime: clock.now() }),
    compareAndWrite: async () => ({ outcome: "Written" }),
  });
  await seen.read();
  clock.advance(1);
  await seen.read();
}

/** Every kind of thing that a journal is told, once. */
function tellEverything(journal: Journal): void {
  const change = (from: Phase, to: Phase | undefined) =>
    journal.judged({
      node: "node-1",
      before: recordIn(from),
      after: to === undefined ? undefined : recordIn(to),
      evaluation: undefined,
      dueIn: 1000,
    });
  change("Healthy", "Unhealthy");
  change("WaitingReboot", "Unhealthy");
  change("Unhealthy", "Failed");
  change("WaitingReboot", "Healthy");
  change("Healthy", undefined);
  tellNotices(journal);
  const record = recordIn("Unhealthy");
  journal.held("node-1", { step: "WaitUntil", at: 1, gate: "Blind", why: "old" }, record, 1);
  journal.held("node-1", { step: "Finish", gate: "NothingFailing", why: "well" }, record, 2);
  journal.requested(record, { instanceId: "i-1", hostname: "node-1" }, GRANT);
  journal.held("node-1", { step: "WaitUntil", at: 1, gate: "Threshold", why: "not yet" }, record, 3);
  journal.answered(record, { outcome: "Accepted", detail: "yes" });
  journal.answered(record, { outcome: "Unknown", detail: "no answer" });
  journal.verified(record, "Cured");
  journal.verified(record, "StillBad");
  journal.recalled(record, record);
  journal.fault("Redis", "away", "node-1");
}

/** Every notice, once. */
function tellNotices(journal: Journal): void {
  const known = recordIn("Unhealthy");
  const skipped = { GPU: { since: 1, reason: "AllocatedByDRA" } };
  const noticed: Partial<NodeRecord>[] = [
    { judgedBy: ["GPU"], skipped },
    { gpu: { accepted: 7 } },
    { retriedAt: 1 },
    { marks: { "nvidia.com/mig.config.state": { value: "rebooting", since: 1, told: true } } },
    { marks: { "spec.unschedulable": { value: "", since: 1, holds: true, told: true } } },
    { flaps: { GPU: { at: [1], flappingSince: 1 } } },
  ];
  for (const more of noticed) {
    const after = { ...known, ...more };
    journal.judged({ node: "node-1", before: known, after, evaluation: undefined, dueIn: undefined });
  }
  const incident = { id: "uid@1", startedAt: 2, attempts: 1 };
  const before = { ...known, lastIncident: { id: incident.id, attempts: 1, endedAt: 1, endedObserved: 0 } };
  const after = { ...known, incident };
  journal.judged({ node: "node-1", before, after, evaluation: undefined, dueIn: undefined });
}

/** By event: its levels and its fields, as the code writes them. */
async function written(): Promise<Map<string, { levels: Set<string>; fields: Set<string> }>> {
  const events = new Map<string, { levels: Set<string>; fields: Set<string> }>();
  const destination = {
    write: (text: string) => {
      const line = JSON.parse(text) as Record<string, unknown>;
      const event = String(line["event"]);
      const entry = events.get(event) ?? { levels: new Set(), fields: new Set() };
      entry.levels.add(String(line["level"]));
      for (const field of Object.keys(line)) if (!COMMON.has(field)) entry.fields.add(field);
      events.set(event, entry);
    },
  };
  const logger = createLogger({ role: "worker", cluster: "c", level: "info", destination });
  const metrics = createMetrics({
    cluster: "c",
    role: "worker",
    monitorOnly: false,
    perNodeMetrics: false,
    onScrapeError: () => undefined,
  });
  tellEverything(createLogJournal({ logger, metrics, clock: systemClock }));
  await tellGrant(logger);
  observeSourceEvent(
    { type: "ViewDistrusted", cause: "WentBack", ours: "1203", server: "1000" },
    metrics,
    logger,
  );
  observeSourceEvent(
    { type: "DriftFound", counts: { Stale: 1, Missing: 0, Extra: 0 }, nodes: ["node-1"] },
    metrics,
    logger,
  );
  return events;
}

/** By reason: the types of the Kubernetes Events that the code tells. */
function toldToCluster(): Map<string, Set<string>> {
  const types = new Map<string, Set<string>>();
  const outbox = {
    offer: ({ reason, type }: ClusterEvent) => {
      types.set(reason, (types.get(reason) ?? new Set()).add(type));
    },
  };
  tellEverything(createEventJournal(new RecordingJournal(), { outbox, clock: systemClock }));
  return types;
}

describe("docs/logs.md on Kubernetes Events", () => {
  const table = tableBelow("docs/logs.md", "Kubernetes Events");

  test("tells every reason, and no other", () => {
    expect(namesOf(table)).toEqual(CLUSTER_EVENT_REASONS);
    expect(new Set(toldToCluster().keys())).toEqual(new Set(CLUSTER_EVENT_REASONS));
  });

  test.each(table.rows.map(([reason = "", types = ""]) => ({ reason: reason.replaceAll("`", ""), types })))(
    "tells the types of $reason as they are written",
    ({ reason, types }) => {
      const words = CLUSTER_EVENT_TYPES.filter((type) => types.includes(type));
      expect(words).toEqual([...(toldToCluster().get(reason) ?? [])].toSorted());
    },
  );

  test("knows a type for every gate that is told", () => {
    expect(Object.keys(HELD_TYPES).toSorted()).toEqual([...GATES].toSorted());
  });
});

describe("docs/logs.md", () => {
  const table = tableBelow("docs/logs.md", "Events");

  test("tells every event, and no other", () => {
    expect(namesOf(table)).toEqual(Object.values(LOG_EVENTS));
  });

  test.each(table.rows.map(([event = "", levels = "", , fields = ""]) => ({ event, levels, fields })))(
    "tells level and fields of $event as they are written",
    async ({ event, levels, fields }) => {
      const real = (await written()).get(event.replaceAll("`", ""));
      expect(fields.replaceAll("`", "").split(" ").filter(Boolean)).toEqual(
        [...(real?.fields ?? [])].toSorted(),
      );
      expect(levels.match(/\b(?:info|warn|error)\b/gu)).toEqual([...(real?.levels ?? [])]);
    },
  );
});
