import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import type { NodeReader } from "@node-agent/shared/ports/node-reader.ts";
import type { KubernetesConnection } from "./connection/connection.ts";
import { KubernetesApiError } from "./errors.ts";
import { property, text } from "./raw-object.ts";

/** What became of turning a raw Node into a snapshot; `toSnapshot` of core is the one that is injected. */
export type ProjectNode = (
  raw: unknown,
) => { readonly ok: true; readonly snapshot: NodeSnapshot } | { readonly ok: false; readonly error: string };

/** A read that takes longer tells nothing in time. */
const READ_DEADLINE: Millis = 10 * SECOND;

/** What a node reader is made of. */
export interface NodeReaderDeps {
  readonly connection: KubernetesConnection;
  readonly project: ProjectNode;
  readonly deadline?: Millis;
  /** Reads the addresses of a raw Node, for who asks what runs on it. */
  readonly addresses?: (raw: unknown) => readonly string[];
}

/**
 * Reads single nodes by GET without a resourceVersion. Only a 404 with a Status object about a Node counts as "not
 * found": the 404 of a proxy or of a wrong path must not make anyone forget a node.
 */
export function createNodeReader({
  connection,
  project,
  deadline = READ_DEADLINE,
  addresses,
}: NodeReaderDeps): NodeReader {
  return {
    read: async (name, signal) => {
      const path = `/api/v1/nodes/${encodeURIComponent(name)}`;
      try {
        const { body } = await connection.request(path, { deadline, signal });
        const projected = project(body);
        if (!projected.ok) {
          throw new KubernetesApiError("MalformedAnswer", `GET ${path}: ${projected.error}`);
        }
        if (text(property(body, "metadata"), "name") !== name) {
          throw new KubernetesApiError("MalformedAnswer", `GET ${path}: the answer is another node`);
        }
        return {
          found: true,
          node: projected.snapshot,
          ...(addresses === undefined ? {} : { addresses: addresses(body) }),
        };
      } catch (fault) {
        const isAbsent =
          fault instanceof KubernetesApiError && fault.code === "NotFound" && fault.reason === "NotFound";
        if (isAbsent) return { found: false };
        throw fault;
      }
    },
  };
}
