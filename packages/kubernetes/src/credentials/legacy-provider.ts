import type { KubeConfig, RequestContext } from "@kubernetes/client-node";
import { KubernetesApiError } from "../errors.ts";
import { scrub } from "../connection/scrub.ts";
import type { CredentialSource } from "./credential.ts";

/**
 * The old `auth-provider` users (oidc and friends): client-node knows how to refresh them, so its KubeConfig is asked
 * for the header and nothing else. It caches and refreshes by itself.
 */
export function legacyProviderCredential(config: KubeConfig): CredentialSource {
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
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the two methods are all it calls
        await config.applySecurityAuthentication(catcher as unknown as RequestContext);
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
