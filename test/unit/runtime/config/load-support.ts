import { expect } from "vitest";
import type { Config, Role } from "@node-agent/shared/runtime/config/config.ts";
import { loadConfig, type ConfigResult } from "@node-agent/shared/runtime/config/load.ts";

/** What a test gives to `loadConfig`; `file` is the content of agent.yaml, which is then passed by --config. */
export interface Given {
  readonly role?: Role;
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly file?: string;
  /** Further files by path. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Loads with files in memory. */
export function load({ role = "worker", argv = [], env = {}, file, files = {} }: Given): ConfigResult {
  const known: Readonly<Record<string, string>> =
    file === undefined ? files : { ...files, "agent.yaml": file };
  return loadConfig({
    role,
    argv: file === undefined ? argv : ["--config", "agent.yaml", ...argv],
    env,
    readFile: (path) => {
      const content = known[path];
      if (content === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
      return content;
    },
  });
}

/** Loads what must be valid. */
export function configOf(given: Given): Config {
  const result = load(given);
  expect(result).toMatchObject({ kind: "Loaded" });
  if (result.kind !== "Loaded") throw new Error("not loaded");
  return result.config;
}

/** Loads what must be refused, and gives the faults. */
export function faultsOf(given: Given): readonly string[] {
  const result = load(given);
  expect(result).toMatchObject({ kind: "Faulty" });
  return result.kind === "Faulty" ? result.faults : [];
}

/** Loads what must be valid, and gives the warnings. */
export function warningsOf(given: Given): readonly string[] {
  const result = load(given);
  expect(result).toMatchObject({ kind: "Loaded" });
  return result.kind === "Loaded" ? result.warnings : [];
}
