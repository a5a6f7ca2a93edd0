import { createConfigMapLedger } from "@node-agent/kubernetes";
import type { Clocks } from "@node-agent/shared/core/ledger/clocks.ts";
import type { LedgerEntry } from "@node-agent/shared/core/ledger/ledger.ts";
import type { LedgerLook } from "@node-agent/shared/core/explain-input.ts";
import { isOpen } from "@node-agent/shared/core/ledger/history.ts";
import { standingOrders } from "@node-agent/shared/core/ledger/standing-orders.ts";
import type { LedgerReading } from "@node-agent/shared/ports/ledger.ts";
import { ledgerTimingsOf, policyOf, type Config } from "@node-agent/shared/runtime/config/config.ts";
import { clocksOfReading, lookAtLedger } from "@node-agent/shared/runtime/ledger-look.ts";
import { readLedger } from "./ledger-change.ts";
import { standingGrantText, standingPauseText } from "./orders-text.ts";
import { readConfig, withKubernetes, type GlobalOptions } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { factsText, jsonText, spanText, tableText, whenText } from "./text.ts";

type Found = Extract<LedgerReading, { state: "Found" }>;

/** `ledger show`: what the ledger holds, and whether it is believed. */
export async function ledgerShowCommand(options: GlobalOptions, terminal: Terminal): Promise<void> {
  const config = readConfig(options, terminal);
  await withKubernetes(config, terminal, async (connection) => {
    const reading = await readLedger(createConfigMapLedger(connection, config.ledger));
    const clocks = clocksOfReading(reading, { own: terminal.clock.now() });
    const look = lookAtLedger(reading, clocks, 0, {
      policy: policyOf(config),
      timings: ledgerTimingsOf(config),
    });
    const text = options.output === "json" ? asJson : asTables;
    terminal.out(text(reading, look, clocks, config));
  });
}

/** Latest first: what an operator looks for. */
function latestFirst({ ledger }: Found): LedgerEntry[] {
  return [...ledger.entries.values()].toSorted((a, b) => b.seq - a.seq);
}

function asJson(reading: Found, look: LedgerLook, clocks: Clocks, { ledger }: Config): string {
  const { meta } = reading.ledger;
  const { quarantineUntil, ...rest } = meta;
  return jsonText({
    namespace: ledger.namespace,
    name: ledger.name,
    createdAt: reading.createdAt,
    trusted: look.state === "Trusted",
    ...(look.state === "Distrusted" ? { distrust: { why: look.why, until: look.until } } : {}),
    meta: { ...rest, ...(quarantineUntil === 0 ? {} : { quarantineUntil }) },
    entries: latestFirst(reading).map((entry) => shownEntry(entry, clocks)),
  });
}

/** An entry without its token, with what is left of its window in milliseconds. */
function shownEntry(full: LedgerEntry, clocks: Clocks) {
  const { token: _token, ...entry } = full;
  const remaining = Math.max(0, full.notBefore - clocks.earliest);
  return Object.assign(entry, { open: isOpen(full, clocks), remaining });
}

function asTables(reading: Found, look: LedgerLook, clocks: Clocks, { ledger }: Config): string {
  const { meta } = reading.ledger;
  const now = clocks.earliest;
  const { pauses, grants } = standingOrders(meta, now);
  const facts: [string, string][] = [
    ["Ledger", `ConfigMap ${ledger.namespace}/${ledger.name}, created ${whenText(reading.createdAt, now)}`],
    ["Cluster", meta.cluster],
    ["Believed", believedText(look, now)],
    ["Sequence", String(meta.seq)],
    ["Heartbeat", `${whenText(meta.heartbeatAt, now)} by ${meta.heartbeatBy}`],
    ...(meta.quarantineUntil > now
      ? [["Quarantine", `until ${whenText(meta.quarantineUntil, now)}`] as [string, string]]
      : []),
    ...(meta.trusted === undefined
      ? []
      : [
          [
            "Trusted",
            `by ${meta.trusted.by} ${whenText(meta.trusted.since, now)}: ${meta.trusted.reason}`,
          ] as [string, string],
        ]),
    ...(pauses.length === 0 ? [["Paused", "no"] as [string, string]] : []),
    ...pauses.map((pause): [string, string] => ["Paused", standingPauseText(pause)]),
    ...(grants.length === 0 ? [["Grant", "none"] as [string, string]] : []),
    ...grants.map((grant): [string, string] => ["Grant", standingGrantText(grant, now)]),
  ];
  const entries = latestFirst(reading);
  if (entries.length === 0) return `${factsText(facts)}\nno reboots\n`;
  const header = ["NODE", "INSTANCE", "POOL", "CHECKER", "ATTEMPT", "OUTCOME", "AT", "WINDOW", "BY"];
  const rows = entries.map((entry) => [
    entry.node,
    entry.instanceId,
    entry.pool ?? "-",
    entry.checker ?? "-",
    String(entry.attempt),
    entry.outcome,
    whenText(entry.at, now),
    entry.notBefore > now ? `${spanText(entry.notBefore - now)} left` : "over",
    entry.by,
  ]);
  return `${factsText(facts)}\n${tableText(header, rows)}`;
}

function believedText(look: LedgerLook, now: number): string {
  if (look.state !== "Distrusted") return "yes, by what it says itself";
  const until = look.until === undefined ? "" : `, until ${whenText(look.until, now)}`;
  return `no, nothing is rebooted: ${look.why}${until}`;
}
