import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectKubernetes, createConfigMapLedger } from "@node-agent/kubernetes";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import { LEDGER_TIMINGS } from "@node-agent/shared/core/ledger/timings.ts";
import { withHeartbeat, withIntent, withOutcome } from "@node-agent/shared/core/ledger/steps.ts";
import { MINUTE, type Millis } from "@node-agent/shared/core/time.ts";
import { ManualClock } from "@node-agent/shared/testing/manual-clock.ts";
import { runCli } from "../../packages/cli/src/run.ts";
import { startSimulator, type Simulator } from "../../packages/simulator/src/simulator.ts";

/** When the clock of the sample cluster starts. */
const SAMPLE_START = Date.UTC(2026, 10, 23, 9, 7, 42);
const LEDGER = { namespace: "default", name: "node-agent-ledger" };

/** A simulated cluster with the pools `workers` and `gpu`, whose clock stands still: the same commands always print the same. */
export class SampleCluster implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly #simulator: Simulator;
  readonly #dir: string;

  private constructor(clock: ManualClock, simulator: Simulator, dir: string) {
    this.clock = clock;
    this.#simulator = simulator;
    this.#dir = dir;
    writeFileSync(join(dir, "kubeconfig.yaml"), simulator.kubeconfig());
  }

  static async start(): Promise<SampleCluster> {
    const clock = new ManualClock(SAMPLE_START);
    const dir = mkdtempSync(join(tmpdir(), "node-agent-samples-"));
    // A certificate of the past would be refused by the clock of this machine.
    const pools = [
      { name: "workers", id: "workers", count: 2, nodeNames: ["w-07", "w-08"] },
      { name: "gpu", id: "gpu", count: 1, gpus: 7, nodeNames: ["gpu-07"] },
    ];
    const simulator = await startSimulator({ clock, pools, tls: false, seed: 1 });
    return new SampleCluster(clock, simulator, dir);
  }

  /** Runs a command line as an operator does and returns all of it: command, data and messages, in their order. */
  async run(argv: readonly string[]): Promise<string> {
    const config = join(this.#dir, "agent.yaml");
    writeFileSync(
      config,
      JSON.stringify({
        cluster: "prod-eu",
        monitorOnly: false,
        kubeconfig: join(this.#dir, "kubeconfig.yaml"),
        ledger: LEDGER,
      }),
    );
    let printed = "";
    const print = (text: string): void => void (printed += text);
    await runCli([...argv, "--config", config], {
      env: {},
      out: print,
      err: print,
      isTty: false,
      clock: this.clock,
      readFile: (path) => readFileSync(path, "utf8"),
      who: "ann@desk",
    });
    return `$ node-agent ${argv.map(quoted).join(" ")}\n${printed}`;
  }

  /** A worker rebooted the VM of a node, and it was cured. */
  async rebooted(node: string, instanceId: string): Promise<void> {
    await this.#write((ledger) => {
      const writer = { by: "worker-1/17", clocks: clocksOf([this.clock.now()]) };
      const intent = {
        instanceId,
        node,
        pool: "workers",
        checker: "NodeReady",
        attempt: 1,
        token: "t",
        gpu: false,
      } as const;
      return withIntent(ledger, intent, 11 * MINUTE, writer);
    });
    this.clock.advance(12 * MINUTE);
    await this.#write((ledger) => {
      const writer = { by: "worker-1/17", clocks: clocksOf([this.clock.now()]) };
      return withOutcome(ledger, instanceId, "t", "Cured", writer, LEDGER_TIMINGS);
    });
  }

  /** Workers keep the ledger alive while time passes. */
  async alive(span: Millis): Promise<void> {
    for (let left = span; left > 0; left -= 3 * MINUTE) {
      this.clock.advance(Math.min(left, 3 * MINUTE));
      await this.#write((ledger) =>
        withHeartbeat(ledger, { by: "worker-2/9", clocks: clocksOf([this.clock.now()]) }),
      );
    }
  }

  async #write(change: (ledger: Ledger) => Ledger): Promise<void> {
    const kubeconfig = join(this.#dir, "kubeconfig.yaml");
    const connection = connectKubernetes({ kubeconfig, userAgent: "samples", clock: this.clock });
    try {
      const store = createConfigMapLedger(connection, LEDGER);
      const reading = await store.read();
      if (reading.state !== "Found") throw new Error(reading.why);
      const { outcome } = await store.compareAndWrite(change(reading.ledger), reading.version);
      if (outcome !== "Written") throw new Error(`the ledger was not written: ${outcome}`);
    } finally {
      await connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#simulator.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** A word as a shell needs it. */
function quoted(word: string): string {
  return /^[\w./=-]+$/u.test(word) ? word : `"${word}"`;
}
