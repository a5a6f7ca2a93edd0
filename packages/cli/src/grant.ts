import { randomUUID } from "node:crypto";
import { Option, type Command } from "commander";
import { createOrderLedger } from "@node-agent/kubernetes";
import { CHECKER_NAMES } from "@node-agent/shared/core/check.ts";
import type { FleetSummary } from "@node-agent/shared/core/fleet-summary.ts";
import type { GateName } from "@node-agent/shared/core/gates/gate.ts";
import {
  GRANT_FIRST_WIDTH,
  GRANT_LASTS,
  GRANT_LASTS_AT_MOST,
  GRANTS_MAX,
  grantsOf,
  isSameScope,
  newGrant,
  scopeText,
  withGrant,
  withoutGrants,
  type GrantScope,
} from "@node-agent/shared/core/ledger/grant.ts";
import type { Ledger, LedgerGrant } from "@node-agent/shared/core/ledger/ledger.ts";
import { standingOrders } from "@node-agent/shared/core/ledger/standing-orders.ts";
import { CureRates, type CureGroup } from "@node-agent/shared/core/storm/cure-rate.ts";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import { policyOf, type Config } from "@node-agent/shared/runtime/config/config.ts";
import { authorOf } from "./author.ts";
import { CliError } from "./errors.ts";
import { readFleet } from "./fleet-reading.ts";
import { changeLedger, readLedger } from "./ledger-change.ts";
import { countOf, poolName, reasonText, spanOf, zoneName } from "./names.ts";
import { standingGrantText } from "./orders-text.ts";
import { readConfig, withKubernetes, type GlobalOptions } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { jsonText, printable, spanText, whenText } from "./text.ts";

/** Gates that a grant lifts. */
const LIFTED: ReadonlySet<GateName> = new Set<GateName>(["Breaker"]);

interface ScopeOptions {
  readonly zone?: string;
  readonly pool?: string;
  readonly checker?: string;
}

type GrantOptions = GlobalOptions &
  ScopeOptions & {
    readonly reason: string;
    readonly for?: string;
    readonly count?: string;
    readonly force?: boolean;
  };

/** Adds `grant` and `revoke` to the command line. */
export function addGrant(program: Command, terminal: Terminal): void {
  scoped(program.command("grant"))
    .description("let repairs go on although the breaker holds them: slowly at first, within all limits")
    .requiredOption("--reason <text>", "why; kept in the ledger")
    .option("--for <span>", `how long, at most ${spanText(GRANT_LASTS_AT_MOST)}`, spanText(GRANT_LASTS))
    .option(
      "--count <number>",
      "how many repairs may begin under it; without it, as many as the limits allow",
    )
    .option("--force", "also when nothing in this scope is held now")
    .action(async (_: unknown, command: Command) => {
      await grantCommand(command.optsWithGlobals<GrantOptions>(), terminal);
    });
  scoped(program.command("revoke"))
    .description("end the grant of exactly this scope (none named: the fleet), or every grant")
    .addOption(new Option("--all", "every grant").conflicts(["zone", "pool", "checker"]))
    .action(async (_: unknown, command: Command) => {
      await revokeCommand(
        command.optsWithGlobals<GlobalOptions & ScopeOptions & { all?: boolean }>(),
        terminal,
      );
    });
}

function scoped(command: Command): Command {
  return command
    .option("--zone <name>", "only this zone")
    .option("--pool <id>", "only this node pool")
    .addOption(new Option("--checker <name>", "only nodes that this checker fails").choices(CHECKER_NAMES));
}

