import type { NodeSnapshot } from "../core/node.ts";
import type { EpochMillis } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Executor, RebootReceipt, RebootTarget, ResolveResult } from "../ports/executor.ts";

/** One reboot call as the cloud saw it. */
export interface RecordedCall {
  readonly target: RebootTarget;
  readonly at: EpochMillis;
}

/** A cloud in memory: answers as the test says, and remembers every call. */
export class MemoryExecutor implements Executor {
  readonly name = "memory";
  /** Every reboot call that reached the cloud, in order. */
  readonly calls: RecordedCall[] = [];
  /** How often a VM was asked for. */
  resolves = 0;
  /** Names the VM behind a node; by default the one of its provider id. */
  onResolve: (node: NodeSnapshot) => ResolveResult | Promise<ResolveResult> = (node) => ({
    ok: true,
    target: { instanceId: (node.providerId ?? node.name).replace("civo://", ""), hostname: node.name },
  });
  /** Answers a call; the call counts as made whatever comes back, except `NotSent`. */
  onReboot: (target: RebootTarget, signal: AbortSignal) => RebootReceipt | Promise<RebootReceipt> = () => ({
    outcome: "Accepted",
    detail: "202",
  });
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async readAhead(): Promise<void> {}

  async resolve(node: NodeSnapshot): Promise<ResolveResult> {
    this.resolves += 1;
    return this.onResolve(node);
  }

  async reboot(target: RebootTarget, signal: AbortSignal): Promise<RebootReceipt> {
    if (signal.aborted) return { outcome: "NotSent", detail: "aborted before the call" };
    const call = { target, at: this.#clock.now() };
    this.calls.push(call);
    const receipt = await this.onReboot(target, signal);
    if (receipt.outcome === "NotSent" || receipt.outcome === "Simulated") {
      this.calls.splice(this.calls.indexOf(call), 1);
    }
    return receipt;
  }
}
