import { afterAll, afterEach, beforeAll } from "vitest";
import { startSystem, type System, type SystemOptions } from "./system.ts";

/** Gives the tests of a file one system; call at the top level. A test that fails leaves the logs in `.data/`. */
export function useSystem(options: SystemOptions): () => System {
  let system: System | undefined;
  beforeAll(async () => {
    system = await startSystem(options);
  });
  afterEach(({ task }) => {
    if (task.result?.state === "fail") system?.keepLogs(task.name);
  });
  afterAll(async () => {
    await system?.[Symbol.asyncDispose]();
  });
  return () => {
    if (system === undefined) throw new Error("the system did not start");
    return system;
  };
}
