import type { Guard } from "./guard.ts";

const EXECUTOR = "packages/civo/src/civo-executor.ts";

const INVENTORY = "packages/civo/src/inventory.ts";

const CONFIG = "packages/shared/src/runtime/config";
const VARIABLES = "test/unit/runtime/config/variables.test.ts";

const METRICS = "packages/shared/src/runtime/metrics";
const ZEROS = "test/unit/runtime/metrics/zero-starts.test.ts";

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
    file: INVENTORY,
    from: "const byName = Map.groupBy(listed, ({ hostname }) => lowerCase(hostname));",
    to: "const byName = Map.groupBy(listed, ({ hostname }) => hostname);",
    tests: ["test/unit/civo/civo-executor.test.ts"],
  },
  {
    guard: "identity: an instance that the list of the cluster lacks is not rebooted",
    file: EXECUTOR,
    from: "if (members.length === 0) return",
    to: "if (false as boolean) return",
    tests: ["test/unit/civo/civo-executor.test.ts"],
  },
  {
    guard: "identity: a list of instances older than a minute names nothing",
    file: INVENTORY,
    from: "if (held !== undefined && this.#clock.monotonic() - held.startedAt <= this.#maxAge) {",
    to: "if (held !== undefined) {",
    tests: ["test/unit/civo/inventory.test.ts"],
  },
  {
    guard: "identity: a list with an instance that cannot be read is no list",
    file: "packages/civo/src/instance-list.ts",
    from: 'if (!instance.success) throw new SyntaxError("an instance that cannot be read");',
    to: 'if (!instance.success) return { id: "", hostname: "", status: "" };',
    tests: ["test/unit/civo/instance-list.property.test.ts"],
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
    file: "packages/worker/src/reboot-transaction.ts",
    from: "journal.fault(dependencyOf(error) ?? asked, failed, node);",
    to: "journal.fault(asked, failed, node);",
    tests: ["test/unit/worker/named-faults.test.ts"],
  },
  {
    guard: "settings: no blank or line break at the end of a variable counts",
    file: `${CONFIG}/kinds.ts`,
    from: 'return typeof raw === "string" ? raw.trim() : raw;',
    to: "return raw;",
    tests: [VARIABLES],
  },
  {
    guard: "settings: an unknown variable of our own prefix is an error",
    file: `${CONFIG}/unknown-variables.ts`,
    from: "else if (name.startsWith(OWN_PREFIX))",
    to: "else if (false as boolean)",
    tests: [VARIABLES],
  },
  {
    guard: "settings: two names of one setting must agree",
    file: `${CONFIG}/sources.ts`,
    from: "if (!addsUp && new Set(values).size > 1) {",
    to: "if (false as boolean) {",
    tests: [VARIABLES],
  },
  {
    guard: "zero: a scrape begins the series of every pool",
    file: `${METRICS}/scrape.ts`,
    from: '          if (gauge === "nodes") metrics.learn(labels["pool"]);\n',
    to: "",
    tests: [ZEROS],
  },
  {
    guard: "zero: what is counted begins the series of its pool",
    file: `${METRICS}/registry.ts`,
    from: '    if (labels.includes("pool")) learn(pool, startsAtZeroPerNode === true ? node : undefined);\n',
    to: "    void [labels, pool, node, startsAtZeroPerNode];\n",
    tests: [ZEROS],
  },
  {
    guard: "zero: with perNodeMetrics a scrape begins the series of sick nodes",
    file: `${METRICS}/scrape.ts`,
    from: "    metrics.learn(pool, node);\n",
    to: "",
    tests: [ZEROS],
  },
  {
    guard: "zero: a query of the documents counts only what begins at 0",
    file: "packages/shared/src/contract/metric-names.ts",
    from: "    startsAtZero: [{ outcome: ANSWERS }],\n",
    to: "",
    tests: ["test/unit/docs/queries.test.ts"],
  },
];
