import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { explain, type Explanation } from "@node-agent/shared/core/explain.ts";
import type { ExplainInput } from "@node-agent/shared/core/explain-input.ts";
import { GATES, type GateName } from "@node-agent/shared/core/gates/gate.ts";
import type { Rules } from "@node-agent/shared/core/judge.ts";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import { withIntent, withPause } from "@node-agent/shared/core/ledger/steps.ts";
import { fleetHealth } from "@node-agent/shared/core/storm/fleet.ts";
import { DAY, HOUR, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { transition } from "@node-agent/shared/core/transition.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import {
  EMPTY,
  FAILED_AT,
  fleetOf,
  input,
  recordOf,
  RULES,
  SICK,
  trusted,
  VM,
} from "./explain-input-build.ts";
import { ACTIVE, NOON } from "./timeline.ts";

function answer({ gates }: Explanation, name: GateName) {
  return gates.find(({ gate }) => gate === name);
}

/** A pending reboot that sleeps on what a gate said to it. */
const sleepsOn = (waitsFor: GateName) => ({
  state: "delayed",
  at: NOON + SECOND,
  said: { waitsFor, why: "403 configmaps is forbidden", until: NOON + SECOND },
});

const YOUNG = recordOf(SICK, NOON - MINUTE, DAY - MINUTE);

describe("an explanation", () => {
  test("asks every gate of the closed set, in its order", () => {
    expect(explain(input()).gates.map(({ gate }) => gate)).toEqual(GATES);
  });

  test("of a node that nothing holds says that its reboot comes with the next look", () => {
    const explained = explain(input());
    expect(explained).not.toHaveProperty("blocker");
    expect(explained.next).toEqual({ step: "Reboot", at: NOON });
    expect(explained).toMatchObject({
      phase: "Unhealthy",
      attempts: { used: 0, allowed: 3 },
      mode: "active",
    });
  });

  test("of a healthy node says since when, and that nothing follows", () => {
    const healthy = aNode();
    const explained = explain(
      input({
        record: recordOf(healthy, FAILED_AT, DAY),
        node: { state: "Found", snapshot: healthy.snapshot() },
      }),
    );
    expect(explained.blocker).toMatchObject({ gate: "NothingFailing", since: FAILED_AT - HOUR });
    expect(explained.next).toEqual({ step: "None" });
    expect(explained.failing).toEqual([]);
  });

  test("goes by a fresh judgement: a node that recovered a moment ago is not called sick", () => {
    const explained = explain(input({ node: { state: "Found", snapshot: aNode().snapshot() } }));
    expect(explained.blocker?.gate).toBe("NothingFailing");
    expect(explained.phase).toBe("Unhealthy");
  });

  test("tells how long each checker has failed, in observed time", () => {
    expect(explain(input({ record: YOUNG })).failing).toEqual([
      {
        checker: "NodeReady",
        reason: "KubeletNotReady",
        since: NOON - MINUTE,
        ran: MINUTE,
        carried: 0,
        threshold: 5 * MINUTE,
        action: "Reboot",
      },
    ]);
  });

  test("never carries the token of a reboot", () => {
    const record = rebooted();
    expect(JSON.stringify(explain(input({ record })))).not.toContain("token-secret");
    expect(explain(input({ record })).lastReboot).toMatchObject({ number: 1, outcome: "Intent" });
  });
});

function rebooted() {
  const event = { type: "RebootIntended", instanceId: VM, token: "token-secret" } as const;
  return transition(input().record, { ...event, waitUntil: NOON + 9 * MINUTE }, ACTIVE, NOON - MINUTE).record;
}

const paused = { since: NOON - HOUR, by: "ann@desk", reason: "upgrade" };
const withStorm = (name: string, change: object): Rules => ({
  ...RULES,
  policy: { ...ACTIVE, [name]: change },
});

