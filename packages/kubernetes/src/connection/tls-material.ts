import { readFile } from "node:fs/promises";
import type { Credential } from "../credentials/credential.ts";
import { KubernetesApiError } from "../errors.ts";
import { systemCode } from "../raw-object.ts";
import type { ClusterAccess, PemSource } from "./cluster-access.ts";

/** What a TLS handshake with the server needs, read at one moment. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

async function read(source: PemSource | undefined): Promise<string | undefined> {
  if (source === undefined) return undefined;
  if (source.kind === "Inline") return source.pem;
  try {
    return await readFile(source.file, "utf8");
  } catch (cause) {
    throw new KubernetesApiError("CredentialFailed", `${source.file}: ${systemCode(cause)}`, { cause });
  }
}

/** Reads CA, client certificate and key afresh. Rejects with `CredentialFailed` when a file cannot be read. */
export async function readTlsMaterial(access: ClusterAccess): Promise<TlsMaterial> {
  const [ca, cert, key] = await Promise.all([
    read(access.ca),
    read(access.clientCertificate),
    read(access.clientKey),
  ]);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** The material with the certificate that an exec plugin has issued, if it has. */
export function withIssuedCertificate(material: TlsMaterial, credential: Credential): TlsMaterial {
  const { clientCertificate: cert, clientKey: key } = credential;
  return cert === undefined || key === undefined ? material : { ...material, cert, key };
}

/** True when both would lead to the same handshake. */
export function isSameMaterial(one: TlsMaterial, other: TlsMaterial): boolean {
  return one.ca === other.ca && one.cert === other.cert && one.key === other.key;
}
