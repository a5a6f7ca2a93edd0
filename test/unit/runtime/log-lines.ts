import { createLogger, type Logger } from "@node-agent/shared/runtime/logger.ts";
import type { Secret } from "@node-agent/shared/runtime/secret.ts";

/** A logger that keeps its lines, raw and parsed. */
export function memoryLogger(secrets: readonly Secret[] = []): {
  logger: Logger;
  raw: string[];
  lines: () => Record<string, unknown>[];
} {
  const raw: string[] = [];
  const logger = createLogger({
    role: "worker",
    cluster: "test",
    level: "debug",
    secrets,
    destination: { write: (line: string) => void raw.push(line) },
  });
  return { logger, raw, lines: () => raw.map((line) => JSON.parse(line) as Record<string, unknown>) };
}