/** One blocker each: what holds, since when, until when, and whether it ends by itself then. */
const BLOCKED: [string, Partial<ExplainInput>, Partial<NonNullable<Explanation["blocker"]>>][] = [
  [
    "a threshold",
    { record: YOUNG },
    { gate: "Threshold", since: NOON - MINUTE, until: NOON + 4 * MINUTE, ends: true },
  ],
  [
    "a wait",
    { record: rebooted() },
    { gate: "WaitWindow", since: NOON - MINUTE, until: NOON + 9 * MINUTE, ends: true },
  ],
  [
    "a pause of the fleet",
    { ledger: trusted(withPause(EMPTY, { level: "fleet" }, paused)) },
    { gate: "Paused", why: "fleet (ledger): paused by ann@desk: upgrade", since: NOON - HOUR, ends: false },
  ],
  [
    "a pause of the pool",
    { ledger: trusted(withPause(EMPTY, { level: "pool", name: "pool-1" }, paused)) },
    { gate: "Paused", why: "pool (ledger): paused by ann@desk: upgrade", since: NOON - HOUR },
  ],
  [
    "a pause of the node, in a ledger that is not believed",
    {
      ledger: {
        state: "Distrusted",
        why: "TooYoung: ...",
        until: NOON + HOUR,
        ends: true,
        ledger: withPause(EMPTY, { level: "node", name: "node-1" }, paused),
      },
    },
    { gate: "Paused", why: "node (ledger): paused by ann@desk: upgrade", since: NOON - HOUR },
  ],
  [
    "a pause by configuration",
    { rules: withStorm("paused", { fleet: false, pools: ["pool-1"], nodes: [] }) },
    { gate: "Paused", why: "pool (configuration): pool pool-1 is paused by configuration" },
  ],
  [
    "a pause by annotation",
    { node: { state: "Found", snapshot: SICK.annotation("node-agent.civo.com/paused", "true").snapshot() } },
    { gate: "Paused", why: "node (annotation): annotation node-agent.civo.com/paused" },
  ],
  [
    "the opt-out annotation",
    { node: { state: "Found", snapshot: SICK.annotation("node-agent.civo.com/opt-out", "").snapshot() } },
    { gate: "OptOut", ends: false },
  ],
  [
    "a cordon",
    { node: { state: "Found", snapshot: SICK.cordoned().snapshot() } },
    { gate: "ForeignOwner", why: "cordoned; nothing on the node says by whom", ends: false },
  ],
  ["a blind fleet", { viewAge: 10 * MINUTE }, { gate: "Blind", since: NOON - 10 * MINUTE, ends: false }],
  [
    "an open breaker",
    { fleet: fleetOf(6) },
    { gate: "Breaker", why: "Pool: 6 of 26 nodes of pool pool-1 fail since less than 24 h", ends: false },
  ],
  [
    "a missing ledger",
    { ledger: { state: "Distrusted", why: "Missing: none", ends: false } },
    { gate: "Ledger", why: "Missing: none", ends: false },
  ],
  [
    "a young ledger",
    {
      ledger: { state: "Distrusted", why: "TooYoung", since: NOON - MINUTE, until: NOON + HOUR, ends: true },
    },
    { gate: "Ledger", since: NOON - MINUTE, until: NOON + HOUR, ends: true },
  ],
  [
    "the window in the ledger",
    { ledger: trusted(intended(VM)) },
    { gate: "WaitWindow", since: NOON - MINUTE, until: NOON + 9 * MINUTE, ends: true },
  ],
  [
    "a limit",
    { ledger: trusted(intended("another-vm")) },
    { gate: "Limit", why: "Cluster: 1 open in the cluster, 1 allowed", until: NOON + 9 * MINUTE, ends: true },
  ],
  [
    "the identity of the VM, by the job's last word",
    {
      job: {
        state: "delayed",
        at: NOON + SECOND,
        said: { waitsFor: "Identity", why: "two claim it", until: NOON + SECOND },
      },
    },
    { gate: "Identity", why: "two claim it", until: NOON + SECOND, ends: false },
  ],
  [
    "an API server that is away",
    { node: { state: "Unread", why: "connect ECONNREFUSED" } },
    { gate: "NodeUnreadable" },
  ],
  [
    "a node that is gone",
    { node: { state: "Gone" } },
    { gate: "NothingFailing", why: "the node no longer exists" },
  ],
  ["damage", { record: undefined, damaged: true }, { gate: "NothingFailing" }],
  [
    "the lack of a judgement",
    { record: undefined },
    {
      gate: "NothingFailing",
      why: "no worker has judged this node yet: is a watcher running, and a worker?",
    },
  ],
  [
    "a selection that leaves it out",
    { record: undefined, fleet: { state: "Seen", health: fleetHealth([]), lookedAfter: false } },
    {
      gate: "NothingFailing",
      why: "it is not looked after: nodePools, includeControlPlane or includeVirtual leave it out",
    },
  ],
];

function intended(instanceId: string): Ledger {
  const intent = { instanceId, node: "any", pool: "pool-1", attempt: 1, token: "t", gpu: false };
  return withIntent(EMPTY, intent, 10 * MINUTE, { by: "worker", clocks: clocksOf([NOON - MINUTE]) });
}