/** `grant`: an operator looked at a storm, or at repairs that cured nothing, and wants repair to go on. */
async function grantCommand(options: GrantOptions, terminal: Terminal): Promise<void> {
  const scope = scopeOf(options);
  const reason = reasonText(options.reason);
  const lasts = spanOf("--for", options.for ?? spanText(GRANT_LASTS), GRANT_LASTS_AT_MOST);
  const count = options.count === undefined ? {} : { count: countOf("--count", options.count) };
  const config = readConfig(options, terminal);
  await withKubernetes(config, terminal, async (connection) => {
    const store = createOrderLedger(connection, config.ledger);
    if (options.force !== true) {
      const { ledger } = await readLedger(store);
      await refuseWithoutNeed(scope, ledger, config, terminal);
    }
    const by = await authorOf(connection, terminal);
    const order = { ...scope, ...count, id: randomUUID().slice(0, 8), by, reason };
    const { changed, ledger } = await changeLedger(store, terminal.clock, (before, since) =>
      withGrant(before, newGrant({ ...order, lasts }, since)),
    );
    const grant = grantsOf(ledger.meta).find(({ id }) => id === order.id);
    if (!changed || grant === undefined)
      throw new CliError("Ledger", `${GRANTS_MAX} grants hold already; end one with: node-agent revoke`);
    if (options.output === "json") terminal.out(jsonText({ changed, grant }));
    else {
      terminal.out(
        printable(
          `granted: ${scopeText(grant)}, until ${whenText(grant.until, grant.since)}; ` +
            `${GRANT_FIRST_WIDTH} repairs at a time at first, and more as nodes recover, within all limits`,
        ) + "\n",
      );
    }
  });
}

/** A grant that nothing asks for would wait for the next storm, which no one has looked at. */
async function refuseWithoutNeed(
  scope: GrantScope,
  ledger: Ledger,
  config: Config,
  terminal: Terminal,
): Promise<void> {
  const clocks = clocksOf([terminal.clock.now()]);
  const stopped = new CureRates(ledger, policyOf(config).cureRate, clocks).stopped();
  if (stopped.some((group) => isWithin(group, scope))) return;
  const { summary } = await readFleet(config, terminal);
  if (heldIn(scope, summary) > 0) return;
  throw new CliError(
    "NotFound",
    `nothing is held by the breaker now: ${scopeText(scope)}; nothing was granted. ` +
      "See node-agent status, or grant it beforehand with --force",
  );
}

/** A zone says nothing of the pools in it: a grant of one zone may be meant for the repairs that stopped. */
function isWithin(group: CureGroup, { pool, checker }: GrantScope): boolean {
  return (pool === undefined || pool === group.pool) && (checker === undefined || checker === group.checker);
}

/** Failing nodes in the scope that a gate holds which a grant lifts. */
function heldIn({ zone, pool, checker }: GrantScope, { failing }: FleetSummary): number {
  return failing.filter(
    (node) =>
      (zone === undefined || node.zone === zone) &&
      (pool === undefined || node.pool === pool) &&
      (checker === undefined || node.failing.some((one) => one.checker === checker)) &&
      node.holds.some(({ gate }) => LIFTED.has(gate)),
  ).length;
}

/** `revoke`: ends grants before their time, and says which still hold. */
async function revokeCommand(
  options: GlobalOptions & ScopeOptions & { readonly all?: boolean },
  terminal: Terminal,
): Promise<void> {
  const scope = scopeOf(options);
  const config = readConfig(options, terminal);
  await withKubernetes(config, terminal, async (connection) => {
    const store = createOrderLedger(connection, config.ledger);
    const by = await authorOf(connection, terminal);
    const ends = (grant: LedgerGrant): boolean => options.all === true || isSameScope(grant, scope);
    let now: EpochMillis = terminal.clock.now();
    const { changed, ledger } = await changeLedger(store, terminal.clock, (before, at) => {
      now = at;
      return withoutGrants(before, ends, by, at);
    });
    const what = options.all === true ? "all grants" : `the grant of ${scopeText(scope)}`;
    if (options.output === "json")
      terminal.out(jsonText({ revoked: changed, grants: grantsOf(ledger.meta) }));
    else terminal.out(printable(changed ? `revoked: ${what}` : `nothing to revoke: ${what}`) + "\n");
    for (const still of standingOrders(ledger.meta, now).grants) {
      terminal.err(printable(`node-agent: still granted: ${standingGrantText(still, now)}`) + "\n");
    }
  });
}

function scopeOf({ zone, pool, checker }: ScopeOptions): GrantScope {
  return {
    ...(zone === undefined ? {} : { zone: zoneName(zone) }),
    ...(pool === undefined ? {} : { pool: poolName(pool) }),
    ...(checker === undefined ? {} : { checker }),
  };
}
