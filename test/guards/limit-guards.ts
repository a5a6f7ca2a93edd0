import type { Guard } from "./guard.ts";

const STORM = "packages/shared/src/core/storm";
const GATES = "packages/shared/src/core/gates";
const LIMITS = ["test/unit/core/limits.test.ts"];
const BREAKER = ["test/unit/core/breaker.test.ts"];
const GRANT = ["test/unit/core/gates-breaker.test.ts"];
const CURES = ["test/unit/core/cure-rate.test.ts"];
const BRAKE = ["test/unit/worker/call-brake.test.ts", "test/unit/worker/reboot-processor.test.ts"];

/** The guards of the four controls. */
export const LIMIT_GUARDS: readonly Guard[] = [
  {
    guard: "limits: open in a pool",
    file: `${STORM}/limits.ts`,
    from: "allowed(open.pool, byPool.get(pool) ?? 0)",
    to: "1e9",
    tests: LIMITS,
  },
  {
    guard: "limits: open in a zone",
    file: `${STORM}/limits.ts`,
    from: "allowed(open.zone, byZone.get(zone) ?? 0)",
    to: "1e9",
    tests: LIMITS,
  },
  {
    guard: "limits: open in the cluster",
    file: `${STORM}/limits.ts`,
    from: 'this.#full("Cluster", CLUSTER, allowed(open.cluster, nodes), subject) ??',
    to: 'this.#full("Cluster", CLUSTER, 1e9, subject) ??',
    tests: LIMITS,
  },
  {
    guard: "limits: the rate of the cluster",
    file: `${STORM}/limits.ts`,
    from: "allowed(this.#policy.rate, nodes)",
    to: "1e9",
    tests: LIMITS,
  },
  {
    guard: "limits: the rate of a VM",
    file: `${STORM}/limits.ts`,
    from: "const most = this.#policy.nodePerDay;",
    to: "const most = 1e9;",
    tests: LIMITS,
  },
  {
    guard: "limits: the slow start of a grant",
    file: `${STORM}/limits.ts`,
    from: 'return this.#full("Grant", grantKey(id), width, subject);',
    to: "return undefined;",
    tests: [...LIMITS, ...GRANT],
  },
  {
    guard: "limits: a grant in peacetime slows nothing down",
    file: `${GATES}/ledger-view.ts`,
    from: "grant !== undefined && breaker?.ask(subject) !== undefined",
    to: "grant !== undefined",
    tests: GRANT,
  },
  {
    guard: "limits: what a pass takes counts at once",
    file: `${STORM}/limits.ts`,
    from: "for (const scope of scopesOf(place)) this.#count(scope, Infinity);",
    to: "void place;",
    tests: LIMITS,
  },
  {
    guard: "limits: half of a cluster at once is refused",
    file: "packages/shared/src/runtime/config/checks.ts",
    from: "!limits.override && percent > MOST_PERCENT",
    to: "!limits.override && percent > 1e9",
    tests: ["test/unit/runtime/config/limits.test.ts"],
  },
  {
    guard: "limits: an old count stays a cap",
    file: "packages/shared/src/runtime/config/retired.ts",
    from: "target === zero ? 0 : value",
    to: "target === zero ? 50 : value",
    tests: ["test/unit/runtime/config/limits.test.ts"],
  },
  {
    guard: "breaker: old failures do not count",
    file: `${STORM}/breaker.ts`,
    from: "startOf(node) > now - youngFor && ",
    to: "",
    tests: BREAKER,
  },
  {
    guard: "breaker: paused nodes do not count",
    file: `${STORM}/breaker.ts`,
    from: " && !isPaused(node, ledger, now)",
    to: "",
    tests: BREAKER,
  },
  {
    guard: "breaker: nodes that are not repaired do not count",
    file: `${STORM}/fleet.ts`,
    from: "excused !== true && ",
    to: "",
    tests: BREAKER,
  },
  {
    guard: "breaker: a lost zone holds the zone alone",
    file: `${STORM}/breaker.ts`,
    from: "zone === undefined || !zones.has(zone)",
    to: "zone === undefined || zones.has(zone) || !zones.has(zone)",
    tests: BREAKER,
  },
  {
    guard: "breaker: it holds its zone",
    file: `${STORM}/breaker.ts`,
    from: "if (inZone !== undefined) return",
    to: "if (inZone === null) return",
    tests: BREAKER,
  },
  {
    guard: "breaker: all nodes silent is never believed, grant or not",
    file: `${GATES}/breaker.ts`,
    from: "const grant = grantable ? view?.grant : undefined;",
    to: "const grant = view?.grant;",
    tests: GRANT,
  },
  {
    guard: "breaker: all silent is judged over every node of the list",
    file: `${STORM}/breaker.ts`,
    from: "fleet.silent === fleet.listed",
    to: "fleet.silent >= fleet.nodes",
    tests: BREAKER,
  },
  {
    guard: "cure rate: repairs that do not help stop",
    file: `${STORM}/cure-rate.ts`,
    from: "if (told >= minimum && ",
    to: "if (told >= 1e9 && ",
    tests: [...CURES, "test/unit/worker/reboot-limits.test.ts"],
  },
  {
    guard: "cure rate: repairs in flight are not cured yet",
    file: `${STORM}/cure-rate.ts`,
    from: "const all = looked + inFlight;",
    to: "const all = looked;",
    tests: CURES,
  },
  {
    guard: "cure rate: a repair that was not executed is no evidence",
    file: "packages/shared/src/core/ledger/history.ts",
    from: 'return outcome === "StillBad";',
    to: 'return outcome === "StillBad" || outcome === "NotExecuted";',
    tests: CURES,
  },
  {
    guard: "cure rate: a grant starts the count again",
    file: `${STORM}/cure-rate.ts`,
    from: "entry.at > grantedSince(meta, entry)",
    to: "entry.at > 0",
    tests: CURES,
  },
  {
    guard: "brake: a process sends no more than the limits allow",
    file: "packages/worker/src/reboot-call.ts",
    from: "if (claim !== undefined && claim.wait > 0) {",
    to: "if (claim !== undefined && claim.wait > 1e15) {",
    tests: BRAKE,
  },
];
