import type { NodeSnapshot } from "../core/node.ts";
import type { Executor } from "../ports/executor.ts";

/** `<scheme>://<id>`: what every cloud's controller writes into `spec.providerID`. */
const providerId = /^[a-z][a-z0-9+.-]*:\/\/(?<id>.+)$/;

/**
 * The executor of monitor-only mode (I5): it has no cloud, no key and no network, so it cannot call one. The target is
 * named from the snapshot alone (the id of the provider id, else the node's name) and serves the record of what would
 * have been rebooted.
 */
export function createNopExecutor(): Executor {
  return {
    name: "nop",
    readAhead: async () => undefined,
    resolve: async (node: NodeSnapshot) => {
      const id = providerId.exec(node.providerId ?? "")?.groups?.["id"];
      return { ok: true, target: { instanceId: id ?? node.name, hostname: node.name } };
    },
    reboot: async (target) => ({
      outcome: "Simulated",
      detail: `monitor-only: ${target.hostname} would have been rebooted`,
    }),
  };
}
