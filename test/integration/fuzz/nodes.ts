import { createCivoClient, createCivoExecutor } from "@node-agent/civo";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { snapshotFingerprint, toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { aNode as aHealthyNode } from "@node-agent/shared/testing/builders.ts";
import {
  anInstance,
  clientOptions,
  cloudOf,
  INSTANCE_ID,
  OTHER_ID,
  readingAhead,
  scriptedDispatch,
  testClock,
} from "../../unit/civo/support.ts";
import { mutated, type Fuzz } from "./hostile.ts";
import { live, withExtras } from "./node-life.ts";

const LARGEST_SNAPSHOT = 4096;
/** The host names of the cloud's instances. */
const VMS = new Map([
  [INSTANCE_ID, "node-1"],
  [OTHER_ID, "node-10"],
  ["11111111-1111-4111-8111-111111111111", "node-2"],
]);
/** Minutes of looks: before any threshold, past that of NodeReady, past all of them. */
const MINUTES = [0, 4, 6, 31, 90];
const LAST = MINUTES.at(-1) ?? 0;

/** Node objects of any shape: read, judged through a life in which they could become due, and looked up in the cloud. */
export const hostileNodes: Fuzz = async (random, cases) => {
  const { executor } = cloud();
  const wrong: string[] = [];
  const count = { usable: 0, due: 0 };
  const base = baseNodes();
  const [well = {}, sick = {}] = base;
  for (let i = 0; i < cases; i += 1) {
    const raw = mutated(random, base[random.integer(base.length)] ?? {}, 6);
    const result = toSnapshot(raw);
    if (result.ok) {
      count.usable += 1;
      const { snapshot } = result;
      const bytes = Buffer.byteLength(JSON.stringify(snapshot));
      if (bytes > LARGEST_SNAPSHOT) wrong.push(`a snapshot of ${bytes} bytes`);
      snapshotFingerprint(snapshot);
      if (liveHostile(snapshot, snapshotOf(well), wrong)) count.due += 1;
      if (i % 10 === 0) await lookUp(snapshot, executor, wrong);
    }
    if (i % 4 === 0) liveWithExtras(withExtras(random, well), false, wrong);
    if (i % 4 === 2) liveWithExtras(withExtras(random, sick), true, wrong);
  }
  if (cases >= 1000 && count.due === 0) wrong.push("nothing ever became due");
  return { wrong, told: `${count.usable} had an identity, ${count.due} of them became due` };
};

/** Due is only what fails and has failed since the first look, and no node that is well; true when it became due. */
function liveHostile(snapshot: NodeSnapshot, well: NodeSnapshot, wrong: string[]): boolean {
  const looks = MINUTES.map((minute) => ({ minute, snapshot }));
  const seen = live(snapshot.name === well.name ? [...looks, { minute: LAST + 1, snapshot: well }] : looks);
  const told = JSON.stringify(snapshot);
  if (!seen.every(({ isStable }) => isStable)) wrong.push(`judging ${told} again changes the record`);
  if (seen[0]?.isDue === true) wrong.push(`${told} is due at first sight`);
  if (seen.some(({ isDue, isSick }) => isDue && !isSick)) wrong.push(`${told} is due and fails no check`);
  if (seen.length > looks.length && seen.at(-1)?.isDue === true) wrong.push(`well again and due: ${told}`);
  return seen.some(({ isDue }) => isDue);
}

/** Whatever else a node says of itself, it is due when it is not ready for its threshold, and never else. */
function liveWithExtras(raw: object, isSick: boolean, wrong: string[]): void {
  const seen = live(MINUTES.map((minute) => ({ minute, snapshot: snapshotOf(raw) })));
  const due = seen.map(({ isDue }) => isDue);
  const expected = MINUTES.map((minute) => isSick && minute >= 5);
  if (due.join() !== expected.join())
    wrong.push(`${isSick ? "sick" : "well"}, due ${due.join()}: ${JSON.stringify(raw).slice(0, 2000)}`);
}

function snapshotOf(raw: object): NodeSnapshot {
  const result = toSnapshot(raw);
  if (!result.ok) throw new Error(`${result.error}: ${JSON.stringify(raw).slice(0, 2000)}`);
  return result.snapshot;
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
  const { clock } = testClock();
  const client = createCivoClient(clientOptions({ clock, dispatcher }));
  return { executor: readingAhead(createCivoExecutor({ client, clock })) };
}
