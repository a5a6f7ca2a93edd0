import { blindBehind } from "./explain-behind.ts";
import { defined } from "./defined.ts";
import { firstDue } from "./due.ts";
import { foreignHold } from "./foreign-hold.ts";
import type { ExplainInput } from "./explain-input.ts";
import type { Hosting } from "./hosting.ts";
import { GATES, type GateInput, type GateName, type GateVerdict } from "./gates/gate.ts";
import { gateVerdicts } from "./gates/list.ts";
import { isWork } from "./planned-work.ts";
import { endOf } from "./pause.ts";
import type { NodeRecord } from "./record.ts";
import { MINUTE, SECOND, type EpochMillis, type Millis } from "./time.ts";
import { workOn } from "./work-on-node.ts";

/** One gate's answer: it lets pass, it holds, or it could not be asked. `until` is when it ends by itself (`ends`), or else when it is asked again. */
export interface GateAnswer {
  readonly gate: GateName;
  readonly answer: "Open" | "Holds" | "NotAsked";
  readonly why: string;
  readonly since?: EpochMillis;
  readonly until?: EpochMillis;
  readonly ends?: boolean;
}

/** The gate holds the reboot. */
export function holds({ answer }: GateAnswer): boolean {
  return answer === "Holds";
}

/** Every gate of the closed set, in its order: the pure ones asked now, those of the world by the job's last word. */
export function answersOf(input: ExplainInput, gates: GateInput | undefined): GateAnswer[] {
  const pure = new Map(
    gates === undefined ? [] : gateVerdicts(gates).map((verdict) => [verdict.gate, verdict]),
  );
  const nobody = nobodyAsks(input);
  return GATES.map((gate): GateAnswer => {
    if (gate === "NothingFailing" && nobody !== undefined) return { gate, answer: "Holds", why: nobody };
    if (gate === "Queue") return queueAnswer(input);
    const behind = gate === "Blind" ? blindBehind(input) : undefined;
    if (behind !== undefined) return behind;
    const verdict = pure.get(gate);
    const own = ownAnswer(gate, verdict, input, gates);
    // A worker may see what we do not: by its rights, its clock or its network. What it waits for is what holds.
    return holds(own) ? own : (lastWord(gate, input) ?? own);
  });
}

function ownAnswer(
  gate: GateName,
  verdict: GateVerdict | undefined,
  input: ExplainInput,
  gates: GateInput | undefined,
): GateAnswer {
  if (verdict !== undefined && gates !== undefined)
    return pureAnswer(verdict, { input, record: gates.record, gates });
  if (gate === "NodeUnreadable") return unreadable(input);
  const why = WORLD_GATES.has(gate) ? "asked by a worker when it is about to call" : NEVER_JUDGED;
  return { gate, answer: "NotAsked", why };
}

const NEVER_JUDGED = "no worker has judged this node";
const WORLD_GATES: ReadonlySet<GateName> = new Set(["Cloud", "RateLimit", "Deadline"]);

/** Why no reboot of this node can be pending at all, though a look from here might find it sick. */
function nobodyAsks({ node, record, damaged, fleet }: ExplainInput): string | undefined {
  if (node.state === "Gone") return "the node no longer exists";
  if (record !== undefined) return undefined;
  if (damaged) return "its record in Redis cannot be read; the next judgement begins anew";
  if (fleet.state === "Seen" && !fleet.lookedAfter)
    return "it is not looked after: nodePools, includeControlPlane or includeVirtual leave it out";
  return `${NEVER_JUDGED} yet: is a watcher running, and a worker?`;
}

function pureAnswer({ gate, open, why, until, ends }: GateVerdict, asked: Asked): GateAnswer {
  if (open) {
    const unasked = unaskedBecause(gate, asked.input);
    return { gate, answer: unasked === undefined ? "Open" : "NotAsked", why: unasked ?? why };
  }
  const since = SINCE[gate]?.(asked) ?? saidSince(gate, asked.input);
  const end = gate === "Paused" ? endOf(asked.gates.pauses ?? []) : undefined;
  return {
    gate,
    answer: "Holds",
    why,
    ...defined({ since }),
    ...(until === undefined
      ? {}
      : { until: end ?? until, ends: end !== undefined || ends === true || (ENDS[gate]?.(asked) ?? false) }),
  };
}

/** A gate that stands open only because what it judges by was not read has said nothing. */
function unaskedBecause(
  gate: GateName,
  { node, fleet, ledger, hosting, evidence }: ExplainInput,
): string | undefined {
  const noNode = node.state === "Unread" ? node.why : undefined;
  const noFleet = fleet.state === "Unread" ? fleet.why : undefined;
  const noLedger = ledger.state === "Unread" ? ledger.why : undefined;
  const noHosting = hosting.state === "Unread" ? hosting.why : unknownRedis(hosting.hosting);
  const untrusted = ledger.state === "Distrusted" ? "the ledger is not trusted now" : undefined;
  const missing: Readonly<Partial<Record<GateName, string | undefined>>> = {
    Paused: noNode ?? noLedger,
    NotSelected: noNode,
    OptOut: noNode,
    ForeignOwner: noNode,
    PlannedWork: noNode,
    Breaker: noFleet,
    Ledger: noLedger,
    OwnNode: noHosting,
    PodEvidence: evidence?.pods.state === "Read" ? undefined : evidence?.pods.why,
    CureRate: noLedger ?? untrusted,
    Limit: noLedger ?? untrusted ?? noFleet,
    Identity: noNode ?? noFleet,
  };
  return missing[gate];
}

