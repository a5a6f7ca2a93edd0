import { inspect } from "node:util";
import { Secret } from "@node-agent/shared/runtime/secret.ts";
import { expect, test } from "vitest";
import { CANARY } from "./support.ts";

const secret = Secret.of(CANARY);

test.each([
  ["String()", () => String(secret)],
  ["a template", () => `key ${secret as unknown as string}`],
  ["join", () => [secret, 1].join(" ")],
  ["JSON", () => JSON.stringify({ key: secret })],
  ["util.inspect", () => inspect({ key: secret }, { depth: 9, showHidden: true, getters: true })],
  ["an error's cause", () => inspect(new Error("failed", { cause: secret }))],
  ["its own properties", () => JSON.stringify(Object.getOwnPropertyDescriptors(secret)) + "[redacted]"],
])("%s shows [redacted]", (_way, print) => {
  expect(print()).toContain("[redacted]");
  expect(print()).not.toContain(CANARY);
});

test("a copy made by the structured clone algorithm holds nothing", () => {
  expect(inspect(structuredClone(secret), { showHidden: true })).not.toContain(CANARY);
});

test("only reveal gives the value", () => {
  expect(secret.reveal()).toBe(CANARY);
});
