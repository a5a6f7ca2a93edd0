import type { Guard } from "./guard.ts";

const EXECUTOR = "packages/civo/src/civo-executor.ts";

/** The guards at the edges of the agent: what a VM is, what a setting is, what a metric says. */
export const EDGE_GUARDS: readonly Guard[] = [
  {
    guard: "identity: the host name of the VM is the node's name",
    file: EXECUTOR,
    from: "if (!namesNode(instance.hostname, node) || ",
    to: "if (",
    tests: ["test/unit/civo/civo-executor.test.ts"],
  },
  {
    guard: "identity: without a provider id the letter case of the host name counts",
    file: EXECUTOR,
    from: "if (hostname !== node.name && claimants.length === 1) {",
    to: "if (false as boolean) {",
    tests: ["test/unit/civo/civo-executor.test.ts"],
  },
  {
    guard: "identity: a name in another letter case is a second claimant",
    file: EXECUTOR,
    from: "return listed.filter(({ hostname }) => namesNode(hostname, node));",
    to: "return listed.filter(({ hostname }) => hostname === node.name);",
    tests: ["test/unit/civo/civo-executor.test.ts"],
  },
  {
    guard: "faults: a read that failed is counted against the dependency that failed",
    file: "packages/worker/src/reboot-transaction.ts",
    from: "journal.fault(dependencyOf(error) ?? asked, failed, node);",
    to: 'journal.fault("Kubernetes", failed, node);',
    tests: ["test/unit/worker/named-faults.test.ts"],
  },
  {
    guard: "faults: a verdict that failed is counted against the dependency that failed",
    file: "packages/worker/src/verifier.ts",
    from: 'return { failed, dependency: dependencyOf(error) ?? "Kubernetes" };',
    to: 'return { failed, dependency: "Kubernetes" };',
    tests: ["test/unit/worker/named-faults.test.ts"],
  },
];
