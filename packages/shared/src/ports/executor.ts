import type { NodeSnapshot } from "../core/node.ts";

/** The VM behind a node, proven by exact identity (I6): provider id, host name, cluster. */
export interface RebootTarget {
  readonly instanceId: string;
  readonly hostname: string;
}

/** Why a node's VM could not be named or may not be rebooted now. None of these ever leads to a call. */
export type ResolveFailure =
  /** The cloud does not know the instance: the node is a ghost. Asked for and answered, not guessed. */
  | "NotFound"
  /** Provider id, host name or cluster do not agree, or two claimants exist. */
  | "IdentityMismatch"
  /** The instance exists but may not be rebooted in its present state (building, already rebooting ...). */
  | "BadState"
  /** Key, region or account refused. */
  | "Unauthorized"
  /** Our settings are wrong (region, cluster id). */
  | "Misconfigured"
  /** The cloud asks us to wait. */
  | "RateLimited"
  /** Network, timeout, 5xx: nothing is known. */
  | "Unavailable";

export type ResolveResult =
  | { readonly ok: true; readonly target: RebootTarget; readonly gpuCount?: number }
  | {
      readonly ok: false;
      readonly failure: ResolveFailure;
      readonly detail: string;
      readonly retryAfter?: number;
    };

/**
 * What came of one reboot call.
 * - `Accepted`: the cloud said yes.
 * - `Unknown`: a byte may have left us and no clear answer came back; counts as a reboot, is never repeated blindly.
 * - `NotSent`: no byte left this process (DNS, connect, TLS failure); may be tried again after a pause.
 * - `Rejected`: the cloud said no, clearly; no reboot happened.
 * - `Simulated`: monitor-only; nothing was called.
 */
export type RebootReceipt =
  | { readonly outcome: "Accepted" | "Unknown" | "NotSent" | "Simulated"; readonly detail: string }
  | {
      readonly outcome: "Rejected";
      readonly failure: ResolveFailure;
      readonly detail: string;
      readonly retryAfter?: number;
    };

/** Does the reboot. Neither method throws: every fault of a cloud is a value with a class. */
export interface Executor {
  readonly name: string;
  /** Reads what `resolve` needs and takes long, before the send deadline starts; `resolve` says what could not be read. */
  readAhead(signal: AbortSignal): Promise<void>;
  /** Names the VM behind the node, by what was read ahead and a fresh read of that one VM. */
  resolve(node: NodeSnapshot, signal: AbortSignal): Promise<ResolveResult>;
  /** Sends one reboot call, at most once per invocation. */
  reboot(target: RebootTarget, signal: AbortSignal): Promise<RebootReceipt>;
}
