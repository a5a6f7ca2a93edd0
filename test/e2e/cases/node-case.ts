import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import type { GateName } from "@node-agent/shared/core/gates/gate.ts";

/** How often the machine must be repaired with two attempts allowed; `reboot`: at least once. */
export type Expectation = "none" | "one" | "reboot";

/** One Node in two states: `before` for a while, `after` for longer than every threshold. */
export interface NodeCase {
  /** Lower case letters, digits and dashes: the node is called that. */
  readonly name: string;
  /** Where it was seen, or what it shows. */
  readonly report: string;
  readonly expect: Expectation;
  readonly before: unknown;
  readonly after: unknown;
  /** The gate that must hold the pending repair, and words of its reason; not asked where it is absent. */
  readonly held?: { readonly gate: GateName; readonly why: RegExp };
}

const directory = fileURLToPath(new URL("../../../../shared/cases/", import.meta.url));

const fileSchema = z.object({
  report: z.string(),
  expect: z.enum(["none", "one", "reboot"]),
  before: z.unknown(),
  after: z.unknown(),
});

/** Every file of `../shared/cases`, read where it lies and never copied; none in a clone without that folder. */
export function sharedCases(): NodeCase[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((file) => file.endsWith(".json"))
    .map((file) => {
      const { report, expect, before, after } = fileSchema.parse(
        JSON.parse(readFileSync(`${directory}/${file}`, "utf8")),
      );
      return { name: file.replace(/\.json$/u, ""), report, expect, before, after };
    });
}

/** A case of our own, told by two builders. */
export function aCase(
  name: string,
  expected: Expectation,
  states: {
    readonly before: NodeBuilder;
    readonly after: NodeBuilder;
    readonly report?: string;
    readonly held?: NodeCase["held"];
  },
): NodeCase {
  const { before, after, report = name, held } = states;
  return {
    name,
    report,
    expect: expected,
    before: before.raw(),
    after: after.raw(),
    ...(held === undefined ? {} : { held }),
  };
}
