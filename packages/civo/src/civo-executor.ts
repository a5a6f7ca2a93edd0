import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type {
  Executor,
  RebootReceipt,
  RebootTarget,
  ResolveFailure,
  ResolveResult,
} from "@node-agent/shared/ports/executor.ts";
import type { CivoInstance } from "./answer.ts";
import type { CivoClient } from "./client.ts";
import type { CivoFault, CivoFaultClass, CivoResult } from "./fault.ts";
import { instanceIdOf, isInstanceId } from "./instance-id.ts";
import { Inventory, namesNode, type Instances } from "./inventory.ts";

/** What the executor is made of. */
export interface CivoExecutorOptions {
  readonly client: CivoClient;
  readonly clock: Clock;
  /** Told of each list of instances that was asked for, and how long that took. */
  readonly onList?: (result: ResolveFailure | "Success", took: Millis) => void;
}

const failureOfClass: Readonly<Record<CivoFaultClass, ResolveFailure>> = {
  auth: "Unauthorized",
  config: "Misconfigured",
  not_found: "NotFound",
  bad_state: "BadState",
  capacity: "Unavailable",
  rate_limited: "RateLimited",
  transient: "Unavailable",
};

/** Failures that a list from before the latest change of the cluster can lead to. */
const MAYBE_OLD: ReadonlySet<ResolveFailure> = new Set(["NotFound", "IdentityMismatch", "Unavailable"]);

/**
 * Reboots the Civo instance behind a node, and only that one (I6). The node's provider id, or without one its exact host
 * name, must lead to a single ACTIVE instance of our cluster whose host name is the node's name. The proof is a read of
 * that one instance by its exact id; that it belongs to the cluster, and that no other instance has the node's name, is
 * told by the inventory, which was read before and is at most a minute old. Without an inventory nothing is named.
 *
 * Next to a provider id the host name is compared without letter case, since kubelets write node names in lower case.
 * Without a provider id the host name is the only evidence, and must be exact.
 */
export function createCivoExecutor({ client, clock, onList }: CivoExecutorOptions): Executor {
  const inventory = new Inventory({
    client,
    clock,
    onRead: (fault, took) => onList?.(fault === undefined ? "Success" : failureOfClass[fault.class], took),
  });
  return {
    name: "civo",
    readAhead: async (signal) => inventory.readAhead(signal),
    resolve: async (node, signal) => {
      const { providerId } = node;
      const isUnnamed = providerId === undefined || providerId === "";
      const id = isUnnamed ? undefined : instanceIdOf(providerId);
      if (!isUnnamed && id === undefined)
        return failed("IdentityMismatch", "the provider id is not civo://<instance id>");
      const look = inventory.look();
      if (!look.ok) return listFailed(look.fault);
      const resolved = await (id === undefined
        ? resolveByHostname(client, node, look.instances, signal)
        : resolveById(client, node, id, look.instances, signal));
      if (!resolved.ok && MAYBE_OLD.has(resolved.failure)) inventory.doubt();
      return resolved;
    },
    reboot: async (target, signal) => receiptOf(await client.hardReboot(target.instanceId, signal)),
  };
}

async function resolveById(
  client: CivoClient,
  node: NodeSnapshot,
  id: string,
  instances: Instances,
  signal: AbortSignal,
): Promise<ResolveResult> {
  const fresh = await client.getInstance(id, signal);
  const members = instances.byId(id);
  const claimants = instances.claimants(node);
  if (members.length === 0) return resolveAbsent(id, claimants, fresh);
  return judge(node, id, { members, claimants, fresh });
}

async function resolveByHostname(
  client: CivoClient,
  node: NodeSnapshot,
  instances: Instances,
  signal: AbortSignal,
): Promise<ResolveResult> {
  const claimants = instances.claimants(node);
  const [claimant] = claimants;
  if (claimant === undefined) return failed("NotFound", "no instance of the cluster has the node's name");
  const { id, hostname } = claimant;
  if (hostname !== node.name && claimants.length === 1) {
    return failed(
      "IdentityMismatch",
      `instance ${shown(id)} has the host name ${shown(hostname)}: without a provider id the letter case must match too`,
    );
  }
  if (!isInstanceId(id))
    return failed("IdentityMismatch", "the instance with the node's name has no valid id");
  const members = instances.byId(id);
  return judge(node, id, { members, claimants, fresh: await client.getInstance(id, signal) });
}

