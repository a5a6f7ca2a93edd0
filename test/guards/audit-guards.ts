import type { Guard } from "./guard.ts";

const REFLECTOR = "packages/kubernetes/src/reflector";
const RESYNC = "packages/watcher/src/resync.ts";
const AUDIT = ["test/unit/kubernetes/audit.test.ts"];
const DRIFT = ["test/unit/watcher/resync-drift.test.ts"];
const CACHES = ["test/unit/worker/cache-audits.test.ts"];

/** The comparisons of our caches with their sources: without any of them a node could be dead and nothing would show it. */
export const AUDIT_GUARDS: readonly Guard[] = [
  {
    guard: "audit: a probe below the view's version means that history went back",
    file: `${REFLECTOR}/view-probe.ts`,
    from: 'if (order === -1) return "WentBack";',
    to: "",
    tests: AUDIT,
  },
  {
    guard: "audit: history went back only when two answers say so",
    file: `${REFLECTOR}/view-probe.ts`,
    from: 'const isConfirmed = second.verdict === "WentBack";',
    to: "const isConfirmed = true;",
    tests: AUDIT,
  },
  {
    guard: "audit: a server that is ahead of a silent watch means that it is deaf",
    file: `${REFLECTOR}/view-probe.ts`,
    from: 'return order === 1 && view.quietFor >= DEAF_TIMEOUTS * idleTimeout ? "Deaf" : "Sound";',
    to: 'return "Sound";',
    tests: AUDIT,
  },
  {
    guard: "audit: being ahead alone means nothing",
    file: `${REFLECTOR}/view-probe.ts`,
    from: "order === 1 && view.quietFor >= DEAF_TIMEOUTS * idleTimeout",
    to: "order === 1",
    tests: AUDIT,
  },
  {
    guard: "audit: what looks odd makes the probe hurry",
    file: `${REFLECTOR}/reflector.ts`,
    from: 'if (compareResourceVersions(version ?? "", position.seen()) === -1) probe.hurry();',
    to: "",
    tests: AUDIT,
  },
  {
    guard: "audit: all nodes are listed now and then",
    file: `${REFLECTOR}/view-probe.ts`,
    from: "if (!signal.aborted) due();",
    to: "",
    tests: AUDIT,
  },
  {
    guard: "audit: what the watch would have brought next is no drift",
    file: `${REFLECTOR}/drift.ts`,
    from: "return everything || order === -1 || order === 0;",
    to: "return true;",
    tests: AUDIT,
  },
  {
    guard: "audit: a node that the watch passed over is forgotten",
    file: `${REFLECTOR}/reflector.ts`,
    from: "forgetNodes(passed.names);",
    to: "",
    tests: AUDIT,
  },
  {
    guard: "audit: a list from behind is taken only when the next answer agrees",
    file: `${REFLECTOR}/take-list.ts`,
    from: "if (compareResourceVersions(version, seen) !== -1) return false;",
    to: "if (version !== seen) return false;",
    tests: AUDIT,
  },
  {
    guard: "audit: empty watches in a row mean a list",
    file: `${REFLECTOR}/reflector.ts`,
    from: 'if (empties >= EMPTY_WATCHES_BEFORE_LIST) doubt.raise("EmptyWatches");',
    to: "",
    tests: AUDIT,
  },
  {
    guard: "audit: a stored version that the server has not reached is replaced",
    file: RESYNC,
    from: "isNewer(stored.resourceVersion, server.version);",
    to: "false;",
    tests: DRIFT,
  },
  {
    guard: "audit: a view of a lost history replaces nothing",
    file: RESYNC,
    from: "if (server.viewIsAhead) return",
    to: "if (server.version === '') return",
    tests: DRIFT,
  },
  {
    guard: "audit: a lost history is replaced as it was read, or not at all",
    file: "packages/shared/src/redis/commands/publish-3.lua",
    from: "current == over or newer(rv, currentRv)",
    to: "over ~= '' or newer(rv, currentRv)",
    tests: ["test/integration/redis/contracts.test.ts"],
  },
  {
    guard: "audit: what was on its way is no drift",
    file: "packages/watcher/src/differences.ts",
    from: "sets.every((set) => set.get(name) === first.get(name));",
    to: "true;",
    tests: DRIFT,
  },
  {
    guard: "audit: a record that its snapshot does not bear out is counted",
    file: "packages/worker/src/record-audit.ts",
    from: "return failed && isKnown &&",
    to: "return !failed && isKnown &&",
    tests: CACHES,
  },
  {
    guard: "audit: a fleet list that contradicts the read of the node is not built on",
    file: "packages/worker/src/fleet-watch.ts",
    from: "if (!(isListLater && order === -1) && !(isReadLater && order === 1)) return;",
    to: "if (order !== undefined) return;",
    tests: CACHES,
  },
  {
    guard: "audit: explain says that the stored snapshot contradicts the API server",
    file: "packages/shared/src/runtime/behind-look.ts",
    from: "return contradicts(again, stored, sources) ? behindOf(again, stored) : undefined;",
    to: "return undefined;",
    tests: ["test/unit/runtime/behind-look.test.ts"],
  },
  {
    guard: "audit: explain promises no reboot while the view is behind",
    file: "packages/shared/src/core/explain-gates.ts",
    from: "if (behind !== undefined) return behind;",
    to: "",
    tests: ["test/unit/core/explain-behind.test.ts"],
  },
  {
    guard: "a ledger entry is remembered by its exact text only",
    file: "packages/shared/src/contract/entry-memory.ts",
    from: "return known?.text === text ? known?.entry : undefined;",
    to: "return known?.entry;",
    tests: ["test/unit/core/entry-memory.property.test.ts"],
  },
  {
    guard: "nobody changes what is remembered of the ledger",
    file: "packages/shared/src/contract/entry-memory.ts",
    from: "Object.freeze(entry);",
    to: "",
    tests: ["test/unit/core/entry-memory.property.test.ts"],
  },
  {
    guard: "view: its age does not shrink when the wall clock is set back",
    file: "packages/shared/src/ports/clock.ts",
    from: "Math.max(0, clock.now() - wall, clock.monotonic() - monotonic)",
    to: "Math.max(0, clock.now() - wall)",
    tests: ["test/unit/watcher/publisher.test.ts"],
  },
  {
    guard: "view: its age grows while the machine is suspended",
    file: "packages/shared/src/ports/clock.ts",
    from: "Math.max(0, clock.now() - wall, clock.monotonic() - monotonic)",
    to: "Math.max(0, clock.monotonic() - monotonic)",
    tests: ["test/unit/watcher/publisher.test.ts"],
  },
];
