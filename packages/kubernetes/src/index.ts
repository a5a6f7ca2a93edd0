export {
  createConfigMapLedger,
  createOrderLedger,
  createLedger,
  readClusterUid,
  type LedgerLocation,
} from "./config-map-ledger.ts";
export {
  connectKubernetes,
  type ConnectionOptions,
  type KubernetesAnswer,
  type KubernetesConnection,
  type KubernetesStream,
  type RequestOptions,
} from "./connection/connection.ts";
export {
  KubernetesApiError,
  KubernetesConfigError,
  type KubernetesApiErrorCode,
  type KubernetesConfigErrorCode,
} from "./errors.ts";
export { createEvidenceReader, type EvidenceReaderDeps } from "./evidence-reader.ts";
export { createEventRecorder, type EventRecorderDeps } from "./event-recorder.ts";
export { annotateNode } from "./node-annotator.ts";
export { createNodeLister, type NodeListerDeps } from "./node-lister.ts";
export { createNodeReader, type NodeReaderDeps, type ProjectNode } from "./node-reader.ts";
export { readOwnName } from "./self-review.ts";
export { createServerLook, type ServerLook } from "./server-look.ts";
export { createSnapshotFilter, type NodeSelector } from "./reflector/node-filter.ts";
export { createNodeSource, type NodeSourceDeps } from "./reflector/node-source.ts";
export { compareResourceVersions } from "./reflector/resource-version.ts";
export type { DistrustCause, EndReason, SourceEvent } from "./reflector/source-event.ts";
export { REFLECTOR_TIMINGS, type ReflectorTimings } from "./reflector/timings.ts";
