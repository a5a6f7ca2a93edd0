import { connectKubernetes, type ConnectionOptions, type KubernetesConnection } from "@node-agent/kubernetes";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";

/** A connection that closes with the test. */
export interface OpenConnection extends KubernetesConnection, AsyncDisposable {}

/** Connects as the agent does. */
export function openConnection(
  options: Partial<ConnectionOptions> & Pick<ConnectionOptions, "kubeconfig">,
): OpenConnection {
  const connection = connectKubernetes({
    clock: systemClock,
    userAgent: "node-recovery-agent/test",
    ...options,
  });
  return { ...connection, [Symbol.asyncDispose]: () => connection.close() };
}
