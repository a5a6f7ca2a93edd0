/** Virtual time over the real core: what breaker, limits, cure rate and grants make of an incident. */
import { ledgerView } from "@node-agent/shared/core/gates/ledger-view.ts";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { newGrant, withGrant, type GrantScope } from "@node-agent/shared/core/ledger/grant.ts";
import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import {
  emptyLedger,
  pruned,
  withIntent,
  withOutcome,
  withRecovery,
} from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS, windowOf } from "@node-agent/shared/core/ledger/timings.ts";
import type { CheckerName } from "@node-agent/shared/core/check.ts";
import { DEFAULT_POLICY, type RepairPolicy } from "@node-agent/shared/core/policy.ts";
import { breakerOf } from "@node-agent/shared/core/storm/breaker.ts";
import { fleetOf } from "@node-agent/shared/core/plan/census.ts";
import type { FleetNode } from "@node-agent/shared/core/storm/fleet.ts";
import { Limits } from "@node-agent/shared/core/storm/limits.ts";
import { MINUTE, SECOND, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";

/** A fleet of equal zones, each of equal pools. */
export interface Shape {
  readonly nodes: number;
  readonly zones: number;
  readonly poolsPerZone: number;
}

/** A node that fails. */
export interface Failure {
  readonly zone: number;
  /** Within its zone. */
  readonly pool: number;
  readonly at: Millis;
  readonly checker?: CheckerName;
  /** Repairs change nothing. */
  readonly incurable?: boolean;
  /** It recovers by itself. */
  readonly healsAt?: Millis;
}

/** What an operator orders. */
export interface Order extends GrantScope {
  readonly at: Millis;
  readonly lasts: Millis;
}

/** What became of one failure. */
export interface Outcome {
  readonly failure: Failure;
  readonly dueAt: Millis;
  /** When its first repair began; absent: none did. */
  begunAt?: Millis;
  repairs: number;
  /** How long each gate held it while it was due. */
  readonly held: Record<string, Millis>;
  wellAt?: Millis;
}

const START: EpochMillis = Date.UTC(2026, 10, 23);
/** The plan of a fleet is made every few seconds. */
const TICK: Millis = 15 * SECOND;
const BOOT: Millis = 8 * MINUTE;
const PROVEN: Millis = DEFAULT_POLICY.storm.curedAfter;

interface Sick extends Outcome {
  readonly name: string;
  attempts: number;
  /** The machine boots since then. */
  bootsSince?: EpochMillis;
  waitUntil: EpochMillis;
}

/** Runs an incident until `lasts` is over; the failures in the order given. */
export function run(
  shape: Shape,
  failures: readonly Failure[],
  { lasts, orders = [], policy = DEFAULT_POLICY }: Run,
): Outcome[] {
  const world = new World(shape, failures, policy);
  const given = orders.map((order) => ({ order, done: false }));
  for (let time = 0; time <= lasts; time += TICK) {
    for (const one of given) {
      if (one.done || one.order.at > time) continue;
      one.done = true;
      world.grant(one.order, START + time);
    }
    world.tick(START + time);
    if (world.isOver(START + time)) break;
  }
  return world.sick;
}

/** How a run goes. */
export interface Run {
  readonly lasts: Millis;
  readonly orders?: readonly Order[];
  readonly policy?: RepairPolicy;
}

class World {
  readonly sick: Sick[];
  readonly #policy: RepairPolicy;
  readonly #census;
  #ledger: Ledger = emptyLedger("virtual", "init", START);

  constructor({ nodes, zones, poolsPerZone }: Shape, failures: readonly Failure[], policy: RepairPolicy) {
    this.#policy = policy;
    const inZone = nodes / zones;
    const byZone = Object.fromEntries(range(zones).map((zone) => [`z${zone}`, inZone]));
    const byPool = Object.fromEntries(
      range(zones).flatMap((zone) =>
        range(poolsPerZone).map((pool) => [`z${zone}-p${pool}`, inZone / poolsPerZone] as const),
      ),
    );
    this.#census = { nodes, silent: 0, byZone, byPool, claimants: {} };
    this.sick = failures.map((failure, i) => ({
      name: `n${i}`,
      failure,
      dueAt: failure.at + policy.checkers[failure.checker ?? "NodeReady"].threshold,
      repairs: 0,
      attempts: 0,
      held: {},
      waitUntil: 0,
    }));
  }

  grant({ at: _at, lasts, ...scope }: Order, now: EpochMillis): void {
    const order = { ...scope, id: `g${now}`, by: "ann", reason: "virtual", lasts };
    this.#ledger = withGrant(this.#ledger, newGrant(order, now));
  }

  isOver(now: EpochMillis): boolean {
    return this.sick.every((one) => one.wellAt !== undefined && START + one.wellAt + PROVEN < now);
  }

  tick(now: EpochMillis): void {
    const writer = { by: "virtual", clocks: clocksOf([now]) };
    for (const one of this.sick) this.#settle(one, now, writer);
    const failing = this.sick.filter(
      (one) => START + one.failure.at <= now && one.wellAt === undefined && one.attempts >= 0,
    );
    if (failing.length === 0) return;
    this.#ledger = pruned(this.#ledger, writer.clocks, LEDGER_TIMINGS);
    const fleet = fleetOf(
      this.#census,
      failing.map((one) => nodeOf(one)),
    );
    const breaker = breakerOf(fleet, this.#policy.breaker, now, this.#ledger);
    const limits = new Limits(this.#ledger, fleet, this.#policy, writer.clocks);
    const counted = { ledger: this.#ledger, clocks: writer.clocks, limits, breaker };
    for (const one of failing) {
      if (START + one.dueAt > now || one.waitUntil > now) continue;
      const { checker = "NodeReady" } = one.failure;
      const subject = { instanceId: one.name, ...placeOf(one), checkers: [checker], checker };
      const view = ledgerView(subject, counted, now);
      const gate = gateOf(breaker.ask(subject) !== undefined && view.grant === undefined, view);
      if (gate !== undefined) {
        one.held[gate] = (one.held[gate] ?? 0) + TICK;
        continue;
      }
      limits.take({ ...subject, granted: breaker.ask(subject) !== undefined });
      one.repairs += 1;
      one.attempts += 1;
      one.begunAt ??= now - START;
      one.bootsSince = now;
      const wait = this.#policy.rebootWait[checker === "GPU" ? "gpu" : "standard"];
      one.waitUntil = now + windowOf(wait, LEDGER_TIMINGS);
      const intent = { instanceId: one.name, node: one.name, ...placeOf(one), checker };
      const token = `${one.name}-${one.repairs}`;
      this.#ledger = withIntent(
        this.#ledger,
        { ...intent, attempt: one.attempts, token, gpu: checker === "GPU" },
        windowOf(wait, LEDGER_TIMINGS),
        writer,
      );
      this.#tell(one, "Accepted", writer);
    }
  }

  #settle(one: Sick, now: EpochMillis, writer: Parameters<typeof withOutcome>[4]): void {
    const { healsAt = Infinity, incurable = false } = one.failure;
    if (one.wellAt === undefined && START + healsAt <= now) one.wellAt = now - START;
    if (one.bootsSince === undefined) return;
    const ran = now - one.bootsSince;
    if (!incurable) {
      if (one.wellAt === undefined && ran >= BOOT) one.wellAt = now - START;
      if (one.wellAt === undefined) return;
      const well = now - START - one.wellAt;
      const token = `${one.name}-${one.repairs}`;
      if (well >= this.#policy.storm.recoveredAfter)
        this.#ledger = withRecovery(this.#ledger, one.name, token, writer);
      if (well < PROVEN) return;
      this.#tell(one, "Cured", writer);
      delete one.bootsSince;
      return;
    }
    if (one.waitUntil > now) return;
    this.#tell(one, "StillBad", writer);
    delete one.bootsSince;
    // Failed: a person must act, and nothing repairs it any more.
    if (one.attempts >= this.#policy.maxAttempts) one.attempts = -1;
  }

  #tell(
    one: Sick,
    outcome: "Accepted" | "Cured" | "StillBad",
    writer: Parameters<typeof withOutcome>[4],
  ): void {
    const token = `${one.name}-${one.repairs}`;
    this.#ledger = withOutcome(this.#ledger, one.name, token, outcome, writer, LEDGER_TIMINGS);
  }
}

function gateOf(isBroken: boolean, view: ReturnType<typeof ledgerView>): string | undefined {
  if (isBroken) return "Breaker";
  const { cureRate, limit } = view;
  if (cureRate !== undefined) return `CureRate: ${cureRate.rate}`;
  return limit && `Limit: ${limit.limit}`;
}

function placeOf({ failure: { zone, pool } }: Outcome): { zone: string; pool: string } {
  return { zone: `z${zone}`, pool: `z${zone}-p${pool}` };
}

function nodeOf(one: Sick): FleetNode {
  const { checker = "NodeReady", at } = one.failure;
  return { name: one.name, ...placeOf(one), silent: true, failing: { [checker]: START + at } };
}

/** 0, 1, ... up to but without `count`. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
