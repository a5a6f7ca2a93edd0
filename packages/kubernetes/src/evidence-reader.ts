import type { AgentPod, NodeEvidence, PodFact, Reading } from "@node-agent/shared/core/node-evidence.ts";
import { SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import type { EvidenceReader } from "@node-agent/shared/ports/node-evidence.ts";
import type { KubernetesConnection } from "./connection/connection.ts";
import { KubernetesApiError } from "./errors.ts";
import { list, property, text } from "./raw-object.ts";
import { listPages } from "./reflector/list-pages.ts";

/** What an evidence reader is made of. */
export interface EvidenceReaderDeps {
  readonly connection: KubernetesConnection;
  /** For one page; a node runs a few hundred pods at most. */
  readonly deadline?: Millis;
}

const DEADLINE: Millis = 10 * SECOND;
/** Newest first; v1 since Kubernetes 1.34 (KEP-4381). */
const SLICE_PATHS = ["v1", "v1beta2", "v1beta1"].map(
  (version) => `/apis/resource.k8s.io/${version}/resourceslices`,
);
/** Drivers of GPUs by the convention of their names: gpu.nvidia.com, gpu.amd.com, gpu.intel.com. */
const GPU_DRIVER = /^gpu\./u;

/** Reads the pods of agents and the GPU drivers of a node; a 403 or an unknown path is an answer, not a failure. */
export function createEvidenceReader({
  connection,
  deadline = DEADLINE,
}: EvidenceReaderDeps): EvidenceReader {
  const itemsOf = async (path: string, node: string, signal: AbortSignal): Promise<unknown[]> => {
    const items: unknown[] = [];
    const fieldSelector = `spec.nodeName=${node}`;
    const options = { connection, path, notOlderThan: "", pageDeadline: deadline, signal, fieldSelector };
    for await (const page of listPages(options)) items.push(...page.items);
    return items;
  };

  const pods = async (node: string, signal: AbortSignal): Promise<Reading<readonly PodFact[]>> => {
    try {
      const items = await itemsOf("/api/v1/pods", node, signal);
      return { state: "Read", value: items.flatMap((pod) => podFact(pod) ?? []) };
    } catch (error) {
      return failedReading(error, "pods");
    }
  };

  const gpuDrivers = async (node: string, signal: AbortSignal): Promise<Reading<readonly string[]>> => {
    let last: unknown;
    for (const path of SLICE_PATHS) {
      try {
        const slices = await itemsOf(path, node, signal);
        return { state: "Read", value: [...new Set(slices.flatMap((slice) => driverOf(slice) ?? []))] };
      } catch (error) {
        last = error;
        if (!(error instanceof KubernetesApiError) || error.code !== "NotFound") break;
      }
    }
    return failedReading(last, "ResourceSlices");
  };

  return {
    read: async (node, signal): Promise<NodeEvidence> => {
      const [ofPods, ofSlices] = await Promise.all([pods(node, signal), gpuDrivers(node, signal)]);
      return { pods: ofPods, gpuDrivers: ofSlices };
    },
  };
}

function failedReading(error: unknown, what: string): Exclude<Reading<never>, { state: "Read" }> {
  if (error instanceof KubernetesApiError) {
    if (error.code === "Forbidden") {
      return { state: "NotPermitted", why: `this process may not list ${what} (RBAC)` };
    }
    if (error.code === "NotFound") return { state: "NotPermitted", why: `the cluster serves no ${what}` };
    return { state: "Unread", why: `${what} could not be read: ${error.message}` };
  }
  return { state: "Unread", why: `${what} could not be read` };
}

function podFact(pod: unknown): PodFact | undefined {
  const metadata = property(pod, "metadata");
  const status = property(pod, "status");
  const agent = agentOf(metadata);
  if (agent === undefined || property(metadata, "deletionTimestamp") !== undefined) return undefined;
  const createdAt = Date.parse(text(metadata, "creationTimestamp") ?? "");
  const containers = [...list(status, "initContainerStatuses"), ...list(status, "containerStatuses")];
  const waiting = containers.map((one) => text(property(property(one, "state"), "waiting"), "reason") ?? "");
  return {
    agent,
    name: `${text(metadata, "namespace") ?? ""}/${text(metadata, "name") ?? ""}`,
    ...(Number.isNaN(createdAt) ? {} : { createdAt }),
    ready: list(status, "conditions").some(
      (one) => text(one, "type") === "Ready" && text(one, "status") === "True",
    ),
    crashing: waiting.some((reason) => CRASHES.has(reason)) || containers.some(endedWithError),
    imageMissing: waiting.some((reason) => NO_IMAGE.has(reason)),
  };
}

/** Reasons of a waiting container, as the kubelet writes them. */
const CRASHES: ReadonlySet<string> = new Set([
  "CrashLoopBackOff",
  "RunContainerError",
  "CreateContainerError",
]);
const NO_IMAGE: ReadonlySet<string> = new Set(["ImagePullBackOff", "ErrImagePull", "InvalidImageName"]);

function endedWithError(container: unknown): boolean {
  const code = property(property(property(container, "state"), "terminated"), "exitCode");
  return typeof code === "number" && code !== 0;
}

/**
 * Which agent a pod is: by the labels of the charts and manifests of NVIDIA's device plugin (`app`, `name` or
 * `app.kubernetes.io/name` that names it; GKE: `k8s-app: nvidia-gpu-device-plugin`) and of Cilium (`k8s-app: cilium`).
 */
function agentOf(metadata: unknown): AgentPod | undefined {
  const labels = property(metadata, "labels");
  const values = APP_LABELS.map((key) => text(labels, key) ?? "");
  if (values.some((value) => /^nvidia-(?:gpu-)?device-plugin/u.test(value))) return "DevicePlugin";
  const cilium = text(labels, "k8s-app") === "cilium" || values.includes("cilium-agent");
  return cilium ? "Cilium" : undefined;
}

const APP_LABELS = ["app", "name", "k8s-app", "app.kubernetes.io/name", "app.kubernetes.io/component"];

function driverOf(slice: unknown): string | undefined {
  const spec = property(slice, "spec");
  const driver = text(spec, "driver");
  const hasDevices = list(spec, "devices").length > 0;
  return driver !== undefined && hasDevices && GPU_DRIVER.test(driver) ? driver.slice(0, 63) : undefined;
}
