import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
// The parsers of client-node without the rest of it: its index loads a thousand files of generated API, which cost each
// process 0.4 s and 70 MB.
import {
  newClusters,
  newContexts,
  newUsers,
  type Cluster,
  type Context,
  type User,
} from "@kubernetes/client-node/dist/config_types.js";
import { parse as parseYaml, YAMLParseError } from "yaml";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { KubernetesConfigError, type KubernetesConfigErrorCode } from "../errors.ts";
import { asRecord, list, property, systemCode, text, type RawRecord } from "../raw-object.ts";
import type { ClusterAccess, PemSource } from "./cluster-access.ts";
import type { Environment } from "./in-cluster.ts";
import { userCredential } from "./kubeconfig-user.ts";

/** What is asked of a kubeconfig file. */
export interface KubeconfigChoice {
  readonly file: string;
  /** The context to use; the file's current-context when undefined or empty. */
  readonly context?: string | undefined;
  readonly environment: Environment;
  readonly clock: Clock;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const why = systemCode(cause);
    throw new KubernetesConfigError("KubeconfigUnreadable", `kubeconfig ${file}: cannot be read (${why})`, {
      cause,
    });
  }
}

function parse(file: string, content: string): RawRecord {
  const invalid = (why: string): KubernetesConfigError =>
    new KubernetesConfigError("KubeconfigInvalid", `kubeconfig ${file}: ${why}`);
  let document: unknown;
  try {
    // Its warnings would go to standard error, and quote the line.
    document = parseYaml(content, { merge: true, logLevel: "error" });
  } catch (fault) {
    // The parser's message quotes the file, tokens included, so only its reason and the line are kept.
    const at = fault instanceof YAMLParseError ? fault : undefined;
    const line = at?.linePos?.[0].line;
    throw invalid(
      `not YAML: ${at?.code ?? "cannot be parsed"}${line === undefined ? "" : ` (line ${line})`}`,
    );
  }
  const record = asRecord(document);
  if (record === undefined) throw invalid("expected a mapping with clusters, contexts and users");
  return record;
}

function names(document: RawRecord, key: string): string {
  const found = list(document, key).map((entry) => text(entry, "name") ?? "(without a name)");
  return found.length === 0 ? "none" : found.join(", ");
}

function pem(field: string, file: string | undefined, data: string | undefined, kubeconfig: string) {
  if (file !== undefined && file !== "") {
    try {
      readFileSync(file);
    } catch (cause) {
      throw new KubernetesConfigError(
        "FileUnreadable",
        `kubeconfig ${kubeconfig}: ${field} ${file} cannot be read`,
        { cause },
      );
    }
    return { kind: "File", file } satisfies PemSource;
  }
  if (data === undefined || data === "") return undefined;
  return { kind: "Inline", pem: Buffer.from(data, "base64").toString("utf8") } satisfies PemSource;
}

function impersonation(rawUser: unknown): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  const as = text(rawUser, "as");
  const uid = text(rawUser, "as-uid");
  const groups = list(rawUser, "as-groups").filter((group) => typeof group === "string");
  if (as !== undefined) headers["impersonate-user"] = as;
  if (uid !== undefined) headers["impersonate-uid"] = uid;
  if (groups.length > 0) headers["impersonate-group"] = groups;
  return headers;
}

function checkServer(file: string, cluster: Cluster): void {
  let url: URL | undefined;
  try {
    url = new URL(cluster.server);
  } catch {
    url = undefined;
  }
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new KubernetesConfigError(
      "KubeconfigInvalid",
      `kubeconfig ${file}: cluster ${cluster.name}: expected server to be an http or https URL`,
    );
  }
  if (cluster.proxyUrl !== undefined && !/^(https?|socks5h?|socks):\/\//.test(cluster.proxyUrl)) {
    throw new KubernetesConfigError(
      "KubeconfigInvalid",
      `kubeconfig ${file}: cluster ${cluster.name}: expected proxy-url to be an http, https or socks5 URL`,
    );
  }
}

