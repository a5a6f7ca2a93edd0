import type { QueuedReboot, RebootQueue } from "../ports/reboot-queue.ts";

/** The pending reboots in memory, as a test puts them there. */
export class MemoryRebootQueue implements RebootQueue {
  readonly jobs = new Map<string, QueuedReboot>();
  /** Nodes whose reboots were woken, in order. */
  readonly woken: string[] = [];

  async list(): Promise<readonly QueuedReboot[]> {
    return [...this.jobs.values()];
  }

  async wake(reboots: readonly QueuedReboot[]): Promise<void> {
    for (const reboot of reboots) {
      this.woken.push(reboot.node);
      const { at: _at, ...woken } = reboot;
      this.jobs.set(reboot.node, { ...woken, state: "Waiting" });
    }
  }

  async tell(words: readonly { readonly reboot: QueuedReboot; readonly progress: object }[]): Promise<void> {
    for (const { reboot, progress } of words) this.jobs.set(reboot.node, { ...reboot, progress });
  }
}
