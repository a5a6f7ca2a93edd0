import { pino, stdTimeFunctions, type DestinationStream, type Logger } from "pino";
import type { LogLevel } from "./config/schema.ts";
import { errorFields } from "./error-fields.ts";
import type { Secret } from "./secret.ts";
import { VERSION } from "./version.ts";

export type { Logger } from "pino";

/** Fields whose value never reaches a log, at the top of a line or one or two levels down. */
const SENSITIVE = [
  "authorization",
  "apiKey",
  "api_key",
  "password",
  "initial_password",
  "token",
  "kubeconfig",
  "secret",
  "cookie",
];

/** A secret shorter than this is not searched for in finished lines: it would cut ordinary words. */
const SHORTEST_SEARCHED = 8;

/** The path of a kubeconfig is worth knowing; its content, as clouds return it, is a credential. */
function censor(value: unknown, path: string[]): unknown {
  const isPath = typeof value === "string" && value.length < 256 && !/[\n{]/u.test(value);
  return path.at(-1) === "kubeconfig" && isPath ? value : "[redacted]";
}

/** What a logger is made of; `destination` is standard output by default. */
export interface LoggerOptions {
  readonly role: string;
  readonly cluster: string;
  readonly level: LogLevel;
  /** Secrets of this process: they are cut out of every finished line, whatever brought them there. */
  readonly secrets?: readonly (Secret | undefined)[];
  readonly destination?: DestinationStream;
}

/**
 * The log of a process: one JSON object per line, ISO time, level by name. The message is a constant; facts are
 * fields, so that the words of a cluster or a cloud can never forge a line.
 */
export function createLogger({ role, cluster, level, secrets = [], destination }: LoggerOptions): Logger {
  const searched = secrets
    .filter((secret) => secret !== undefined)
    .map((secret) => JSON.stringify(secret.reveal()).slice(1, -1))
    .filter((text) => text.length >= SHORTEST_SEARCHED);
  return pino(
    {
      level,
      base: { service: "node-agent", role, version: VERSION, cluster },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: errorFields, error: errorFields },
      redact: {
        paths: SENSITIVE.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
        censor,
      },
      hooks: {
        streamWrite: (line) => searched.reduce((text, secret) => text.replaceAll(secret, "[redacted]"), line),
      },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
}
