import { Agent, ProxyAgent, type Dispatcher } from "undici";
import { MINUTE, SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { Credential } from "../credentials/credential.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { isSameMaterial, readTlsMaterial, withIssuedCertificate, type TlsMaterial } from "./tls-material.ts";

/** TCP connection and TLS handshake together. */
const CONNECT_TIMEOUT: Millis = 10 * SECOND;
/** client-go's; below the idle timeouts of cloud load balancers. */
const KEEP_ALIVE_PROBE: Millis = 30 * SECOND;
/** An idle connection is kept for the next call. */
const IDLE_TIMEOUT: Millis = 1 * MINUTE;
/** CA and certificate files are looked at again after this long. */
const MATERIAL_MAX_AGE: Millis = 1 * MINUTE;
/** After so many failures in a row the agent is built anew, whatever the files say. */
const CONNECT_FAILURES_BEFORE_REBUILD = 5;

/** The one HTTP agent of a cluster: calls share its connections, and it follows rotated certificates. */
export interface ClusterAgent {
  /** The dispatcher to use for a call with this credential. */
  dispatcher(credential: Credential): Promise<Dispatcher>;
  /** A connection was made: the failures so far are forgotten. */
  connected(): void;
  /** No connection could be made. */
  connectFailed(): void;
  close(): Promise<void>;
}

function build(access: ClusterAccess, material: TlsMaterial): Dispatcher {
  const tls = {
    ...material,
    ...(access.tlsServerName === undefined ? {} : { servername: access.tlsServerName }),
    ...(access.skipTlsVerify ? { rejectUnauthorized: false } : {}),
    timeout: CONNECT_TIMEOUT,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_PROBE,
  };
  const options = {
    // HTTP/1.1 only: a watch has a connection of its own, whose death is seen as such; with HTTP/2 all calls share one
    // whose half-open state only a PING would show (pepr's ADR 0015 went the same way after soak tests).
    allowH2: false,
    // Deadlines are ours, per call: a list may be slow, a watch may be silent.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: IDLE_TIMEOUT,
  };
  if (access.proxyUrl !== undefined) {
    return new ProxyAgent({
      ...options,
      uri: access.proxyUrl.replace(/^socks5h:/, "socks5:"),
      requestTls: tls,
      proxyTls: { timeout: CONNECT_TIMEOUT, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_PROBE },
    });
  }
  return new Agent({ ...options, connect: tls });
}

/** Makes the agent of one cluster; nothing is opened before the first call. */
export function createClusterAgent(access: ClusterAccess, clock: Clock): ClusterAgent {
  let current: { readonly dispatcher: Dispatcher; readonly material: TlsMaterial } | undefined;
  let files: { readonly material: TlsMaterial; readonly readAt: Millis } | undefined;
  const retired = new Set<Dispatcher>();
  let failures = 0;
  let isClosed = false;

  const retire = (): void => {
    if (current === undefined) return;
    const { dispatcher } = current;
    current = undefined;
    retired.add(dispatcher);
    // Graceful: a watch that is still open on it ends when it ends.
    void dispatcher.close().finally(() => retired.delete(dispatcher));
  };

  const readFiles = async (): Promise<TlsMaterial> => {
    if (files !== undefined && clock.monotonic() - files.readAt < MATERIAL_MAX_AGE) return files.material;
    try {
      files = { material: await readTlsMaterial(access), readAt: clock.monotonic() };
    } catch (fault) {
      // A rotation in progress: what we have may still work.
      if (files === undefined) throw fault;
    }
    return files.material;
  };

  return {
    dispatcher: async (credential) => {
      const material = withIssuedCertificate(await readFiles(), credential);
      if (current !== undefined && !isSameMaterial(current.material, material)) retire();
      if (current === undefined) {
        if (isClosed) throw new Error("the connection is closed");
        current = { dispatcher: build(access, material), material };
      }
      return current.dispatcher;
    },
    connected: () => {
      failures = 0;
    },
    connectFailed: () => {
      failures += 1;
      // The reason may be a certificate that has been replaced on disk.
      files = undefined;
      if (failures % CONNECT_FAILURES_BEFORE_REBUILD === 0) retire();
    },
    close: async () => {
      isClosed = true;
      const open = [...retired, ...(current === undefined ? [] : [current.dispatcher])];
      current = undefined;
      await Promise.all(open.map((dispatcher) => dispatcher.destroy()));
    },
  };
}
