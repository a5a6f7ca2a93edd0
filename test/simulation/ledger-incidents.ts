import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { CureRates } from "@node-agent/shared/core/storm/cure-rate.ts";
import { emptyLedger, withoutPause, withPause } from "@node-agent/shared/core/ledger/steps.ts";
import { GRANT_LASTS_AT_MOST, newGrant, withGrant } from "@node-agent/shared/core/ledger/grant.ts";
import { decodeLedger } from "@node-agent/shared/contract/ledger-codec.ts";
import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import { SECOND } from "@node-agent/shared/core/time.ts";
import type { World } from "./world.ts";

type Data = Record<string, unknown>;

/** The ledger as it is stored now; undefined when it is missing or cannot be read. */
function stored(data: Readonly<Data> | undefined): Ledger | undefined {
  const decoded = data === undefined ? undefined : decodeLedger(data);
  return decoded?.ok === true ? decoded.ledger : undefined;
}

/** An operator says stop. */
export async function pause(world: World): Promise<void> {
  const { truth, time } = world;
  const scope = { level: "fleet" } as const;
  const paused = await change(world, (ledger) =>
    withPause(ledger, scope, { since: time.now, by: "operator", reason: "drill" }),
  );
  if (paused) truth.pausedSince ??= time.now;
}

/** An operator lets it go on. */
export async function resume(world: World): Promise<void> {
  if (await change(world, (ledger) => withoutPause(ledger, { level: "fleet" }))) {
    world.truth.pausedSince = undefined;
  }
}

/** Reboots did not help, and an operator who knows that they will again lets them go on. */
export async function grantIfHopeless(world: World): Promise<void> {
  const reading = await world.ledger.read();
  if (reading.state !== "Found") return;
  const { cureRate } = world.settings.policy;
  const rates = new CureRates(reading.ledger, cureRate, clocksOf([world.time.now]));
  if (rates.stopped().length > 0) await grant(world);
}

/** An operator looked, and wants repair to go on: what `node-agent grant` writes. */
export async function grant(world: World): Promise<boolean> {
  const { truth, time } = world;
  const order = { id: `grant-${time.now}`, by: "operator", reason: "drill", lasts: GRANT_LASTS_AT_MOST };
  const written = await change(world, (ledger) => withGrant(ledger, newGrant(order, time.now)));
  truth.granted ||= written;
  return written;
}

/** Writes as an operator does; true when the ledger reads like that now. */
export async function change(world: World, step: (ledger: Ledger) => Ledger): Promise<boolean> {
  const reading = await world.ledger.read();
  if (reading.state !== "Found") return false;
  const next = step(reading.ledger);
  if (next === reading.ledger) return true;
  return (await world.ledger.compareAndWrite(next, reading.version)).outcome === "Written";
}

/** Backups of the ledger, and what people do with them. */
export class Backups {
  readonly #world: World;
  readonly #kept: Data[] = [];
  /** The quarantine in force when a young backup was restored that nobody has noticed yet. */
  #unnoticed: number | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  take(): void {
    const { data } = this.#world.ledger;
    if (stored(data) !== undefined) this.#kept.push({ ...data });
  }

  /**
   * False while a young backup stands there unnoticed: that Redis is lost in this very moment, too, is the hole that
   * the protocol names (H3).
   */
  mayLoseRedis(): boolean {
    if (this.#unnoticed === undefined) return true;
    const now = stored(this.#world.ledger.data);
    if (now === undefined || now.meta.quarantineUntil === this.#unnoticed) return false;
    this.#unnoticed = undefined;
    return true;
  }

  /** Puts the first backup there, whatever its age. */
  restoreFirst(): boolean {
    const [first] = this.#kept;
    if (first === undefined) return false;
    this.#world.ledger.overwrite({ ...first });
    return true;
  }

  /** A backup so old that its silence tells it. */
  restoreOld(): boolean {
    const { time, promised } = this.#world;
    const oldest = time.now - promised.ledger.heartbeatMaxAge - promised.ledger.clockSkew;
    return this.#restore((ledger) => ledger.meta.heartbeatAt < oldest) !== undefined;
  }

  /** A younger one: Redis remembers a higher sequence number. */
  restoreYoung(): boolean {
    const { ledger, sequence } = this.#world;
    const now = stored(ledger.data);
    if (now === undefined || sequence < now.meta.seq) return false;
    const restored = this.#restore(({ meta }) => meta.seq < now.meta.seq);
    if (restored !== undefined) this.#unnoticed = restored.meta.quarantineUntil;
    return restored !== undefined;
  }

  #restore(fits: (ledger: Ledger) => boolean): Ledger | undefined {
    const { random, ledger, truth, network, story } = this.#world;
    const fitting = this.#kept.filter((data) => {
      const backup = stored(data);
      return backup !== undefined && fits(backup);
    });
    if (fitting.length === 0 || stored(ledger.data) === undefined) return undefined;
    const data = random.pick(fitting);
    const backup = stored(data);
    ledger.overwrite({ ...data });
    if (backup?.meta.paused === undefined) truth.pausedSince = undefined;
    network.count.add("LedgerRestored");
    story.tell(() => `the ledger is a backup now, seq ${backup?.meta.seq ?? 0}`);
    return backup;
  }

  /** Deleted or damaged; after a while an operator makes a new one. */
  lose(): boolean {
    const { random, time, ledger, truth } = this.#world;
    if (stored(ledger.data) === undefined) return false;
    const entry = Object.keys(ledger.data ?? {}).find((key) => key !== "meta");
    const damaged = random.pick([
      undefined,
      { ...ledger.data, meta: "{" },
      { ...ledger.data, [entry ?? "meta"]: '{"instanceId":1}' },
    ]);
    ledger.overwrite(damaged);
    truth.pausedSince = undefined;
    time.at(random.between(SECOND, 15 * SECOND), () => this.recreate());
    return true;
  }

  /** As `ledger init` does after the old one was removed. */
  recreate(): void {
    const { ledger, time } = this.#world;
    if (stored(ledger.data) === undefined) ledger.create(emptyLedger("sim", "operator", time.now), time.now);
  }
}
