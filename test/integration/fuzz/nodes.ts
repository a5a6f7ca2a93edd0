import { createCivoClient, createCivoExecutor } from "@node-agent/civo";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { judge } from "@node-agent/shared/core/judge.ts";
import { nextStep } from "@node-agent/shared/core/gates/list.ts";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { poolOf } from "@node-agent/shared/core/node.ts";
import { pausesOf } from "@node-agent/shared/core/pause.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import { snapshotFingerprint, toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { HOUR } from "@node-agent/shared/core/time.ts";
import { aNode as aHealthyNode } from "@node-agent/shared/testing/builders.ts";
import {
  anInstance,
  clientOptions,
  cloudOf,
  INSTANCE_ID,
  OTHER_ID,
  scriptedDispatch,
  testClock,
} from "../../unit/civo/support.ts";
import { mutated, type Fuzz } from "./hostile.ts";

const LARGEST_SNAPSHOT = 4096;
/** The host names of the cloud's instances. */
const VMS = new Map([
  [INSTANCE_ID, "node-1"],
  [OTHER_ID, "node-10"],
  ["11111111-1111-4111-8111-111111111111", "node-2"],
]);
const NOW = Date.UTC(2026, 0, 1);
const policy = { ...DEFAULT_POLICY, monitorOnly: false, blindGrace: 0 };
const rules = { policy, checkers: createCheckers(policy) };
const view = { now: NOW, observed: 10 * HOUR, age: 0 };

/** Node objects of any shape: read, judged, asked for their next step, and looked up in the cloud. */
export const hostileNodes: Fuzz = async (random, cases) => {
  const { executor } = cloud();
  const wrong: string[] = [];
  let usable = 0;
  const base = baseNodes();
  for (let i = 0; i < cases; i += 1) {
    const raw = mutated(random, base[random.integer(base.length)] ?? {}, 6);
    const result = toSnapshot(raw);
    if (!result.ok) continue;
    usable += 1;
    const { snapshot } = result;
    const bytes = Buffer.byteLength(JSON.stringify(snapshot));
    if (bytes > LARGEST_SNAPSHOT) wrong.push(`a snapshot of ${bytes} bytes`);
    snapshotFingerprint(snapshot);
    judgeTwice(snapshot, wrong);
    if (i % 10 === 0) await lookUp(snapshot, executor, wrong);
  }
  return { wrong, told: `${usable} had an identity` };
};

/** A node seen for the first time is never due, and a verdict is of the closed set. */
function judgeTwice(snapshot: NodeSnapshot, wrong: string[]): void {
  const first = judge(snapshot, { record: undefined, damaged: false }, rules, view);
  const again = judge(snapshot, { record: first.after, damaged: false }, rules, view);
  if (again.changed) wrong.push(`judging ${JSON.stringify(snapshot)} again changes the record`);
  const pool = poolOf(snapshot);
  const { step } = nextStep({
    record: again.after,
    policy,
    now: NOW,
    observed: view.observed,
    viewAge: 0,
    pauses: pausesOf({ name: snapshot.name, pool, snapshot }, policy.paused, undefined),
    node: snapshot,
  });
  if (step === "CallExecutor") wrong.push(`${JSON.stringify(snapshot)} is due at first sight`);
}

/** A VM is named only for the node that is its own by id and by name. */
async function lookUp(
  snapshot: NodeSnapshot,
  executor: ReturnType<typeof createCivoExecutor>,
  wrong: string[],
): Promise<void> {
  const found = await executor.resolve(snapshot, new AbortController().signal);
  if (!found.ok) return;
  const { name, providerId = "" } = snapshot;
  const { instanceId } = found.target;
  const byId = providerId === "" || providerId === `civo://${instanceId}`;
  if (VMS.get(instanceId) !== name || !byId) wrong.push(`${name} (${providerId}) led to ${instanceId}`);
}

function baseNodes(): object[] {
  const well = aHealthyNode("node-1").providerId(`civo://${INSTANCE_ID}`);
  return [well.raw(), well.notReady().raw(), aHealthyNode("node-2").providerId(`civo://${OTHER_ID}`).raw()];
}

function cloud() {
  const listed = [...VMS].map(([id, hostname]) => anInstance({ id, hostname }));
  const script = cloudOf(listed);
  const { dispatcher, requests } = scriptedDispatch((request) => {
    requests.length = 0;
    return script(request);
  });
  const client = createCivoClient(clientOptions({ clock: testClock().clock, dispatcher }));
  return { executor: createCivoExecutor({ client }) };
}
