import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import type { Millis } from "@node-agent/shared/core/time.ts";
import { durationSchema } from "../options/duration.ts";
import { InputError, parseInput } from "../options/faults-of-input.ts";
import type { Simulator } from "../simulator.ts";
import { commandSchema, type Command } from "./commands.ts";
import { runCommand } from "./run-command.ts";

/** A command with its time: real milliseconds after the start, not scaled. */
export interface ScenarioStep {
  readonly at: Millis;
  readonly command: Command;
}

const fileSchema = z.strictObject({ steps: z.array(z.looseObject({ at: durationSchema })).min(1) });

/** Reads a scenario file. @throws {InputError} with every mistake, each naming file, step and key */
export function readScenario(file: string): ScenarioStep[] {
  return parseScenario(readYaml(file), `${file}: `);
}

/** Parses a scenario that was read already. @throws {InputError} */
export function parseScenario(input: unknown, where = ""): ScenarioStep[] {
  const { steps } = parseInput(fileSchema, input, (path) => `${where}${path}`);
  const faults: string[] = [];
  const parsed = steps.flatMap(({ at, ...command }, index): ScenarioStep[] => {
    try {
      return [
        { at, command: parseInput(commandSchema, command, (path) => `${where}steps.${index}.${path}`) },
      ];
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      faults.push(...error.faults);
      return [];
    }
  });
  if (faults.length > 0) throw new InputError(faults);
  return parsed;
}

/** Reads any YAML file. @throws {InputError} when it cannot be read or is no YAML */
export function readYaml(file: string): unknown {
  try {
    return parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new InputError([`${file}: ${error instanceof Error ? error.message : String(error)}`]);
  }
}

/** Runs each step at its time; a step that cannot be done is told and the rest goes on. */
export function playScenario(
  simulator: Simulator,
  steps: readonly ScenarioStep[],
  tell: (event: { step: number; do: string; result?: unknown; error?: string }) => void,
): void {
  for (const [step, { at, command }] of steps.entries()) {
    simulator.world.scheduler.after(at, () => {
      runCommand(simulator, command).then(
        (result) => tell({ step, do: command.do, result }),
        (error: unknown) =>
          tell({ step, do: command.do, error: error instanceof Error ? error.message : String(error) }),
      );
    });
  }
}
