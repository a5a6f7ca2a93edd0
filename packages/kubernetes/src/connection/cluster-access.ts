import type { CredentialSource } from "../credentials/credential.ts";

/** PEM text that stands in the configuration or in a file that may be rotated. */
export type PemSource =
  | { readonly kind: "Inline"; readonly pem: string }
  | { readonly kind: "File"; readonly file: string };

/** Everything needed to talk to one cluster; made once per connection and shared with no other. */
export interface ClusterAccess {
  /** For messages: which configuration this came from, e.g. `context prod of /etc/kubeconfig`. */
  readonly origin: string;
  /** Base URL without a trailing slash; may have a path (Rancher). */
  readonly server: string;
  readonly ca?: PemSource;
  readonly clientCertificate?: PemSource;
  readonly clientKey?: PemSource;
  /** Name to expect in the server's certificate instead of the host of `server`. */
  readonly tlsServerName?: string;
  readonly skipTlsVerify: boolean;
  /** `http`, `https` or `socks5` URL; may hold a password, so never logged. */
  readonly proxyUrl?: string;
  /** Impersonation headers. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly credentials: CredentialSource;
}
