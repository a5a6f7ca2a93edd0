import { z } from "zod";
import type { Census } from "../core/plan/census.ts";
import type { PublishedPlan } from "../ports/plan-store.ts";

const count = z.int().min(0);
const counts = z.record(z.string().max(512), count);
const nodeNames = z.array(z.string().min(1).max(253));

/** What a watcher tells of the whole fleet. */
export const censusSchema: z.ZodType<Census> = z.object({
  nodes: count,
  silent: count,
  byPool: counts,
  byZone: counts,
  claimants: z.record(z.string().max(512), nodeNames),
});

/** The repairs that the latest plan lets proceed. */
export const publishedPlanSchema: z.ZodType<PublishedPlan> = z.object({
  at: z.number().min(0).max(8.64e15),
  proceed: nodeNames,
});
