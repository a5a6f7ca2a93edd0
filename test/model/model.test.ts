import { describe, expect, test } from "vitest";
import { ABLATIONS } from "./ablations.ts";
import { SMALL_WORLDS } from "./configurations.ts";
import { explore } from "./explore.ts";
import { HOLES } from "./holes.ts";
import { JOBS, type Job } from "./jobs.ts";
import { modelOf } from "./model.ts";
import { surpriseOf } from "./outcome.ts";
import { PROTECTIONS } from "./protections.ts";
import { RULES } from "./step.ts";
import { Successors } from "./successors.ts";
import { systemOf } from "./system.ts";

function jobsOf(kind: Job["kind"]): Job[] {
  return JOBS.filter((job) => job.kind === kind);
}

describe("the reboot protocol, with a Redis that does whatever it likes", () => {
  test.each(jobsOf("world"))("keeps every promise, and never locks itself up: $name", (job) => {
    expect(surpriseOf(job, explore(job.system()))).toBeUndefined();
  });
});

describe("without one protection", () => {
  test.each(jobsOf("ablation"))("a promise breaks: $name", (job) => {
    expect(surpriseOf(job, explore(job.system()))).toBeUndefined();
  });

  test("each is left out at least once", () => {
    const leftOut = new Set(ABLATIONS.map(({ protection }) => protection));
    expect([...leftOut].toSorted()).toStrictEqual(Object.keys(PROTECTIONS).toSorted());
  });

  test("and each starts from a world in which everything holds", () => {
    const proven = new Set<unknown>(Object.values(SMALL_WORLDS));
    for (const { base } of ABLATIONS) expect(proven).toContain(base);
  });
});

describe("beyond its assumptions", () => {
  test.each(jobsOf("hole"))("a promise breaks, as documented: $name", (job) => {
    expect(surpriseOf(job, explore(job.system()))).toBeUndefined();
  });
});

describe("with Redis as the only authority", () => {
  test.each(jobsOf("redis only"))("$name", (job) => {
    expect(surpriseOf(job, explore(job.system()))).toBeUndefined();
  });
});

test("an exploration that does not come to its end counts as a failure, whatever was expected", () => {
  const result = explore(systemOf(SMALL_WORLDS.three), 100);
  expect(result.verdict).toBe("Bound");
  expect(surpriseOf({ name: "held up" }, result)).toContain("not complete");
  expect(surpriseOf({ name: "held up", breaks: "I1" }, result)).toContain("not complete");
});

test("no rule is dead: each one fires in a world where it applies", () => {
  const idle = new Set(RULES.map(({ name }) => name));
  for (const world of [...Object.values(SMALL_WORLDS), ...[...HOLES, ...ABLATIONS].map((one) => one.world)]) {
    const model = modelOf(world);
    const rules = RULES.filter(({ name, appliesTo }) => idle.has(name) && (appliesTo?.(model) ?? true));
    if (rules.length === 0) continue;
    const system = systemOf(world);
    explore({
      ...system,
      expand: (state, out) => {
        for (const { name, step } of rules) {
          const counting = new Successors(system.words, () => idle.delete(name));
          step(model, state, counting);
        }
        system.expand(state, out);
      },
    });
  }
  expect([...idle]).toStrictEqual([]);
});
