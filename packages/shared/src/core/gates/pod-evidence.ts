import type { CheckerName } from "../check.ts";
import { askingCheckers } from "../due.ts";
import { driversIn, type AgentPod, type NodeEvidence, type PodFact } from "../node-evidence.ts";
import type { EpochMillis } from "../time.ts";
import { open, shut, type Gate, type GateInput } from "./gate.ts";

/** Checkers that judge by what an agent on the node reports, and not by the machine itself. */
const AGENT_OF: Readonly<Partial<Record<CheckerName, AgentPod>>> = { GPU: "DevicePlugin", Cilium: "Cilium" };

/** Why a failure is not the machine's, and until when that holds if it can be told. */
interface Excuse {
  readonly why: string;
  readonly until?: EpochMillis;
}

/** The failing checkers that ask for a repair now, because their threshold has passed. */
function dueCheckers({ record, policy, observed }: GateInput): CheckerName[] {
  return askingCheckers(record, policy).filter((name) => {
    const began = record.failing[name]?.sinceObserved ?? Infinity;
    return observed - began >= policy.checkers[name].threshold;
  });
}

/** The evidence is worth reading: only checkers that judge by an agent ask for the repair. */
export function wantsEvidence(input: GateInput): boolean {
  const asking = dueCheckers(input);
  return asking.length > 0 && asking.every((name) => AGENT_OF[name] !== undefined);
}

/** The agent that a checker judges by is absent, was just created, or works: the machine is not to blame. */
export const podEvidence: Gate = (input) => {
  if (!wantsEvidence(input)) return open("PodEvidence", "the failure does not depend on an agent's pod");
  const { evidence, policy, now } = input;
  if (evidence === undefined) return open("PodEvidence", "the pods were not read yet");
  const excuses = dueCheckers(input).map((name) => excuseOf(name, evidence, input));
  const [first] = excuses;
  if (first === undefined || excuses.includes(undefined)) return open("PodEvidence", openWhy(evidence));
  return shut("PodEvidence", first.why, first.until ?? now + policy.viewMaxAge);
};

function openWhy({ pods }: NodeEvidence): string {
  return pods.state === "Read" ? "the agent's pod does not explain the failure" : pods.why;
}

function excuseOf(name: CheckerName, evidence: NodeEvidence, input: GateInput): Excuse | undefined {
  if (name === "GPU") {
    const [driver] = driversIn(evidence);
    if (driver !== undefined) return { why: `the DRA driver ${driver} allocates its GPUs` };
  }
  const { pods } = evidence;
  const { policy, now } = input;
  // A fact that could not be read is asked for again soon; one that may not be read is left out.
  if (pods.state === "Unread") return { why: pods.why, until: now + policy.viewMaxAge / 6 };
  if (pods.state !== "Read") return undefined;
  const own = pods.value.filter(({ agent }) => agent === AGENT_OF[name]);
  return name === "GPU" ? devicePluginExcuse(own, input) : ciliumExcuse(own, input);
}

function devicePluginExcuse(pods: readonly PodFact[], input: GateInput): Excuse | undefined {
  if (pods.some(({ crashing }) => crashing)) return undefined;
  // Some units are allocatable, so a plugin reports: what it reports is evidence, wherever it runs.
  const nothingOffered = input.record.failing.GPU?.reason === "NoAllocatableGPU";
  if (pods.length === 0) {
    const why = "no device plugin pod on the node: a missing plugin is no broken GPU; deploy it";
    return nothingOffered ? { why } : undefined;
  }
  return createdExcuse(pods, "GPU", input) ?? imageExcuse(pods);
}

function ciliumExcuse(pods: readonly PodFact[], input: GateInput): Excuse | undefined {
  const ready = pods.find((pod) => pod.ready);
  if (ready !== undefined) return { why: `Cilium's agent ${ready.name} is Ready: the taint is left over` };
  if (pods.length === 0) return { why: "no Cilium agent pod on the node: Cilium is not installed there" };
  if (pods.some(({ crashing }) => crashing)) return undefined;
  return createdExcuse(pods, "Cilium", input) ?? imageExcuse(pods);
}

/** A pod that replaced another one a moment ago gets as long as the checker's threshold to come up. */
function createdExcuse(
  pods: readonly PodFact[],
  checker: CheckerName,
  { policy, now }: GateInput,
): Excuse | undefined {
  const youngest = pods.toSorted((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0))[0];
  if (youngest?.createdAt === undefined) return undefined;
  // A creation in the future is another clock's: it holds no longer than a pod of now.
  const until = Math.min(youngest.createdAt, now) + policy.checkers[checker].threshold;
  return until > now ? { why: `pod ${youngest.name} was just created`, until } : undefined;
}

function imageExcuse(pods: readonly PodFact[]): Excuse | undefined {
  const pod = pods.find(({ imageMissing }) => imageMissing);
  return pod === undefined ? undefined : { why: `the image of pod ${pod.name} cannot be pulled` };
}