interface Entries {
  readonly context: Context;
  readonly cluster: Cluster;
  readonly user: User | undefined;
  /** The user as the file has it: client-node drops the fields that it does not know. */
  readonly rawUser: unknown;
}

/** A broken entry of a context that nobody asked for is not our fault to report. */
const LENIENT = { onInvalidEntry: "filter" } as const;

function chooseEntries(file: string, document: RawRecord, asked?: string): Entries {
  const failed = (code: KubernetesConfigErrorCode, why: string): KubernetesConfigError =>
    new KubernetesConfigError(code, `kubeconfig ${file}: ${why}`);
  const context = asked === undefined || asked === "" ? text(document, "current-context") : asked;
  const contexts = names(document, "contexts");
  if (context === undefined) {
    throw failed("NoSuchContext", `has no current-context; expected --context to be one of: ${contexts}`);
  }
  const chosen = newContexts(list(document, "contexts"), LENIENT).find(({ name }) => name === context);
  if (chosen === undefined) {
    throw failed("NoSuchContext", `has no usable context ${context}; expected one of: ${contexts}`);
  }
  const cluster = newClusters(list(document, "clusters"), LENIENT).find(
    ({ name }) => name === chosen.cluster,
  );
  if (cluster === undefined) {
    const there = names(document, "clusters");
    throw failed(
      "NoSuchCluster",
      `context ${context} needs cluster ${chosen.cluster} with a server; has: ${there}`,
    );
  }
  // client-node types the user as always there; a context may well have none (client-go allows it).
  const userName: string | undefined = chosen.user;
  const user = newUsers(list(document, "users"), LENIENT).find(({ name }) => name === userName);
  if (user === undefined && userName !== undefined && userName !== "") {
    const there = names(document, "users");
    throw failed("NoSuchUser", `context ${context} needs user ${userName}; has: ${there}`);
  }
  const rawUser = list(document, "users").find((entry) => text(entry, "name") === userName);
  return { context: chosen, ...absolute(file, cluster, user), rawUser: property(rawUser, "user") };
}

/** As client-go: paths are relative to the kubeconfig. */
function absolute(file: string, cluster: Cluster, user: User | undefined): Pick<Entries, "cluster" | "user"> {
  const from = (path: string): string => resolve(dirname(file), path);
  const { caFile } = cluster;
  const { certFile, keyFile } = user ?? {};
  return {
    cluster: { ...cluster, ...(caFile ? { caFile: from(caFile) } : {}) },
    user: user && {
      ...user,
      ...(certFile ? { certFile: from(certFile) } : {}),
      ...(keyFile ? { keyFile: from(keyFile) } : {}),
    },
  };
}

/** Reads one context of a kubeconfig file. Throws `KubernetesConfigError`. */
export function kubeconfigAccess({
  file,
  context: asked,
  environment,
  clock,
}: KubeconfigChoice): ClusterAccess {
  const content = readText(file);
  const document = parse(file, content);
  const { context, cluster, user, rawUser } = chooseEntries(file, document, asked);
  checkServer(file, cluster);
  const ca = pem("certificate-authority", cluster.caFile, cluster.caData, file);
  const clientCertificate = pem("client-certificate", user?.certFile, user?.certData, file);
  const clientKey = pem("client-key", user?.keyFile, user?.keyData, file);
  return {
    origin: `context ${context.name} of ${file}`,
    server: cluster.server.replace(/\/+$/, ""),
    skipTlsVerify: cluster.skipTLSVerify,
    headers: impersonation(rawUser),
    credentials: userCredential({ file, context, user, rawUser, cluster, environment, clock }),
    ...(ca && { ca }),
    ...(clientCertificate && { clientCertificate }),
    ...(clientKey && { clientKey }),
    ...(cluster.tlsServerName !== undefined && { tlsServerName: cluster.tlsServerName }),
    ...(cluster.proxyUrl !== undefined && { proxyUrl: cluster.proxyUrl }),
  };
}
