import { relative } from "node:path";
import { ROOT } from "./stage.ts";

/** The Redis of this run, which scripts/start.mjs started or found. Throws when there is none. */
export function redisUrl(): string {
  const url = process.env["REDIS_URL"];
  if (url === undefined) throw new Error("REDIS_URL is missing: start this by `npm start`");
  return url;
}

/** The address of Redis where it may be written into a file: one with a password goes into none. */
export function writableRedisUrl(url = redisUrl()): { readonly redisUrl?: string } {
  const { username, password } = new URL(url);
  return username === "" && password === "" ? { redisUrl: url } : {};
}

/** Our environment without variables of the agent: a visitor's cluster or key must not leak into a run. */
export function environmentWithout(isLeftOut: (name: string) => boolean): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isLeftOut(name)));
}

/** `node-agent` with the configuration of this run, to be copied into another terminal. */
export function commandLine(command: string, config: string): string {
  const isInFile = writableRedisUrl().redisUrl !== undefined;
  const redis = isInFile ? "" : 'REDIS_URL="$REDIS_URL" ';
  return `${redis}npx node-agent ${command} --config ${relative(ROOT, config)}`;
}
