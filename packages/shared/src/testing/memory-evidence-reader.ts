import type { NodeEvidence, PodFact } from "../core/node-evidence.ts";
import type { EvidenceReader } from "../ports/node-evidence.ts";

const NOT_PERMITTED = { state: "NotPermitted", why: "this process may not list pods" } as const;

/** Pods and ResourceSlices in memory; by default nothing may be read. */
export class MemoryEvidenceReader implements EvidenceReader {
  /** Every node that was looked at, in order. */
  readonly reads: string[] = [];
  #evidence: NodeEvidence = { pods: NOT_PERMITTED, gpuDrivers: NOT_PERMITTED };

  pods(...pods: readonly PodFact[]): void {
    this.#evidence = { ...this.#evidence, pods: { state: "Read", value: pods } };
  }

  drivers(...drivers: readonly string[]): void {
    this.#evidence = { ...this.#evidence, gpuDrivers: { state: "Read", value: drivers } };
  }

  fails(why: string): void {
    this.#evidence = { ...this.#evidence, pods: { state: "Unread", why } };
  }

  async read(node: string): Promise<NodeEvidence> {
    this.reads.push(node);
    return this.#evidence;
  }
}