/** The list of the cluster succeeded and does not hold the id: a ghost, unless anything contradicts that. */
function resolveAbsent(
  id: string,
  claimants: readonly CivoInstance[],
  fresh: CivoResult<CivoInstance>,
): ResolveResult {
  const [claimant] = claimants;
  if (claimant !== undefined) {
    return failed(
      "IdentityMismatch",
      `the node's name belongs to instance ${shown(claimant.id)}, not to ${id}`,
    );
  }
  if (fresh.ok) return failed("IdentityMismatch", `instance ${id} is not a member of the cluster`);
  if (fresh.error.class === "not_found") return failed("NotFound", `instance ${id} does not exist`);
  return faultFailed(fresh.error);
}

/** What the cloud told of one id and one name. */
interface Evidence {
  readonly members: readonly CivoInstance[];
  readonly claimants: readonly CivoInstance[];
  readonly fresh: CivoResult<CivoInstance>;
}

/** Says yes only when list and instance agree on everything; each `return failed` is one way to hit a wrong VM. */
function judge(node: NodeSnapshot, id: string, { members, claimants, fresh }: Evidence): ResolveResult {
  if (!fresh.ok) {
    // The list has it and the instance is "not found": a contradiction (a missing region looks like this), no ghost.
    return fresh.error.class === "not_found"
      ? failed(
          "Unavailable",
          `instance ${id} is in the cluster's list but was not found: ${fresh.error.detail}`,
        )
      : faultFailed(fresh.error);
  }
  const instance = fresh.value;
  if (instance.id !== id) return failed("IdentityMismatch", `asked for instance ${id}, got another one`);
  if (members.length > 1) return failed("IdentityMismatch", `instance ${id} is in the cluster's list twice`);
  if (claimants.length > 1) {
    return failed("IdentityMismatch", `${claimants.length} instances of the cluster have the node's name`);
  }
  if (!namesNode(instance.hostname, node) || instance.hostname !== members[0]?.hostname) {
    return failed("IdentityMismatch", `instance ${id} has the host name ${shown(instance.hostname)}`);
  }
  if (instance.status !== "ACTIVE") {
    const advice = instance.status === "SHUTOFF" ? " (it must be started, not rebooted)" : "";
    return failed("BadState", `instance ${id} is ${shown(instance.status)}${advice}`);
  }
  const target: RebootTarget = { instanceId: id, hostname: instance.hostname };
  const gpuCounts = [instance, ...members]
    .map(({ gpuCount }) => gpuCount)
    .filter((count) => count !== undefined);
  return gpuCounts.length === 0
    ? { ok: true, target }
    : { ok: true, target, gpuCount: Math.max(...gpuCounts) };
}

/**
 * The outcome of a reboot call. `Rejected` needs a clear no (reboot protocol, 3.4 step 8): a 4xx whose class is one of
 * refusal. Everything else that may have left us is `Unknown`: a success in an unexpected form, and any 5xx whatever
 * code it names, because a server that failed half-way does not know itself what it did.
 */
function receiptOf(result: CivoResult<"success">): RebootReceipt {
  if (result.ok) return { outcome: "Accepted", detail: "the cloud accepted the reboot" };
  const { error } = result;
  if (!error.sent) return { outcome: "NotSent", detail: error.detail };
  if (!isRefusal(error)) return { outcome: "Unknown", detail: error.detail };
  const { failure, detail, retryAfter } = faultFailed(error);
  return { outcome: "Rejected", failure, detail, ...(retryAfter === undefined ? {} : { retryAfter }) };
}

/** 408 is said by a proxy that stopped waiting: the request may have come through. */
function isRefusal({ class: faultClass, status = 0 }: CivoFault): boolean {
  return faultClass !== "transient" && status >= 400 && status < 500 && status !== 408;
}

type Failed = Extract<ResolveResult, { ok: false }>;

function failed(failure: ResolveFailure, detail: string): Failed {
  return { ok: false, failure, detail };
}

function faultFailed({ class: faultClass, detail, retryAfter }: CivoFault): Failed {
  return {
    ...failed(failureOfClass[faultClass], detail),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}

/** A cluster that is not found says nothing of the node: our cluster id or region is wrong. */
function listFailed(fault: CivoFault): Failed {
  if (fault.class !== "not_found") return faultFailed(fault);
  return failed("Misconfigured", `CIVO_CLUSTER_ID or CIVO_REGION names no cluster: ${fault.detail}`);
}

/** A text of the cloud as it may be logged: plain characters or nothing. */
function shown(text: string): string {
  return /^[\w.-]{1,253}$/.test(text) ? text : "(unprintable)";
}
