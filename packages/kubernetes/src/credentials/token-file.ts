import { readFile } from "node:fs/promises";
import { MINUTE, type Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { KubernetesApiError } from "../errors.ts";
import { systemCode } from "../raw-object.ts";
import type { Credential, CredentialSource } from "./credential.ts";

/** A token older than this is read again: bound service account tokens rotate in place (client-go does the same). */
const TOKEN_FILE_MAX_AGE: Millis = 1 * MINUTE;

/** A bearer token in a file that somebody else rotates. */
export function tokenFileCredential(file: string, clock: Clock): CredentialSource {
  let cached: { readonly credential: Credential; readonly readAt: Millis } | undefined;
  const read = async (): Promise<Credential> => {
    try {
      const token = (await readFile(file, "utf8")).trim();
      if (token === "") throw new KubernetesApiError("CredentialFailed", `token file ${file}: empty`);
      return { authorization: `Bearer ${token}` };
    } catch (fault) {
      // A rotation in progress must not cost us the token that still works.
      if (cached !== undefined) return cached.credential;
      if (fault instanceof KubernetesApiError) throw fault;
      throw new KubernetesApiError("CredentialFailed", `token file ${file}: ${systemCode(fault)}`, {
        cause: fault,
      });
    }
  };
  return {
    current: async () => {
      const age = cached === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() - cached.readAt;
      if (cached !== undefined && age < TOKEN_FILE_MAX_AGE) return cached.credential;
      const credential = await read();
      cached = { credential, readAt: clock.monotonic() };
      return credential;
    },
    reject: (used) => {
      if (cached?.credential.authorization === used.authorization) cached = undefined;
    },
    close: () => {},
  };
}
