import { readFileSync } from "node:fs";
import type { Clock } from "../ports/clock.ts";
import type { Config, Role } from "./config/config.ts";
import { describeConfig } from "./config/config.ts";
import { faultReport, loadConfig } from "./config/load.ts";
import { CannotStartError, EXIT, runProcess, type Component } from "./lifecycle.ts";
import { createLogger, type Logger } from "./logger.ts";
import { createMetrics, type Metrics } from "./metrics/metrics.ts";
import type { Secret } from "./secret.ts";
import { systemClock } from "./system-clock.ts";

/** What every role of this agent is given to start with. */
export interface RoleParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Fires when the process is told to stop. */
  readonly signal: AbortSignal;
}

/**
 * The frame of a process: reads the configuration (flags over environment over file), says what is wrong with it and
 * exits 2, or starts the role and runs it until a signal. Errors whose `code` names a configuration fault end the start
 * with exit code 2 as well: a restart cannot help.
 */
export async function runRole(
  role: Role,
  start: (parts: RoleParts) => Promise<readonly Component[]>,
): Promise<void> {
  const loaded = loadConfig({
    role,
    argv: process.argv.slice(2),
    env: process.env,
    readFile: (path) => readFileSync(path, "utf8"),
  });
  if (loaded.kind !== "Loaded" && loaded.kind !== "Faulty") {
    process.stdout.write(`${loaded.text.trimEnd()}\n`);
    return;
  }
  if (loaded.kind === "Faulty") {
    process.stderr.write(faultReport(role, loaded.faults));
    process.exitCode = EXIT.cannotStart;
    return;
  }
  const { config, warnings } = loaded;
  const clock = systemClock;
  const { cluster, logLevel: level, monitorOnly, perNodeMetrics } = config;
  const logger = createLogger({ role, cluster, level, secrets: secretsOf(config) });
  const metrics = createMetrics({
    cluster,
    role,
    monitorOnly,
    perNodeMetrics,
    onScrapeError: (source, error) => logger.warn({ source, err: error }, "a source of gauges failed"),
  });
  logger.info({ config: describeConfig(config), node: process.version, pid: process.pid }, "starting");
  for (const warning of warnings) logger.warn({ warning }, "configuration");
  await runProcess({
    grace: config.timings.shutdownGrace,
    logger,
    clock,
    start: async (signal) => {
      try {
        return await start({ config, logger, metrics, clock, signal });
      } catch (error) {
        throw isConfigurationFault(error) ? new CannotStartError(error.message, { cause: error }) : error;
      }
    },
  });
}

/** Every secret this process was given; none of them may reach a log or a cluster, whatever brought it there. */
export function secretsOf({ civo, redis }: Config): (Secret | undefined)[] {
  return [civo.apiKey, redis.password, redis.kind === "sentinel" ? redis.sentinelPassword : undefined];
}

/** Errors of other packages that say "a person must change something" by their name. */
const CONFIGURATION_FAULTS = new Set(["KubernetesConfigError", "CivoConfigError", "MonitorListenError"]);

function isConfigurationFault(error: unknown): error is Error {
  return error instanceof Error && CONFIGURATION_FAULTS.has(error.name);
}
