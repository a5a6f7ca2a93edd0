import { Secret } from "../secret.ts";
import { quote } from "./faults.ts";
import { readFault, type ReadFile } from "./file.ts";
import { subject } from "./parse.ts";
import type { Settings } from "./schema.ts";
import { variable, type Environment, type Sources } from "./sources.ts";
import { SECRET_TABLE, type SecretKey } from "./table.ts";

/** The secrets that were given, by key. */
export type Secrets = Readonly<Partial<Record<SecretKey, Secret>>>;

/** A key travels in a header: what could end or split it, a pasted line break above all, is refused here. */
const USABLE = /^[\x21-\x7e]+$/u;

function filePathOf(key: SecretKey, settings: Settings): string | undefined {
  switch (key) {
    case "civo.apiKey":
      return settings.civo.apiKeyFile;
    case "redis.password":
      return settings.redis.passwordFile;
    case "redis.sentinelPassword":
      return settings.redis.sentinelPasswordFile;
  }
}

/** Reads every secret from its variable or its mounted file; no fault ever shows one. */
export function readSecrets(
  settings: Settings,
  sources: Sources,
  env: Environment,
  readFile: ReadFile,
): { secrets: Secrets; faults: string[] } {
  const secrets: Partial<Record<SecretKey, Secret>> = {};
  const faults: string[] = [];
  for (const { key, variable: name, fileKey } of SECRET_TABLE) {
    const path = filePathOf(key, settings);
    const direct = variable(env, name)?.trim();
    const fileSubject = subject(fileKey, sources);
    if (path !== undefined && direct !== undefined) {
      faults.push(`${name}: set together with ${fileSubject}; set only one of them`);
      continue;
    }
    let value = direct;
    if (path !== undefined) {
      try {
        value = readFile(path).trim();
      } catch (error) {
        faults.push(`${fileSubject}: cannot read ${quote(path)}: ${readFault(error)}`);
        continue;
      }
    }
    if (value === undefined) continue;
    if (USABLE.test(value)) secrets[key] = Secret.of(value);
    else
      faults.push(
        `${path === undefined ? name : fileSubject}: expected a secret of printable ASCII characters without spaces, got one that ${value === "" ? "is empty" : "has others"} (not shown)`,
      );
  }
  return { secrets, faults };
}
