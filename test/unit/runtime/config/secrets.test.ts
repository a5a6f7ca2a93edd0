import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { describeConfig } from "@node-agent/shared/runtime/config/config.ts";
import { configOf, faultsOf, load, type Given } from "./load-support.ts";

const CANARY = "canary-7f3a9e";

describe("a secret", () => {
  test("is read from its variable or its file, trimmed", () => {
    expect(configOf({ env: { CIVO_API_KEY: ` ${CANARY}\n` } }).civo.apiKey?.reveal()).toBe(CANARY);
    const files = { "/run/key": `${CANARY}\n` };
    expect(configOf({ env: { CIVO_API_KEY_FILE: "/run/key" }, files }).civo.apiKey?.reveal()).toBe(CANARY);
    expect(configOf({ file: "civo: { apiKeyFile: /run/key }", files }).civo.apiKey?.reveal()).toBe(CANARY);
  });

  test("of Redis comes from the URL, a variable or a file", () => {
    const files = { "/run/pw": CANARY };
    for (const given of [
      { env: { REDIS_URL: `redis://user:${CANARY}@host` } },
      { env: { REDIS_PASSWORD: CANARY } },
      { env: { REDIS_PASSWORD_FILE: "/run/pw" }, files },
      { file: "redis: { passwordFile: /run/pw }", files },
    ] satisfies Given[])
      expect(configOf(given).redis.password?.reveal()).toBe(CANARY);
  });

  test("shows nowhere in a configuration that is printed, described or serialised", () => {
    const config = configOf({
      env: {
        CIVO_API_KEY: CANARY,
        REDIS_URL: `redis+sentinel://user:${CANARY}@a,b/mymaster`,
        REDIS_SENTINEL_PASSWORD: CANARY,
      },
    });
    const printed = [
      inspect(config, { depth: 20, showHidden: true }),
      JSON.stringify(config),
      JSON.stringify(describeConfig(config)),
      String(config.civo.apiKey),
    ];
    expect(printed.join("\n")).not.toContain(CANARY);
    expect(describeConfig(config)).toMatchObject({
      redis: "redis+sentinel://a:26379,b:26379/mymaster/0",
      civo: { apiKey: "[redacted]" },
      rebootWait: { standard: "10m", gpu: "40m" },
    });
  });

  const leaks: [string, Given][] = [
    ["an unusable key", { env: { CIVO_API_KEY: `${CANARY} with space` } }],
    ["an unusable key in a file", { env: { CIVO_API_KEY_FILE: "/k" }, files: { "/k": `${CANARY}\nsecond` } }],
    [
      "a key beside a file",
      { env: { CIVO_API_KEY: CANARY, CIVO_API_KEY_FILE: "/k" }, files: { "/k": CANARY } },
    ],
    ["a key in the wrong variable", { env: { CIVO_API_URL: CANARY } }],
    ["a URL with a login", { env: { CIVO_API_URL: `https://user:${CANARY}@api.civo.com` } }],
    ["a Redis URL with a bad port", { env: { REDIS_URL: `redis://user:${CANARY}@host:99999` } }],
    ["a Redis URL with another scheme", { env: { REDIS_URL: `http://user:${CANARY}@host` } }],
    ["a Redis URL with a bad escape", { env: { REDIS_URL: `redis://user:%zz${CANARY}@host` } }],
    ["a Redis URL in the file", { file: `redis: { url: "redis://:${CANARY}@host:x" }` }],
    ["a Redis URL that is a mapping", { file: `redis: { url: { password: ${CANARY} } }` }],
    ["a password key in the file", { file: `redis: { password: ${CANARY} }` }],
    ["broken YAML", { file: `redis: { password: "${CANARY}\n  x: [` }],
    ["a URL with a login in a setting that takes none", { env: { CIVO_REGION: `redis://u:p/${CANARY}@h` } }],
    [
      "a URL with a token in a setting that takes none",
      { env: { CIVO_REGION: `https://h/?token=${CANARY} x` } },
    ],
    ["a URL with a login as a stray argument", { argv: [`redis://user:${CANARY}@host`] }],
    ["a URL with a login for a flag that does not exist", { argv: ["--redis-url", `redis://u:${CANARY}@h`] }],
    ["a URL with a login inside such a flag", { argv: [`--redis-url=redis://u:${CANARY}@h`] }],
    ["two passwords", { env: { REDIS_URL: `redis://:${CANARY}@host`, REDIS_PASSWORD: CANARY } }],
  ];
  test.each(leaks)("is in no fault of %s", (_what, given) => {
    const faults = faultsOf(given);
    expect(faults).not.toEqual([]);
    expect(faults.join("\n")).not.toContain(CANARY);
  });

  test("in a variable that is not ours is in no fault", () => {
    const result = load({ env: { CIVO_NODE_AGENT_API_KEY: CANARY } });
    expect(result).toMatchObject({ kind: "Faulty" });
    expect(JSON.stringify(result)).not.toContain(CANARY);
  });
});
