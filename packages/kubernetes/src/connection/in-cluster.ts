import { accessSync, constants } from "node:fs";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { tokenFileCredential } from "../credentials/token-file.ts";
import { KubernetesConfigError } from "../errors.ts";
import type { ClusterAccess } from "./cluster-access.ts";

/** Where kubelet mounts the credentials of a pod's service account. */
export const SERVICE_ACCOUNT_ROOT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The environment of a process, as `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Access with a pod's own service account. Throws `NotInCluster` when this process is not a pod. */
export function inClusterAccess(environment: Environment, root: string, clock: Clock): ClusterAccess {
  const host = environment["KUBERNETES_SERVICE_HOST"];
  const port = environment["KUBERNETES_SERVICE_PORT"];
  if (host === undefined || host === "" || port === undefined || port === "") {
    throw new KubernetesConfigError(
      "NotInCluster",
      "no kubeconfig given, and KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: " +
        "this process does not run in a pod; give --kubeconfig a file",
    );
  }
  const tokenFile = join(root, "token");
  const caFile = join(root, "ca.crt");
  for (const file of [tokenFile, caFile]) {
    try {
      accessSync(file, constants.R_OK);
    } catch (cause) {
      throw new KubernetesConfigError(
        "NotInCluster",
        `no kubeconfig given, and ${file} cannot be read: is automountServiceAccountToken off?`,
        { cause },
      );
    }
  }
  return {
    origin: "the pod's service account",
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    ca: { kind: "File", file: caFile },
    skipTlsVerify: false,
    headers: {},
    credentials: tokenFileCredential(tokenFile, clock),
  };
}
