import { beforeAll, describe, expect, test } from "vitest";
import { DAY, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { expectSample, SAMPLES, unnamedSamples } from "../../support/samples.ts";
import { SampleCluster } from "../../support/sample-cluster.ts";
import { sampleEvents, sampleExplanation } from "../../support/sample-explanation.ts";

const INSTANCE = "4774804b-8242-4cc7-92e5-ab1425627532";
const PAUSE = ["pause", "--pool", "workers", "--reason", "kernel upgrade, see OPS-31"];

/** What each command prints, by the name of its sample; made by the real commands, in the order of a story. */
async function printed(): Promise<Record<string, string>> {
  await using cluster = await SampleCluster.start();
  const missing = await cluster.run(["ledger", "show"]);
  const init = await cluster.run(["ledger", "init"]);
  // Old enough to be believed, and kept alive.
  await cluster.alive(42 * MINUTE);
  const pause = await cluster.run(PAUSE);
  cluster.clock.advance(25 * SECOND);
  await cluster.run(["pause", "--node", "w-07", "--reason", "waiting for the vendor"]);
  const resumePool = await cluster.run(["resume", "--pool", "workers"]);
  await cluster.run(["pause", "--reason", "etcd restore"]);
  const resume = await cluster.run(["resume"]);
  await cluster.run(["resume", "--node", "w-07"]);
  await cluster.rebooted("w-07", INSTANCE);
  cluster.clock.advance(42 * SECOND);
  const show = await cluster.run(["ledger", "show"]);
  const grant = await cluster.run([
    "grant",
    "--zone",
    "lon1-a",
    "--reason",
    "power is back, see OPS-40",
    "--for",
    "2h",
    "--force",
  ]);
  const accept = await cluster.run(["gpu", "accept", "gpu-07", "--reason", "GPU 3 sent back, RMA-17"]);
  cluster.clock.advance(7 * DAY);
  const end = await cluster.run(["gpu", "accept", "gpu-07", "--remove", "--reason", "GPU 3 is back"]);
  return {
    "ledger show without one": missing,
    "ledger init": init,
    pause,
    // The pause and its end, as they follow each other.
    "pause and resume": pause + withoutMessages(resumePool),
    resume,
    "ledger show": show,
    grant,
    "gpu accept": accept + end,
    explain: await sampleExplanation(),
    events: await sampleEvents(),
  };
}

/** Without what a command says on standard error: in this story another pause stands meanwhile. */
function withoutMessages(output: string): string {
  return output.replaceAll(/^node-agent: .*\n/gmu, "");
}

let outputs: Record<string, string> = {};
beforeAll(async () => {
  outputs = await printed();
});

describe("the samples of output in the documents", () => {
  test("are all named, so that each is held to what is really printed", () => {
    expect(unnamedSamples()).toEqual({});
    expect(SAMPLES.length).toBeGreaterThanOrEqual(9);
  });

  test.each(SAMPLES)("$file: $name", (sample) => {
    const output = outputs[sample.name];
    expect(output, `there is no sample "${sample.name}"`).toBeDefined();
    expectSample(sample, output ?? "");
  });

  test("are all shown somewhere", () => {
    expect(Object.keys(outputs).toSorted()).toEqual([...new Set(SAMPLES.map(({ name }) => name))].toSorted());
  });
});
