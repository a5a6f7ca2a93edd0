import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { SPEED } from "./settings.ts";

const readySchema = z.object({
  ready: z.literal(true),
  civo: z.object({ url: z.string(), apiKey: z.string(), clusterId: z.string(), region: z.string() }),
  control: z.object({ url: z.string() }),
  kubeconfig: z.string(),
});

const nodesSchema = z
  .array(z.object({ name: z.string() }).loose())
  .or(z.object({ nodes: z.array(z.object({ name: z.string() }).loose()) }).transform(({ nodes }) => nodes));

/** The running simulator as the demo uses it. */
export interface Simulation {
  readonly kubeconfig: string;
  /** What a worker needs to reach the simulated cloud. */
  readonly env: NodeJS.ProcessEnv;
  readonly summary: string;
  /** A command that kills the kubelet of a standard node that nothing is wrong with; it works as often as it is given. */
  readonly breakAnother: string;
  /** Time for the first lists and judgements, so that the story starts with a healthy fleet. */
  settled(): Promise<void>;
  /** Breaks a standard node and a GPU node; tells what it did. */
  breakTwo(): Promise<readonly { readonly node: string; readonly what: string }[]>;
}

const POOLS = { standard: 6, gpu: 2 };

/** Starts the simulator through `launch` and waits until it is ready. Rejects when the signal fires first. */
export async function startSimulation(
  directory: string,
  signal: AbortSignal,
  launch: (args: readonly string[], onReady: (line: Readonly<Record<string, unknown>>) => void) => void,
): Promise<Simulation> {
  const { promise, resolve, reject } = Promise.withResolvers<z.infer<typeof readySchema>>();
  signal.addEventListener("abort", () => reject(new Error("stopped before the simulator was ready")), {
    once: true,
  });
  const kubeconfig = join(directory, "kubeconfig");
  const pools = `standard=${POOLS.standard},gpu=${POOLS.gpu}x8`;
  launch(
    [
      "--pools",
      pools,
      "--time-scale",
      String(SPEED),
      "--ledger",
      "node-agent-system/node-agent-ledger",
      "--write-kubeconfig",
      kubeconfig,
    ],
    (line) => {
      const ready = readySchema.safeParse(line);
      if (ready.success) resolve(ready.data);
    },
  );
  const { civo, control } = await promise;
  const nodes = nodesSchema.parse(await (await fetch(`${control.url}/nodes`)).json());
  const standard = nodes.find(({ name }) => name.includes("standard"))?.name ?? "";
  const gpu = nodes.find(({ name }) => name.includes("gpu"))?.name ?? "";
  return {
    kubeconfig,
    env: {
      CIVO_API_URL: civo.url,
      CIVO_API_KEY: civo.apiKey,
      CIVO_REGION: civo.region,
      CIVO_CLUSTER_ID: civo.clusterId,
    },
    summary: `${POOLS.standard} standard nodes and ${POOLS.gpu} GPU nodes with 8 GPUs each`,
    breakAnother: `curl -sS ${control.url}/commands -H 'content-type: application/json' -d '{"do":"break","pool":"standard","count":1,"fault":"kubelet-dead"}'`,
    settled: async () => delay(1500),
    breakTwo: async () => {
      await breakNode(control.url, standard, { fault: "kubelet-dead" });
      await breakNode(control.url, gpu, { fault: "lose-gpus", gpus: 2 });
      return [
        { node: standard, what: `the kubelet of ${standard} is dead` },
        { node: gpu, what: `${gpu} lost 2 of its 8 GPUs` },
      ];
    },
  };
}

async function breakNode(
  control: string,
  node: string,
  breakage: Readonly<Record<string, unknown>>,
): Promise<void> {
  const response = await fetch(`${control}/nodes/${node}/break`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(breakage),
  });
  if (!response.ok) throw new Error(`the simulator refused to break ${node}: ${await response.text()}`);
}
