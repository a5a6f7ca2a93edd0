/** What proves to an API server who we are. Never logged, never part of an error. */
export interface Credential {
  /** Value of the Authorization header. */
  readonly authorization?: string;
  /** PEM; only an exec plugin hands these out, files belong to the TLS material. */
  readonly clientCertificate?: string;
  readonly clientKey?: string;
}

/** Where credentials come from. */
export interface CredentialSource {
  /** The credential to use now. Rejects with `KubernetesApiError` `CredentialFailed`. */
  current(): Promise<Credential>;
  /** The server has answered 401 to this one: it must not be handed out again from a cache. */
  reject(used: Credential): void;
  /** Ends whatever still runs (a plugin's process). */
  close(): void;
}

/** The same credential for ever: a token in the kubeconfig, a user and password, or none (client certificate only). */
export function staticCredential(authorization?: string): CredentialSource {
  const credential: Credential = authorization === undefined ? {} : { authorization };
  return { current: () => Promise.resolve(credential), reject: () => {}, close: () => {} };
}
