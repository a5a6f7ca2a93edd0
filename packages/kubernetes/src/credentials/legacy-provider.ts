import type { Cluster, Context, KubeConfig, RequestContext, User } from "@kubernetes/client-node";
import { KubernetesApiError } from "../errors.ts";
import { scrub } from "../connection/scrub.ts";
import type { CredentialSource } from "./credential.ts";

/** The entries of a kubeconfig that a context is made of. */
export interface LegacyEntries {
  readonly cluster: Cluster;
  readonly context: Context;
  readonly user: User;
}

/** One of its own for each connection: a shared one leaks a cluster's token to another when the context is switched. */
async function configOf({ cluster, context, user }: LegacyEntries): Promise<KubeConfig> {
  const client = await import("@kubernetes/client-node");
  const config = new client.KubeConfig();
  config.loadFromOptions({
    clusters: [cluster],
    contexts: [context],
    users: [user],
    currentContext: context.name,
  });
  return config;
}

/**
 * The old `auth-provider` users (oidc and friends): client-node knows how to refresh them, so its KubeConfig is asked
 * for the header and nothing else. It caches and refreshes by itself, and is loaded for these users only.
 */
export function legacyProviderCredential(entries: LegacyEntries): CredentialSource {
  let config: Promise<KubeConfig> | undefined;
  return {
    current: async () => {
      let authorization: string | undefined;
      const catcher = {
        setHeaderParam: (key: string, value: string) => {
          if (key.toLowerCase() === "authorization") authorization = value;
        },
        setDispatcher: () => {},
      };
      try {
        const loaded = await (config ??= configOf(entries));
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the two methods are all it calls
        await loaded.applySecurityAuthentication(catcher as unknown as RequestContext);
      } catch (fault) {
        const said = fault instanceof Error ? scrub(fault.message) : "failed";
        throw new KubernetesApiError("CredentialFailed", `auth-provider: ${said}`);
      }
      return authorization === undefined ? {} : { authorization };
    },
    reject: () => {},
    close: () => {},
  };
}
