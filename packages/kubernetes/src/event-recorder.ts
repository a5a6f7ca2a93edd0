import type { ClusterEvent } from "@node-agent/shared/core/cluster-event.ts";
import { fnv1a64 } from "@node-agent/shared/core/fnv1a.ts";
import { cutToBytes, plainLine } from "@node-agent/shared/core/plain-text.ts";
import { SECOND, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import type { EventRecorder, EventRecording } from "@node-agent/shared/ports/event-recorder.ts";
import type { KubernetesConnection } from "./connection/connection.ts";
import { withoutSecrets } from "./connection/scrub.ts";
import { KubernetesApiError } from "./errors.ts";

/**
 * core/v1 and not events.k8s.io/v1, although both are one store: only core/v1 takes firstTimestamp, lastTimestamp and
 * count, by which `kubectl get events --sort-by=.lastTimestamp`, older kubectls and exporters of events go. The kubelet and
 * the node controller, beside whose events ours stand, write core/v1 too. Events about a Node, which has no namespace,
 * live in `default`: the API server refuses any other (facts on Kubernetes, 3.6).
 */
const NAMESPACE = "default";
const PATH = `/api/v1/namespaces/${NAMESPACE}/events`;

/** Who reports, in every event; also the field manager. */
const REPORTER = "node-agent";

/** The limits of the API server (pkg/apis/core/validation/events.go); core/v1 does not enforce them, readers expect them. */
const LONGEST_MESSAGE = 1024;
const LONGEST_INSTANCE = 128;
/** A name is a DNS subdomain: 253 characters, of which the digest and its dot take 17. */
const LONGEST_NODE = 253 - 17;

/** Nobody waits for an event for longer; it is only told. */
const RECORD_DEADLINE: Millis = 5 * SECOND;

/** What an event recorder is made of. */
export interface EventRecorderDeps {
  readonly connection: KubernetesConnection;
  /** Names this process in its events. */
  readonly instance: string;
  /** Secrets of this process: none of them reaches a cluster, whatever text brought it there. */
  readonly secrets?: readonly string[];
  readonly deadline?: Millis;
}

/**
 * Tells events by POST. Their names follow from what they tell: of two workers that tell the same, the second meets 409,
 * which needs no right to read or change events.
 */
export function createEventRecorder({
  connection,
  instance,
  secrets = [],
  deadline = RECORD_DEADLINE,
}: EventRecorderDeps): EventRecorder {
  return {
    record: async (event, signal) => {
      try {
        await connection.request(PATH, {
          method: "POST",
          query: { fieldManager: REPORTER },
          headers: { "content-type": "application/json" },
          body: JSON.stringify(bodyOf(event, instance, secrets)),
          deadline,
          signal,
        });
        return { outcome: "Created" };
      } catch (error) {
        return recordingOf(error);
      }
    },
  };
}

/** The Event object, fit for an API server and a terminal. */
function bodyOf(event: ClusterEvent, instance: string, secrets: readonly string[]): object {
  const { node, uid, reason, type, at } = event;
  const time = kubeTime(at);
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: nameOf(event), namespace: NAMESPACE },
    // Of a cluster-scoped object: no namespace, and the real uid, which `kubectl describe node` selects by.
    involvedObject: { apiVersion: "v1", kind: "Node", name: node, uid },
    reason,
    type,
    // Secrets first: of one that was cut in two, half would stay.
    message: cutToBytes(withoutSecrets(plainLine(event.message), secrets), LONGEST_MESSAGE),
    source: { component: REPORTER },
    reportingComponent: REPORTER,
    reportingInstance: cutToBytes(plainLine(instance), LONGEST_INSTANCE),
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}

/** The node's name and a digest of what is told, as client-go names events. */
function nameOf({ node, identity }: ClusterEvent): string {
  // A part of a name ends in a letter or digit.
  const stem = node.slice(0, LONGEST_NODE).replace(/[^a-z0-9]+$/u, "");
  return `${stem}.${fnv1a64(identity)}`;
}

/** metav1.Time: whole seconds. */
function kubeTime(at: EpochMillis): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/u, "Z");
}

function recordingOf(error: unknown): EventRecording {
  if (!(error instanceof KubernetesApiError)) {
    return { outcome: "Refused", why: error instanceof Error ? error.message : "it could not be written" };
  }
  const { code, message: why, retryAfter } = error;
  if (code === "Conflict") return { outcome: "Known" };
  if (code === "Forbidden") return { outcome: "Forbidden", why };
  if (code === "Invalid") return { outcome: "Refused", why };
  return { outcome: "Failed", why, ...(retryAfter === undefined ? {} : { retryAfter }) };
}
