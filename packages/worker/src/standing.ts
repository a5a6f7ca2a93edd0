import { hostname } from "node:os";
import { createServerLook, type KubernetesConnection } from "@node-agent/kubernetes";
import { fnv1a64 } from "@node-agent/shared/core/fnv1a.ts";
import type { LiveWorker } from "@node-agent/shared/core/hosting.ts";
import type { Rules } from "@node-agent/shared/core/judge.ts";
import {
  clockHold,
  modeHold,
  named,
  unlikePeers,
  type ClockReading,
} from "@node-agent/shared/core/standing.ts";
import { SECOND, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { WorkerRegistry } from "@node-agent/shared/ports/worker-registry.ts";
import { policyDigest } from "@node-agent/shared/runtime/config/config.ts";
import type { CheckOutcome, ReadinessCheck } from "@node-agent/shared/runtime/http.ts";
import type { Logger } from "@node-agent/shared/runtime/logger.ts";
import type { RoleParts } from "@node-agent/shared/runtime/role.ts";
import { VERSION } from "@node-agent/shared/runtime/version.ts";
import { Reach } from "./reach.ts";

/** Why a worker takes no jobs of a kind, in words. */
export interface JobHold {
  /** Another mode rules this cluster: neither queue is worked off. */
  readonly mode?: string;
  /** The clocks disagree: no repair job is taken. */
  readonly clock?: string;
}

/** What the standing of a worker is judged by. */
export interface StandingDeps {
  readonly self: LiveWorker;
  readonly clock: Clock;
  /** How far clocks may be apart. */
  readonly allowed: Millis;
  readonly logger: Pick<Logger, "warn" | "info">;
}

const NOT_ASKED = "the other workers have not been asked yet";

/**
 * Whether this worker may take jobs: not beside workers in active mode when it only monitors, and no repairs while its
 * clock differs from that of Redis or of the API server. Decorators around the registry of workers and the look at the
 * API server learn it; the worker is asked again at each sign of life and goes on by itself.
 */
export class Standing {
  readonly #deps: StandingDeps;
  readonly #readings: Record<string, ClockReading> = {};
  #redis: { readonly told: EpochMillis; readonly at: Millis } | undefined;
  #workers: readonly LiveWorker[] | undefined;
  #hold: JobHold = { mode: NOT_ASKED };
  #unlike: readonly string[] = [];
  #apply: (hold: JobHold) => void = () => undefined;

  constructor(deps: StandingDeps) {
    this.#deps = deps;
  }

  /** This worker, as the others know it. */
  get self(): LiveWorker {
    return this.#deps.self;
  }

  /** What holds this worker's jobs now. */
  get hold(): JobHold {
    return this.#hold;
  }

  /** Whether repairs are this worker's business now. */
  get mayRepair(): boolean {
    return this.#hold.mode === undefined && this.#hold.clock === undefined;
  }

  /** Live workers that judge by another policy or in another mode. */
  get unlike(): readonly string[] {
    return this.#unlike;
  }

  /** Redis' clock, carried on by our monotonic one: whatever the wall clock of this machine says. */
  redisNow(): EpochMillis {
    const { clock } = this.#deps;
    return this.#redis === undefined ? clock.now() : this.#redis.told + clock.monotonic() - this.#redis.at;
  }

  /** Calls `apply` now and at each new reading. */
  heed(apply: (hold: JobHold) => void): void {
    this.#apply = apply;
    apply(this.#hold);
  }

  /** The same registry, whose answers tell the standing. */
  registry(registry: WorkerRegistry): WorkerRegistry {
    return {
      beat: async (worker) => {
        const before = this.#deps.clock.now();
        const answer = await registry.beat(worker);
        this.#workers = answer.workers;
        this.#redis = { told: answer.now, at: this.#deps.clock.monotonic() };
        this.#read("Redis", before, answer.now, 1);
        return answer;
      },
      leave: async (worker) => registry.leave(worker),
      live: async () => registry.live(),
    };
  }

  /** The same look at the API server, whose clock counts where it is told. */
  server(look: () => Promise<EpochMillis | undefined>): () => Promise<void> {
    return async () => {
      const before = this.#deps.clock.now();
      const told = await look();
      if (told !== undefined) this.#read("the API server", before, told, SECOND);
    };
  }

  /** What `/readyz` says of it. */
  checks(): ReadinessCheck[] {
    const { self } = this.#deps;
    const mode = self.monitorOnly ? "monitor-only" : "active";
    return [
      { name: "mode", check: () => outcomeOf(this.#hold.mode, mode) },
      { name: "clock", check: () => outcomeOf(this.#hold.clock, "agrees with Redis and the API server") },
      // Another policy is no fault of this worker: it is named, and it works.
      { name: "policy", check: () => ({ ok: true, detail: this.#policyDetail() }) },
    ];
  }

  #policyDetail(): string {
    const { policy = "unknown" } = this.#deps.self;
    if (this.#unlike.length === 0) return `${policy}, as all live workers`;
    return `${policy}; another policy or mode: ${named(this.#unlike)}`;
  }

  #read(name: string, before: EpochMillis, told: EpochMillis, grain: Millis): void {
    this.#readings[name] = { before, after: this.#deps.clock.now(), told, grain };
    this.#judge();
  }

  #judge(): void {
    const { self, allowed, logger } = this.#deps;
    const was = this.#hold;
    const mode = this.#workers === undefined ? NOT_ASKED : modeHold(self, this.#workers);
    const clock = clockHold(this.#readings, allowed);
    this.#hold = { ...(mode === undefined ? {} : { mode }), ...(clock === undefined ? {} : { clock }) };
    this.#tell(["takes no jobs", "takes jobs again"], was.mode, mode);
    this.#tell(["takes no repair jobs", "takes repair jobs again"], was.clock, clock);
    const unlike = unlikePeers(self, this.#workers ?? []);
    if (unlike.join() !== this.#unlike.join()) {
      if (unlike.length === 0) logger.info("all live workers have the same policy and mode");
      else logger.warn({ workers: named(unlike) }, "other live workers have another policy or mode");
    }
    this.#unlike = unlike;
    this.#apply(this.#hold);
  }

  #tell([held, free]: readonly [string, string], was: string | undefined, why: string | undefined): void {
    const isHeld = why !== undefined && why !== NOT_ASKED;
    if (isHeld === (was !== undefined && was !== NOT_ASKED)) return;
    if (isHeld) this.#deps.logger.warn({ why }, held);
    else this.#deps.logger.info(free);
  }
}

function outcomeOf(why: string | undefined, well: string): CheckOutcome {
  return { ok: why === undefined, detail: why ?? well };
}

/** Names this process, in the ledger and among the workers. */
export const SELF = `${hostname()}/${process.pid}`;

/**
 * Names the rules by which a worker judges: its version and its policy. A node that was judged by rules that no living
 * worker has is judged again at the next resync, so a changed policy reaches nodes on which nothing changes.
 */
export function rulesId({ policy }: Pick<Rules, "policy">): string {
  return fnv1a64(`${VERSION} ${JSON.stringify(policy)}`);
}

/** What this worker may do beside its peers, and what it can reach; `looking` ends with the signal. */
export function startStanding(
  { config, clock, logger }: RoleParts,
  kubernetes: KubernetesConnection,
  signal: AbortSignal,
): { readonly standing: Standing; readonly reach: Reach; readonly looking: Promise<void> } {
  const { nodeName, monitorOnly, ledger, timings } = config;
  const standing = new Standing({
    self: {
      id: SELF,
      monitorOnly,
      policy: policyDigest(config),
      ...(nodeName === undefined ? {} : { node: nodeName }),
    },
    clock,
    allowed: ledger.clockSkew,
    logger,
  });
  const reach = new Reach();
  const look = reach.server(standing.server(createServerLook(kubernetes, timings.nodeReadDeadline)));
  const looking = async (): Promise<void> => {
    while (!signal.aborted) {
      // A failure is what `/readyz` shows.
      await look().catch(() => undefined);
      await clock.sleep(2 * timings.gateRecheck, signal);
    }
  };
  return { standing, reach, looking: looking() };
}
