import type { Guard } from "./guard.ts";

const CORE = "packages/shared/src/core";
const CONSOLE = "packages/console/src";
const SUMMARY = "test/unit/core/fleet-summary.test.ts";
const SERVER = "test/integration/console/server.test.ts";
const STORY = "test/unit/scripts/demo-story.test.ts";

/** The lines that keep what people see true: the summary of the fleet, the demo and the queue dashboard. */
export const VIEW_GUARDS: readonly Guard[] = [
  {
    guard: "status: a gate that was not asked is no hold, one that was is",
    file: `${CORE}/fleet-repairs.ts`,
    from: 'return !UNASKED.has(gate) && (gate !== "Blind" || state !== undefined);',
    to: "return !UNASKED.has(gate);",
    tests: [SUMMARY],
  },
  {
    guard: "status: a node that the configuration leaves out is judged by no checker",
    file: `${CORE}/fleet-summary.ts`,
    from: "const judged = nodes.filter(({ selected }) => selected).map(",
    to: "const judged = nodes.map(",
    tests: [SUMMARY],
  },
  {
    guard: "status: a checker that applies to no node is named",
    file: "packages/cli/src/status-text.ts",
    from: "const silent = checkers.filter(({ judged }) => selected > 0 && judged === 0).map(appliesNowhere);",
    to: "const silent: string[] = selected < 0 ? checkers.map(appliesNowhere) : [];",
    tests: ["test/unit/cli/status-text.test.ts"],
  },
  {
    guard: "demo: every span of the schema is scaled",
    file: "scripts/demo/settings.ts",
    from: "(REAL_SPANS[key] ?? scaled(fallback))",
    to: '(REAL_SPANS[key] ?? (key.startsWith("ledger.") ? undefined : scaled(fallback)))',
    tests: ["test/unit/scripts/demo-settings.test.ts"],
  },
  {
    guard: "demo: limits per hour and day are scaled",
    file: "scripts/demo/settings.ts",
    from: "return PER_TIME.test(key) ? Number(fallback) * SPEED : undefined;",
    to: "return PER_TIME.test(key) ? Number(fallback) : undefined;",
    tests: ["test/unit/scripts/demo-settings.test.ts"],
  },
  {
    guard: "watch: every sentence about a repair says would be",
    file: "scripts/demo/story.ts",
    from: '(mode === "active" ? ACTIVE : MONITOR)',
    to: '(mode === "active" ? ACTIVE : ACTIVE)',
    tests: [STORY],
  },
  {
    guard: "dashboard: a foreign Host is refused",
    file: `${CONSOLE}/server.ts`,
    from: "if (!isAllowedHost(headers.host, socket.localAddress, { host, allowedHosts })) {",
    to: "if (isAllowedHost(headers.host, socket.localAddress, { host, allowedHosts }) === undefined) {",
    tests: [SERVER],
  },
  {
    guard: "dashboard: a read-only dashboard refuses every write",
    file: `${CONSOLE}/server.ts`,
    from: "if (board.readOnly && !isRead(request)) {",
    to: "if (board.readOnly && false) {",
    tests: [SERVER],
  },
  {
    guard: "dashboard: nothing is loaded from other hosts",
    file: `${CONSOLE}/server.ts`,
    from: "const page = withoutForeign(payload);",
    to: "const page = payload;",
    tests: [SERVER],
  },
  {
    guard: "dashboard: every answer has the content policy",
    file: `${CONSOLE}/server.ts`,
    from: "reply.headers(SECURITY_HEADERS);",
    to: "",
    tests: [SERVER],
  },
  {
    guard: "dashboard: the next run of a delayed job is the true one",
    file: `${CONSOLE}/true-times.ts`,
    from: "job.delay = Math.max(1, at - job.timestamp);",
    to: "",
    tests: [SERVER],
  },
];
