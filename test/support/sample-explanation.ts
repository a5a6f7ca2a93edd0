import type { GateAnswer } from "@node-agent/shared/core/explain-gates.ts";
import type { Explanation } from "@node-agent/shared/core/explain.ts";
import { heldEvent } from "@node-agent/shared/core/event-story.ts";
import { emptyLedger, withPause } from "@node-agent/shared/core/ledger/steps.ts";
import { DAY, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { ledgerTimingsOf, policyOf } from "@node-agent/shared/runtime/config/config.ts";
import { explainNode } from "@node-agent/shared/runtime/explain-node.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { explanationText } from "../../packages/cli/src/explain-text.ts";
import { paletteFor, spanText } from "../../packages/cli/src/text.ts";
import { configOf } from "../unit/runtime/config/load-support.ts";
import { World } from "../unit/worker/world.ts";

const INSTANCE = "4774804b-8242-4cc7-92e5-ab1425627532";
const NODE = aNode("w-07")
  .label("kubernetes.civo.com/civo-node-pool", "workers")
  .providerId(`civo://${INSTANCE}`);
const CONFIG = configOf({
  env: {
    CIVO_NODE_AGENT_MONITOR_ONLY: "false",
    CIVO_API_KEY: "key",
    CIVO_REGION: "LON1",
    CIVO_CLUSTER_ID: "prod-eu",
  },
});

/** The kubelet of w-07 fell silent 9 s ago: default settings, active mode, and a clock that stands still. */
async function silentNode(): Promise<World> {
  const world = new World(policyOf(CONFIG));
  const { clock, store, ledger } = world;
  clock.jump(Date.UTC(2026, 10, 23, 9, 0, 0) - clock.now());
  // The world was made before: its ledger would look silent now.
  ledger.create(emptyLedger("cluster-1", "init", clock.now()), clock.now() - DAY);
  await store.beat(0);
  await world.seeAndJudge(NODE);
  await world.watch(8 * MINUTE + 36 * SECOND);
  await world.seeAndJudge(NODE.unknown());
  await world.watch(9 * SECOND);
  return world;
}

/** What `explain w-07` finds, by the code that the command uses, over twins of the stores. */
async function explained(world: World): Promise<Explanation> {
  const { clock, store, sequence, reader, lister, ledger, rules, workers, evidence } = world;
  const since = (await world.record("w-07"))?.failing.NodeReady?.since ?? 0;
  const { explanation } = await explainNode("w-07", {
    store,
    memory: sequence,
    pending: async () => ({
      state: "delayed",
      at: since + CONFIG.checkers.NodeReady.threshold,
      said: { waitsFor: "Threshold", why: "NodeReady has not failed for long enough" },
    }),
    pausedQueues: async () => [],
    reader,
    lister,
    selects: () => true,
    ledger,
    rules,
    timings: ledgerTimingsOf(CONFIG),
    clock,
    deadline: 10 * SECOND,
    workers,
    evidence,
    redisNodes: [],
    redisAddresses: async () => [],
  });
  return explanation;
}

/** What `explain w-07` prints. */
export async function sampleExplanation(): Promise<string> {
  const explanation = await explained(await silentNode());
  return `$ node-agent explain w-07\n${explanationText(explanation, paletteFor(false))}`;
}

/** What `kubectl describe node w-07` shows: the gate that held it at first, and a pause that came five minutes later. */
export async function sampleEvents(): Promise<string> {
  const world = await silentNode();
  const first = await eventOf(world, 1);
  await world.watch(4 * MINUTE + 48 * SECOND);
  const pause = { since: world.clock.now(), by: "admin (ann@desk)", reason: "kernel upgrade, see OPS-31" };
  const paused = withPause(await world.readLedger(), { level: "pool", name: "workers" }, pause);
  world.ledger.create(paused, world.clock.now() - DAY);
  const second = await eventOf(world, 2);
  world.clock.advance(12 * SECOND);
  const rows = [first, second].map(({ type, reason, at, message }) =>
    `  ${type.padEnd(7)}  ${reason}  ${spanText(world.clock.now() - at).padEnd(4)}  node-agent  ${message}`.trimEnd(),
  );
  return [
    "$ kubectl describe node w-07",
    "Events:",
    "  Type     Reason      Age   From        Message",
    "  ----     ------      ----  ----        -------",
    ...rows,
    "$ kubectl get events --field-selector reportingComponent=node-agent --sort-by=.lastTimestamp",
    "",
  ].join("\n");
}

/** The Event about the gate that holds now. */
async function eventOf(world: World, change: number) {
  const { blocker } = await explained(world);
  const record = await world.record("w-07");
  const event = record && blocker && heldEvent(record, stepOf(blocker), change, world.clock.now());
  if (event === undefined) throw new Error("nothing holds the node");
  return event;
}

function stepOf({ gate, why, until }: GateAnswer): {
  step: "WaitUntil";
  at: number;
  gate: GateAnswer["gate"];
  why: string;
} {
  return { step: "WaitUntil", at: until ?? 0, gate, why };
}
