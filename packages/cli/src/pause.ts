import {
  createOrderLedger,
  createNodeLister,
  createNodeReader,
  createSnapshotFilter,
  type KubernetesConnection,
} from "@node-agent/kubernetes";
import { standingOrders } from "@node-agent/shared/core/ledger/standing-orders.ts";
import { withoutPause, withPause } from "@node-agent/shared/core/ledger/steps.ts";
import { pauseOf, type PauseScope } from "@node-agent/shared/core/pause.ts";
import { poolOf } from "@node-agent/shared/core/node.ts";
import { toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { DAY, SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import type { Config } from "@node-agent/shared/runtime/config/config.ts";
import { deadlineSignal } from "@node-agent/shared/runtime/deadline.ts";
import { authorOf } from "./author.ts";
import { CliError } from "./errors.ts";
import { changeLedger } from "./ledger-change.ts";
import { nodeName, poolName, reasonText, spanOf } from "./names.ts";
import { pauseScopeText, pauseText, standingPauseText } from "./orders-text.ts";
import type { GlobalOptions } from "./session.ts";
import { readConfig, withKubernetes } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { jsonText, printable } from "./text.ts";

/** The longest span of a pause; without one it stands until it is resumed. */
const LONGEST: Millis = 30 * DAY;

/** What a pause or its end is for; neither: the fleet. */
export interface ScopeOptions {
  readonly pool?: string;
  readonly node?: string;
}

/** `pause`: no reboot begins in the scope from now on, in whatever state its pending reboot is. */
export async function pauseCommand(
  options: GlobalOptions & ScopeOptions & { readonly reason: string; readonly for?: string },
  terminal: Terminal,
): Promise<void> {
  const scope = scopeOf(options);
  const reason = reasonText(options.reason);
  const lasts = options.for === undefined ? undefined : spanOf("--for", options.for, LONGEST);
  const config = readConfig(options, terminal);
  await withKubernetes(config, terminal, async (connection) => {
    const by = await authorOf(connection, terminal);
    const store = createOrderLedger(connection, config.ledger);
    const { changed, ledger } = await changeLedger(store, terminal.clock, (before, since) =>
      withPause(before, scope, {
        since,
        ...(lasts === undefined ? {} : { until: since + lasts }),
        by,
        reason,
      }),
    );
    const pause = pauseOf(ledger, scope);
    if (options.output === "json") terminal.out(jsonText({ scope, paused: true, changed, pause }));
    else {
      const word = changed ? "paused" : "was paused already";
      terminal.out(
        printable(`${pauseScopeText(scope)} ${word} ${pause === undefined ? "" : pauseText(pause)}`) + "\n",
      );
    }
    await warnOfUnknown(scope, config, connection, terminal);
  });
}

/** `resume`: ends the pause of exactly this scope, and tells what else still holds. */
export async function resumeCommand(
  options: GlobalOptions & ScopeOptions,
  terminal: Terminal,
): Promise<void> {
  const scope = scopeOf(options);
  const config = readConfig(options, terminal);
  await withKubernetes(config, terminal, async (connection) => {
    const store = createOrderLedger(connection, config.ledger);
    let now = terminal.clock.now();
    const { changed, ledger } = await changeLedger(store, terminal.clock, (before, at) => {
      now = at;
      return withoutPause(before, scope);
    });
    if (options.output === "json") terminal.out(jsonText({ scope, paused: false, changed }));
    else terminal.out(`${pauseScopeText(scope)} ${changed ? "resumed" : "was not paused in the ledger"}\n`);
    const standing = standingOrders(ledger.meta, now).pauses.map(standingPauseText);
    for (const still of [...standing, ...configuredPauses(config)]) {
      terminal.err(printable(`node-agent: still paused: ${still}`) + "\n");
    }
  });
}

function scopeOf({ pool, node }: ScopeOptions): PauseScope {
  if (pool !== undefined && node !== undefined)
    throw new CliError("Usage", "expected --pool or --node, got both");
  if (pool !== undefined) return { level: "pool", name: poolName(pool) };
  return node === undefined ? { level: "fleet" } : { level: "node", name: nodeName(node) };
}

function configuredPauses({ paused }: Config): string[] {
  const { fleet, pools, nodes } = paused;
  return [
    ...(fleet ? ["fleet, by configuration"] : []),
    ...pools.map((pool) => `pool ${pool}, by configuration`),
    ...nodes.map((node) => `node ${node}, by configuration`),
  ];
}

/** A typing error must not pass for a pause: a name that nothing in the cluster has is told. It is written all the same. */
async function warnOfUnknown(
  scope: PauseScope,
  config: Config,
  connection: KubernetesConnection,
  { clock, err }: Terminal,
): Promise<void> {
  if (scope.level === "fleet") return;
  using deadline = deadlineSignal(clock, 10 * SECOND, new AbortController().signal);
  const known = await isKnown(scope, config, connection, deadline.signal).catch(() => undefined);
  if (known === false)
    err(`node-agent: the cluster has no ${pauseScopeText(scope)} now; the pause stands for when it has\n`);
  if (known === undefined)
    err(`node-agent: it could not be checked whether the cluster has ${pauseScopeText(scope)}\n`);
}

async function isKnown(
  scope: Exclude<PauseScope, { level: "fleet" }>,
  { includeControlPlane, includeVirtual }: Config,
  connection: KubernetesConnection,
  signal: AbortSignal,
): Promise<boolean> {
  const parts = { connection, project: toSnapshot };
  if (scope.level === "node") return (await createNodeReader(parts).read(scope.name, signal)).found;
  const selects = createSnapshotFilter({ pools: [scope.name], includeControlPlane, includeVirtual });
  for await (const node of createNodeLister(parts).list(signal)) {
    if (selects(node) && poolOf(node) === scope.name) return true;
  }
  return false;
}
