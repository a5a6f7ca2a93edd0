import { MINUTE } from "@node-agent/shared/core/time.ts";
import type { NodeLister } from "@node-agent/shared/ports/node-lister.ts";
import type { KubernetesConnection } from "./connection/connection.ts";
import type { ProjectNode } from "./node-reader.ts";
import { listPages } from "./reflector/list-pages.ts";

/** What a lister is made of. */
export interface NodeListerDeps {
  readonly connection: KubernetesConnection;
  readonly project: ProjectNode;
}

/** Lists every node by a quorum read, page by page. Objects that cannot be read are left out. */
export function createNodeLister({ connection, project }: NodeListerDeps): NodeLister {
  return {
    list: async function* (signal) {
      const path = "/api/v1/nodes";
      for await (const page of listPages({
        connection,
        path,
        notOlderThan: "",
        pageDeadline: MINUTE,
        signal,
      })) {
        for (const raw of page.items) {
          const projected = project(raw);
          if (projected.ok) yield projected.snapshot;
        }
      }
    },
  };
}
