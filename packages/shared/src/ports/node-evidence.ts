import type { NodeEvidence } from "../core/node-evidence.ts";

/** Reads what the pods and ResourceSlices of a node say. */
export interface EvidenceReader {
  /** Never throws: what could not be read is a value of its own. */
  read(node: string, signal: AbortSignal): Promise<NodeEvidence>;
}
