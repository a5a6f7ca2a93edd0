import { EntryMemory } from "@node-agent/shared/contract/entry-memory.ts";
import {
  decodeLedger,
  encodeLedger,
  LEDGER_MAX_BYTES,
  LEDGER_ORDER_MAX_BYTES,
} from "@node-agent/shared/contract/ledger-codec.ts";
import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import type { LedgerReading, LedgerWrite, RebootLedger } from "@node-agent/shared/ports/ledger.ts";
import type { KubernetesConnection } from "./connection/connection.ts";
import { KubernetesApiError, type KubernetesApiErrorCode } from "./errors.ts";
import { asRecord, property, text } from "./raw-object.ts";

/** Where the ledger lives. One fixed place per cluster, so that two installations meet there and cannot both reboot. */
export interface LedgerLocation {
  readonly namespace: string;
  readonly name: string;
}

const FIELD_MANAGER = "node-agent";

/** Answers after which the server has surely not written: it refused, or it was never reached. */
const NOT_WRITTEN: ReadonlySet<KubernetesApiErrorCode> = new Set([
  "Unauthorized",
  "Forbidden",
  "NotFound",
  "Invalid",
  "TooManyRequests",
  "ConnectFailed",
  "TlsFailed",
  "CredentialFailed",
]);

/**
 * The uid of the namespace kube-system: the identity of a cluster that no two clusters share and nobody chooses.
 * Throws `KubernetesApiError`.
 */
export async function readClusterUid(
  connection: KubernetesConnection,
  signal?: AbortSignal,
): Promise<string> {
  const path = "/api/v1/namespaces/kube-system";
  const { body } = await connection.request(path, { signal });
  const uid = text(property(body, "metadata"), "uid");
  if (uid === undefined)
    throw new KubernetesApiError("MalformedAnswer", `GET ${path}: expected metadata.uid`);
  return uid;
}

/** The ledger in a ConfigMap: linearizable reads (GET without resourceVersion) and writes by compare-and-set (PUT with it). */
export function createConfigMapLedger(
  connection: KubernetesConnection,
  location: LedgerLocation,
  most = LEDGER_MAX_BYTES,
): RebootLedger {
  const path = pathOf(location);
  let clusterUid: string | undefined;
  // Labels and annotations of the object as it was read last: a PUT without them would take them off.
  let metadata: unknown;
  const memory = new EntryMemory();
  return {
    read: async (signal) => {
      clusterUid ??= await readClusterUid(connection, signal);
      try {
        const { body, serverDate } = await connection.request(path, { signal });
        metadata = property(body, "metadata");
        return readingOf(body, serverDate, clusterUid, location, memory);
      } catch (error) {
        const missing =
          error instanceof KubernetesApiError && error.code === "NotFound" && error.reason === "NotFound";
        if (!missing) throw error;
        const why = `there is no ConfigMap ${location.namespace}/${location.name}; create it with: node-agent ledger init`;
        return { state: "Missing", why };
      }
    },
    compareAndWrite: async (next, seen, signal) => {
      const body = bodyOf(next, location, { resourceVersion: seen, metadata, memory, most });
      if (typeof body !== "string") return { outcome: "Refused", why: body.why };
      return send(connection, "PUT", path, body, signal);
    },
  };
}

/** The same for the orders of an operator, which fit where the writes of workers no longer do. */
export function createOrderLedger(connection: KubernetesConnection, location: LedgerLocation): RebootLedger {
  return createConfigMapLedger(connection, location, LEDGER_ORDER_MAX_BYTES);
}

/** Creates the ledger where there is none. A ledger that exists is a `Conflict` and stays as it is. */
export async function createLedger(
  connection: KubernetesConnection,
  location: LedgerLocation,
  ledger: Ledger,
): Promise<LedgerWrite> {
  const body = bodyOf(ledger, location, { memory: new EntryMemory(), most: LEDGER_MAX_BYTES });
  if (typeof body !== "string") return { outcome: "Refused", why: body.why };
  const collection = `/api/v1/namespaces/${encodeURIComponent(location.namespace)}/configmaps`;
  return send(connection, "POST", collection, body, undefined);
}

async function send(
  connection: KubernetesConnection,
  method: "PUT" | "POST",
  path: string,
  body: string,
  signal: AbortSignal | undefined,
): Promise<LedgerWrite> {
  try {
    await connection.request(path, {
      method,
      query: { fieldManager: FIELD_MANAGER },
      headers: { "content-type": "application/json" },
      body,
      signal,
    });
    return { outcome: "Written" };
  } catch (error) {
    if (!(error instanceof KubernetesApiError)) return { outcome: "Unknown", why: "the call failed" };
    if (error.code === "Conflict") return { outcome: "Conflict", why: error.message };
    return { outcome: NOT_WRITTEN.has(error.code) ? "Refused" : "Unknown", why: error.message };
  }
}

function pathOf({ namespace, name }: LedgerLocation): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps/${encodeURIComponent(name)}`;
}

/** What others may have put on the object: a chart that made it knows it by these. */
const KEPT_METADATA = ["annotations", "ownerReferences", "finalizers"] as const;

/** What is written over: the object as it was read, if it was. */
interface Written {
  readonly resourceVersion?: string;
  readonly metadata?: unknown;
  readonly memory: EntryMemory;
  readonly most: number;
}

function bodyOf(
  ledger: Ledger,
  { namespace, name }: LedgerLocation,
  { resourceVersion, metadata, memory, most }: Written,
): string | { readonly why: string } {
  try {
    return JSON.stringify({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: {
        ...Object.fromEntries(KEPT_METADATA.map((key) => [key, property(metadata, key)])),
        name,
        namespace,
        labels: {
          ...asRecord(property(metadata, "labels")),
          "app.kubernetes.io/name": "node-agent",
          "app.kubernetes.io/component": "ledger",
        },
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
      data: encodeLedger(ledger, memory, most),
    });
  } catch (error) {
    return { why: error instanceof Error ? error.message : "the ledger cannot be written" };
  }
}

function readingOf(
  body: unknown,
  serverTime: number | undefined,
  clusterUid: string,
  location: LedgerLocation,
  memory: EntryMemory,
): LedgerReading {
  const metadata = property(body, "metadata");
  const version = text(metadata, "resourceVersion");
  const createdAt = Date.parse(text(metadata, "creationTimestamp") ?? "");
  const uid = text(metadata, "uid");
  const where = `ConfigMap ${location.namespace}/${location.name}`;
  if (version === undefined || Number.isNaN(createdAt)) {
    return { state: "Unreadable", why: `${where}: expected metadata.resourceVersion and creationTimestamp` };
  }
  const decoded = decodeLedger(asRecord(property(body, "data")) ?? {}, memory);
  if (!decoded.ok) return { state: "Unreadable", why: `${where}: ${decoded.why}` };
  const { cluster } = decoded.ledger.meta;
  if (cluster !== clusterUid) {
    return {
      state: "Foreign",
      why: `${where} is the ledger of cluster ${cluster}, this one is ${clusterUid}`,
    };
  }
  return {
    state: "Found",
    ledger: decoded.ledger,
    version,
    createdAt,
    ...(uid === undefined ? {} : { uid }),
    ...(serverTime === undefined ? {} : { serverTime }),
  };
}
