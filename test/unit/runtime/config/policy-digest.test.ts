import { expect, test } from "vitest";
import { policyDigest } from "@node-agent/shared/runtime/config/config.ts";
import { configOf } from "./load-support.ts";

const digest = (file: string): string => policyDigest(configOf({ file }));
const MONITOR = digest("monitorOnly: true");

test("workers that judge and repair alike have one digest, whatever their mode, machine and ports", () => {
  expect(MONITOR).toMatch(/^[0-9a-f]{12}$/u);
  expect(digest("{ monitorOnly: true, nodeName: node-1, metricsPort: 0, logLevel: debug }")).toBe(MONITOR);
  expect(digest("expectedGpus: { a: 1, b: 2 }")).toBe(digest("expectedGpus: { b: 2, a: 1 }"));
});

test.each([
  "checkers: { GPU: { threshold: 7m } }",
  "nodePools: [gpu]",
  "maxAttempts: 5",
  "includeControlPlane: true",
  "paused: { fleet: true }",
  "podEvidence: false",
])("another policy has another: %s", (file) => {
  expect(digest(file)).not.toBe(MONITOR);
});
