import { SECOND, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { KubernetesApiError } from "../errors.ts";
import { property, text } from "../raw-object.ts";
import type { Credential, CredentialSource } from "./credential.ts";
import { runCommand, type Command } from "./exec-process.ts";

/** A plugin that has not answered by then is killed; cloud logins take seconds. */
const EXEC_TIMEOUT: Millis = 30 * SECOND;

/** A credential is renewed when this share of its life is left, so that none expires on the wire. */
const RENEWAL_SHARE = 0.1;

/** After a failed renewal the old credential is used this long before the plugin is asked again. */
const RENEWAL_RETRY: Millis = 10 * SECOND;

/** An exec plugin of a kubeconfig user (client.authentication.k8s.io), paths resolved. */
export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: Command;
  /** `KUBERNETES_EXEC_INFO`'s cluster, only when the plugin asks for it (`provideClusterInfo`). */
  readonly clusterInfo?: unknown;
}

interface Issued {
  readonly credential: Credential;
  readonly renewAt: EpochMillis;
  readonly expiresAt: EpochMillis;
}

function parseCredential(plugin: ExecPlugin, output: string, now: EpochMillis): Issued {
  const failed = (why: string): KubernetesApiError =>
    new KubernetesApiError("CredentialFailed", `exec plugin ${plugin.command.file}: ${why}`);
  let answer: unknown;
  try {
    answer = JSON.parse(output);
  } catch {
    // The parser's message quotes its input, which may hold the token.
    throw failed("its answer is not JSON");
  }
  if (text(answer, "apiVersion") !== plugin.apiVersion || text(answer, "kind") !== "ExecCredential") {
    throw failed(`expected an ExecCredential of ${plugin.apiVersion}`);
  }
  const status = property(answer, "status");
  const token = text(status, "token");
  const clientCertificate = text(status, "clientCertificateData");
  const clientKey = text(status, "clientKeyData");
  if (token === undefined && (clientCertificate === undefined || clientKey === undefined)) {
    throw failed("its answer holds neither a token nor a client certificate with its key");
  }
  const expiry = text(status, "expirationTimestamp");
  const expiresAt = expiry === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiry);
  if (Number.isNaN(expiresAt)) throw failed("its expirationTimestamp is not a time");
  return {
    credential: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(clientCertificate === undefined || clientKey === undefined ? {} : { clientCertificate, clientKey }),
    },
    renewAt:
      expiresAt === Number.POSITIVE_INFINITY ? expiresAt : expiresAt - (expiresAt - now) * RENEWAL_SHARE,
    expiresAt,
  };
}

/**
 * Credentials of an exec plugin: one process at a time however many calls wait, renewed at 90 % of their life, kept
 * until a 401 when the plugin names no expiry. A renewal that fails costs nothing while the old one is valid.
 */
export function execCredential(plugin: ExecPlugin, clock: Clock): CredentialSource {
  const closing = new AbortController();
  const info = {
    apiVersion: plugin.apiVersion,
    kind: "ExecCredential",
    spec: {
      interactive: false,
      ...(plugin.clusterInfo === undefined ? {} : { cluster: plugin.clusterInfo }),
    },
  };
  const command: Command = {
    ...plugin.command,
    env: { ...plugin.command.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
  };
  let issued: Issued | undefined;
  let running: Promise<Credential> | undefined;

  const renew = async (): Promise<Credential> => {
    try {
      const output = await runCommand(command, { clock, timeout: EXEC_TIMEOUT, signal: closing.signal });
      issued = parseCredential(plugin, output, clock.now());
      return issued.credential;
    } catch (fault) {
      const now = clock.now();
      if (issued === undefined || now >= issued.expiresAt) throw fault;
      issued = { ...issued, renewAt: Math.min(issued.expiresAt, now + RENEWAL_RETRY) };
      return issued.credential;
    }
  };

  return {
    current: () => {
      if (issued !== undefined && clock.now() < issued.renewAt) return Promise.resolve(issued.credential);
      running ??= renew().finally(() => {
        running = undefined;
      });
      return running;
    },
    reject: (used) => {
      if (issued?.credential === used) issued = undefined;
    },
    close: () => closing.abort(),
  };
}