describe("what holds a reboot back is named:", () => {
  test.each(BLOCKED)("%s", (_, over, blocker) => {
    expect(explain(input(over)).blocker).toMatchObject(blocker);
  });

  test("the first gate in order is the blocker, and the last end is the time of the reboot", () => {
    const ledger = { state: "Distrusted", why: "TooYoung", until: NOON + HOUR, ends: true } as const;
    const explained = explain(input({ record: YOUNG, ledger }));
    expect(explained.blocker?.gate).toBe("Threshold");
    expect(explained.next).toEqual({ step: "Reboot", at: NOON + HOUR });
  });

  test("beside a gate that names no end nothing promises a time of the reboot", () => {
    const explained = explain(
      input({ record: YOUNG, ledger: trusted(withPause(EMPTY, { level: "fleet" }, paused)) }),
    );
    expect(explained.next).toEqual({ step: "LookAgain", at: NOON + 45 * SECOND });
    const job = { state: "delayed", at: NOON + 5 * SECOND };
    const asked = explain(input({ ledger: trusted(withPause(EMPTY, { level: "fleet" }, paused)), job }));
    expect(asked.next).toEqual({ step: "LookAgain", at: NOON + 5 * SECOND });
  });

  test("a worker's word is heard where we see nothing: its rights, its clock or its network may be others", () => {
    for (const gate of ["Ledger", "Breaker", "Paused", "NodeUnreadable", "Deadline"] as const) {
      expect(explain(input({ job: sleepsOn(gate) })).blocker).toMatchObject({ gate, until: NOON + SECOND });
    }
  });

  test("a word on which nobody sleeps any more is no answer, and that nobody took the job is one", () => {
    const said = { waitsFor: "Ledger", why: "403", until: NOON - MINUTE };
    const job = { state: "delayed", at: NOON - MINUTE, said };
    expect(explain(input({ job })).blocker).toEqual({
      gate: "Queue",
      answer: "Holds",
      why: "it is due and no worker takes it: is one running?",
      since: NOON - MINUTE,
    });
    expect(explain(input({ job: { state: "delayed", at: NOON - 5 * SECOND } })).blocker).toBeUndefined();
  });

  test("a word that ended long before the job wakes up is not the one on which it sleeps", () => {
    const said = { waitsFor: "Ledger", why: "ClockSkew", until: NOON + SECOND };
    const job = (at: number) => ({ state: "delayed", at, said });
    expect(explain(input({ job: job(NOON + MINUTE) })).blocker).toBeUndefined();
    expect(explain(input({ job: job(NOON + 10 * SECOND) })).blocker).toMatchObject({ gate: "Ledger" });
  });

  test("a pending reboot that is missing, and a queue that somebody paused, hold", () => {
    expect(explain(input({ job: "Missing" })).blocker).toMatchObject({ gate: "Queue" });
    expect(explain(input({ pausedQueues: ["reboots"] })).blocker).toMatchObject({
      gate: "Queue",
      why: "somebody paused the queue reboots in Redis; resume it there",
    });
    expect(explain(input({ record: YOUNG, job: "Missing" })).blocker?.gate).toBe("Threshold");
  });

  test("a job's last word is heard only behind the gates that can be asked now", () => {
    const job = { state: "delayed", said: { waitsFor: "Cloud", why: "503" } };
    expect(explain(input({ record: YOUNG, job })).blocker?.gate).toBe("Threshold");
    expect(explain(input({ job })).blocker?.gate).toBe("Cloud");
  });

  test("a record of the other mode keeps its clocks and is held by Mode", () => {
    const monitoring = { ...RULES, policy: { ...ACTIVE, monitorOnly: true } };
    const explained = explain(
      input({ rules: monitoring, ledger: { ...trusted(EMPTY), state: "Simulated" } as never }),
    );
    expect(explained.blocker?.gate).toBe("Mode");
    expect(explained.failing[0]?.ran).toBe(6 * MINUTE);
  });
});

describe("a gate that could not be asked", () => {
  test("does not stand open: without the node", () => {
    const explained = explain(input({ node: { state: "Unread", why: "timeout" } }));
    for (const gate of ["Paused", "OptOut", "ForeignOwner", "PlannedWork"] as const) {
      expect(answer(explained, gate), gate).toMatchObject({ answer: "NotAsked", why: "timeout" });
    }
  });

  test("does not stand open: without the ledger", () => {
    const explained = explain(input({ ledger: { state: "Unread", why: "forbidden" } }));
    for (const gate of ["Paused", "Ledger", "CureRate", "Limit"] as const) {
      expect(answer(explained, gate), gate).toMatchObject({ answer: "NotAsked", why: "forbidden" });
    }
  });

  test("does not stand open: without the fleet", () => {
    const explained = explain(input({ fleet: { state: "Unread", why: "list broke" } }));
    for (const gate of ["Breaker", "Limit"] as const) {
      expect(answer(explained, gate), gate).toMatchObject({ answer: "NotAsked", why: "list broke" });
    }
  });

  test("holds nothing by itself, but a pause that is known counts without the rest", () => {
    const rules = withStorm("paused", { fleet: true, pools: [], nodes: [] });
    const explained = explain(input({ rules, node: { state: "Unread", why: "timeout" } }));
    expect(explained.blocker).toMatchObject({ gate: "Paused" });
  });
});

test("whatever is known, the blocker is the first gate that holds, and nothing is promised for the past", () => {
  const parts = BLOCKED.map(([, over]) => over);
  fc.assert(
    fc.property(fc.subarray(parts), (chosen) => {
      const explained = explain(input(Object.assign({}, ...chosen)));
      const first = explained.gates.find(({ answer: said }) => said === "Holds");
      expect(explained.blocker).toEqual(first);
      expect(explained.gates.map(({ gate }) => gate)).toEqual(GATES);
      const { next } = explained;
      expect(next.step === "None" ? NOON : next.at).toBeGreaterThanOrEqual(NOON);
      const holding = explained.gates.filter(({ answer: said }) => said === "Holds");
      expect(next.step === "Reboot", "a reboot is promised").toBe(holding.every(({ ends }) => ends === true));
    }),
  );
});
