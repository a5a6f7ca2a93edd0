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
export { createNodeReader, type NodeReaderDeps, type ProjectNode } from "./node-reader.ts";
