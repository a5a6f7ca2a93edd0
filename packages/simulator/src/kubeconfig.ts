import { stringify } from "yaml";
import { USER } from "./kubernetes-api/self-review.ts";

/** What a kubeconfig is written from. */
export interface KubeconfigParts {
  readonly cluster: string;
  readonly url: string;
  /** Base64 of the PEM; absent without TLS. */
  readonly caData: string | undefined;
  /** A token in the file, or the path of a file that holds it. */
  readonly token: string | { readonly file: string };
}

/** A kubeconfig with one context, named after the cluster. */
export function kubeconfigYaml({ cluster, url, caData, token }: KubeconfigParts): string {
  const user = typeof token === "string" ? { token } : { tokenFile: token.file };
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": cluster,
    clusters: [
      {
        name: cluster,
        cluster: { server: url, ...(caData === undefined ? {} : { "certificate-authority-data": caData }) },
      },
    ],
    users: [{ name: USER, user }],
    contexts: [{ name: cluster, context: { cluster, user: USER, namespace: "default" } }],
  });
}
