import { dirname, resolve } from "node:path";
import { readFileSync } from "node:fs";
import type { Cluster, Context, User } from "@kubernetes/client-node";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { staticCredential, type CredentialSource } from "../credentials/credential.ts";
import { execCredential, type ExecPlugin } from "../credentials/exec-plugin.ts";
import { legacyProviderCredential } from "../credentials/legacy-provider.ts";
import { tokenFileCredential } from "../credentials/token-file.ts";
import { KubernetesConfigError } from "../errors.ts";
import { list, property, text } from "../raw-object.ts";
import type { Environment } from "./in-cluster.ts";

/** A user entry with what is needed to understand it. */
export interface UserEntry {
  readonly file: string;
  readonly context: Context;
  readonly user: User | undefined;
  /** The entry as the file has it: client-node drops the fields that it does not know. */
  readonly rawUser: unknown;
  readonly cluster: Cluster;
  readonly environment: Environment;
  readonly clock: Clock;
}

function clusterInfo(cluster: Cluster): unknown {
  const caData =
    cluster.caFile === undefined ? cluster.caData : readFileSync(cluster.caFile).toString("base64");
  return {
    server: cluster.server,
    "insecure-skip-tls-verify": cluster.skipTLSVerify,
    ...(cluster.tlsServerName === undefined ? {} : { "tls-server-name": cluster.tlsServerName }),
    ...(caData === undefined ? {} : { "certificate-authority-data": caData }),
    ...(cluster.proxyUrl === undefined ? {} : { "proxy-url": cluster.proxyUrl }),
  };
}

function parsePlugin(entry: UserEntry, exec: unknown): ExecPlugin {
  const invalid = (why: string): KubernetesConfigError =>
    new KubernetesConfigError("KubeconfigInvalid", `kubeconfig ${entry.file}: exec plugin: ${why}`);
  const program = text(exec, "command");
  const apiVersion = text(exec, "apiVersion");
  if (program === undefined) throw invalid("expected a command");
  if (apiVersion === undefined || !/^client\.authentication\.k8s\.io\/v\w+$/.test(apiVersion)) {
    throw invalid("expected apiVersion to be client.authentication.k8s.io/v1 or /v1beta1");
  }
  if (text(exec, "interactiveMode") === "Always") {
    throw new KubernetesConfigError(
      "UnsupportedCredential",
      `kubeconfig ${entry.file}: exec plugin ${program} wants a terminal (interactiveMode: Always)`,
    );
  }
  const variables = list(exec, "env").map(
    (pair) => [text(pair, "name") ?? "", text(pair, "value") ?? ""] as const,
  );
  const root = dirname(resolve(entry.file));
  return {
    apiVersion,
    command: {
      // As kubectl: a path is relative to the kubeconfig, a bare name is looked up on the PATH.
      file: program.includes("/") ? resolve(root, program) : program,
      args: list(exec, "args").map(String),
      env: { ...entry.environment, ...Object.fromEntries(variables.filter(([name]) => name !== "")) },
    },
    ...(property(exec, "provideClusterInfo") === true ? { clusterInfo: clusterInfo(entry.cluster) } : {}),
  };
}

/** The credential source that a user entry describes, in the order in which client-go looks. */
export function userCredential(entry: UserEntry): CredentialSource {
  const { user, rawUser, file, clock, cluster, context } = entry;
  // client-node knows only `token-file`; the field of the format is `tokenFile` (clientcmd/api/v1/types.go).
  const tokenFile = text(rawUser, "tokenFile") ?? text(rawUser, "token-file");
  if (tokenFile !== undefined) return tokenFileCredential(resolve(dirname(file), tokenFile), clock);
  const token = text(rawUser, "token");
  if (token !== undefined) return staticCredential(`Bearer ${token.trim()}`);
  const username = text(rawUser, "username");
  if (username !== undefined) {
    const pair = Buffer.from(`${username}:${text(rawUser, "password") ?? ""}`).toString("base64");
    return staticCredential(`Basic ${pair}`);
  }
  const exec = property(rawUser, "exec");
  if (exec !== undefined && exec !== null) return execCredential(parsePlugin(entry, exec), clock);
  if (user?.authProvider !== undefined && user.authProvider !== null)
    return legacyProviderCredential({ cluster, context, user });
  return staticCredential();
}