function unknownRedis({ redis }: Hosting): string | undefined {
  return redis === undefined ? "nobody can tell from here whether Redis runs on it" : undefined;
}

/** What a gate that keeps no time of its own said to the pending reboot. */
function saidSince(gate: GateName, { job }: ExplainInput): EpochMillis | undefined {
  const said = job === undefined || job === "Missing" ? undefined : job.said;
  return said?.waitsFor === gate ? said.since : undefined;
}

/** What a gate judged by. */
interface Asked {
  readonly input: ExplainInput;
  readonly record: NodeRecord;
  readonly gates: GateInput;
}

/** Since when a gate holds, where that is known. */
const SINCE: Readonly<Partial<Record<GateName, (asked: Asked) => EpochMillis | undefined>>> = {
  NothingFailing: ({ record }) => (record.phase === "Healthy" ? record.phaseSince : undefined),
  Paused: ({ gates }) => gates.pauses?.[0]?.since,
  ForeignOwner: ({ gates: { node, record, policy, now } }) =>
    node === undefined ? undefined : foreignHold(node, record.marks, policy, now)?.since,
  PlannedWork: ({ gates: { node, record, policy, now } }) => {
    const works = node === undefined ? [] : workOn(node, record.marks, policy.plannedWork, now);
    return works.find(({ state, stuck }) => isWork(state) && !stuck)?.since;
  },
  Blind: ({ input: { now, viewAge, viewSteady = 0 }, gates: { policy } }) => {
    if (viewAge === undefined) return undefined;
    return viewAge > policy.viewMaxAge ? now - viewAge : now - viewSteady;
  },
  Attempts: ({ record }) => (record.phase === "Failed" ? record.phaseSince : undefined),
  WaitWindow: ({ record, input: { ledger, instanceId = "" } }) =>
    record.lastReboot?.intendedAt ??
    ("ledger" in ledger ? ledger.ledger?.entries.get(instanceId)?.at : undefined),
  Threshold: ({ gates: { record, policy, observed } }) => {
    const due = firstDue(record, policy, observed);
    return due === undefined ? undefined : record.failing[due.checker]?.since;
  },
  Settle: ({ record }) => record.bootSeenAt,
  Ledger: ({ input: { ledger } }) => (ledger.state === "Distrusted" ? ledger.since : undefined),
};

/** Gates whose `until` may be their end though more than time can end them. */
const ENDS: Readonly<Partial<Record<GateName, (asked: Asked) => boolean>>> = {
  Ledger: ({ input: { ledger } }) => ledger.state === "Distrusted" && ledger.ends,
  Limit: ({ gates }) => gates.ledger?.limit?.until !== undefined,
};

function unreadable({ node }: ExplainInput): GateAnswer {
  const gate = "NodeUnreadable";
  if (node.state !== "Unread") return { gate, answer: "Open", why: "it was read just now" };
  return { gate, answer: "Holds", why: node.why };
}

/** A pending reboot that is due for so long is taken by nobody. */
const OVERDUE: Millis = 15 * SECOND;
/** After so long without a plan no worker makes one. */
const UNPLANNED: Millis = MINUTE;
/** Words with which a pending reboot ends: nothing waits for them. */
const LAST_WORDS: ReadonlySet<GateName> = new Set(["NothingFailing", "ActionNone", "Attempts"]);

/** What the pending reboot said when it last ran, while it still sleeps on that. */
function lastWord(gate: GateName, { job, now }: ExplainInput): GateAnswer | undefined {
  if (job === undefined || job === "Missing" || LAST_WORDS.has(gate)) return undefined;
  const { said, at } = job;
  if (said?.waitsFor !== gate) return undefined;
  const { why, until, since } = said;
  if ((at ?? until ?? now) < now - OVERDUE) return undefined;
  // It sleeps for longer than it said: somebody else's word sent it to sleep.
  if (at !== undefined && until !== undefined && at > until + OVERDUE) return undefined;
  const ends = gate === "RateLimit";
  // A plan names no time for what ends when something changes: it is made again within seconds.
  const when = { ...defined({ since }), until: until ?? now, ends };
  return { gate, answer: "Holds", why, ...when };
}

/** Whether anybody runs the pending reboot: an alarm clock that nobody hears is no alarm. */
function queueAnswer({ job, now, record, plannedAt = now, pausedQueues = [] }: ExplainInput): GateAnswer {
  const gate = "Queue";
  const [paused] = pausedQueues;
  if (paused !== undefined) {
    return { gate, answer: "Holds", why: `somebody paused the queue ${paused} in Redis; resume it there` };
  }
  const pending = record?.phase === "Unhealthy" || record?.phase === "WaitingReboot";
  if (!pending || job === undefined) return { gate, answer: "NotAsked", why: "no reboot is pending" };
  if (job === "Missing") {
    const why = "there is no pending reboot on the queue; the next resync makes one, if a watcher runs";
    return { gate, answer: "Holds", why };
  }
  const { at, state } = job;
  if (at !== undefined && at < now - OVERDUE) {
    return { gate, answer: "Holds", why: "it is due and no worker takes it: is one running?", since: at };
  }
  if (plannedAt === "Never" || now - plannedAt > UNPLANNED) {
    const since = plannedAt === "Never" ? {} : { since: plannedAt };
    return { gate, answer: "Holds", why: "no worker plans the repairs: is one running?", ...since };
  }
  return { gate, answer: "Open", why: `the pending reboot is ${state}` };
}
