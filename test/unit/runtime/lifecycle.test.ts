import { describe, expect, test } from "vitest";
import { SECOND } from "@node-agent/shared/core/time.ts";
import {
  CannotStartError,
  runProcess,
  type Component,
  type ProcessHost,
} from "@node-agent/shared/runtime/lifecycle.ts";
import { ManualClock } from "@node-agent/shared/testing/manual-clock.ts";
import { memoryLogger } from "./log-lines.ts";

type Start = (signal: AbortSignal) => Promise<readonly Component[]>;

function run(start: Start) {
  const listeners = new Map<string, (value: unknown) => void>();
  const exits: number[] = [];
  const host: ProcessHost = {
    on: (event, listener) => void listeners.set(event, listener),
    off: (event) => void listeners.delete(event),
    exit: (code) => void exits.push(code),
  };
  const clock = new ManualClock();
  const { logger, lines } = memoryLogger();
  const done = runProcess({ start, grace: 25 * SECOND, logger, clock, host });
  const emit = (event: string, value?: unknown): void => listeners.get(event)?.(value);
  return { clock, lines, exits, done, emit, listeners };
}

/** Lets everything that is ready run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

const hanging: Component = { name: "hanging", stop: () => new Promise<void>(() => undefined) };

describe("a process", () => {
  test("stops its parts in order at SIGTERM and exits 0", async () => {
    const stopped: string[] = [];
    const part = (name: string): Component => ({ name, stop: async () => void stopped.push(name) });
    const { done, emit, exits, listeners } = run(async () => [part("watch"), part("worker"), part("redis")]);
    await settle();
    expect(exits).toEqual([]);
    emit("SIGTERM");
    await done;
    expect(stopped).toEqual(["watch", "worker", "redis"]);
    expect(exits).toEqual([0]);
    expect(listeners.size).toBe(0);
  });

  test("leaves a hanging part behind when the grace time is over, and still stops the rest", async () => {
    let closed = false;
    const last: Component = { name: "last", stop: async () => void (closed = true) };
    const { clock, done, emit, exits, lines } = run(async () => [hanging, last]);
    await settle();
    emit("SIGTERM");
    await settle();
    clock.advance(24 * SECOND);
    await settle();
    expect(exits).toEqual([]);
    clock.advance(SECOND);
    await done;
    expect(closed).toBe(true);
    expect(exits).toEqual([0]);
    expect(lines()).toContainEqual(expect.objectContaining({ component: "hanging", level: "warn" }));
  });

  test("goes on stopping when a part fails to", async () => {
    let closed = false;
    const failing: Component = { name: "failing", stop: () => Promise.reject(new Error("no")) };
    const { done, emit, exits } = run(async () => [
      failing,
      { name: "last", stop: async () => void (closed = true) },
    ]);
    await settle();
    emit("SIGINT");
    await done;
    expect({ closed, exits }).toEqual({ closed: true, exits: [0] });
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ])("exits at once at a second signal, %s with code %i", async (signal, code) => {
    const { emit, exits } = run(async () => [hanging]);
    await settle();
    emit("SIGTERM");
    await settle();
    emit(signal);
    expect(exits).toEqual([code]);
  });

  test("that is told to stop while it starts breaks the start off and exits 0", async () => {
    const { done, emit, exits } = run(
      (signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(new Error("aborted"))),
        ),
    );
    await settle();
    emit("SIGTERM");
    await done;
    expect(exits).toEqual([0]);
  });

  test("that starts for ever is given up on within the grace time", async () => {
    const { clock, done, emit, exits } = run(() => new Promise(() => undefined));
    await settle();
    emit("SIGTERM");
    await settle();
    clock.advance(25 * SECOND);
    await done;
    expect(exits).toEqual([0]);
  });

  test("exits 2 when a person must change something", async () => {
    const { done, exits, lines } = run(() => Promise.reject(new CannotStartError("no such context")));
    await done;
    expect(exits).toEqual([2]);
    expect(lines()).toEqual([expect.objectContaining({ level: "fatal", msg: "cannot start" })]);
  });

  test("exits 1 when its start fails otherwise", async () => {
    const { done, exits } = run(() => Promise.reject(new Error("broken")));
    await done;
    expect(exits).toEqual([1]);
  });

  test.each(["uncaughtException", "unhandledRejection"])(
    "exits 1 at an %s, with one fatal line",
    async (event) => {
      const { emit, exits, lines } = run(async () => []);
      await settle();
      emit(event, new Error("bug"));
      emit(event, new Error("and its echo"));
      expect(exits).toEqual([1]);
      expect(lines()).toEqual([expect.objectContaining({ level: "fatal" })]);
    },
  );
});
