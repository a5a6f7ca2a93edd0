import { afterEach, beforeEach, expect } from "vitest";

/** A library that prints is a library nobody can read the logs of: any console call fails the test that caused it. */
const methods = ["log", "info", "warn", "error", "debug"] as const;

const originals = Object.fromEntries(methods.map((method) => [method, console[method]]));
let calls: unknown[][] = [];

// Not by vitest's spies: a test that restores its own would restore these before they were looked at.
beforeEach(() => {
  calls = [];
  for (const method of methods) {
    console[method] = (...args: unknown[]) => {
      calls.push([method, ...args]);
    };
  }
});

afterEach(() => {
  for (const method of methods) Object.assign(console, { [method]: originals[method] });
  expect(calls, "the console was called").toEqual([]);
});
