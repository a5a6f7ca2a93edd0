import { z } from "zod";
import { APIS } from "../faults/fault.ts";
import { durationSchema } from "../options/duration.ts";
import { GPU_ALLOCATIONS, NODE_FAULTS } from "../world/machine.ts";

/** Which nodes a command is about: one by name, or (some of) a pool or zone, or `count` of all. */
const target = {
  node: z.string().min(1).optional(),
  pool: z.string().min(1).optional(),
  zone: z.string().min(1).optional(),
  count: z.union([z.int().min(1), z.literal("all")], "expected a whole number or all").optional(),
};

const api = z.enum(APIS);
const breakage = {
  fault: z.enum(NODE_FAULTS),
  curedByReboot: z
    .union([z.boolean(), z.int().min(1)], "expected true, false or a number of reboots")
    .optional(),
  gpus: z.union([z.int().min(1), z.literal("all")], "expected a whole number or all").optional(),
  /** The fault comes and goes until it is healed, or cured by reboots. */
  flapping: z.strictObject({ down: durationSchema, up: durationSchema }).optional(),
};

const match = z
  .strictObject({
    method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]).optional(),
    path: z.string().startsWith("/").optional(),
    watch: z.boolean().optional(),
  })
  .optional();
const standing = {
  api,
  match,
  times: z.int().min(1).optional(),
  probability: z.number().min(0).max(1).optional(),
};
const canned = {
  status: z.int().min(100).max(599),
  retryAfter: z.union([z.string(), z.number()]).optional(),
  body: z.unknown().optional(),
  contentType: z.string().optional(),
};
const afterEvents = z.int().min(0).optional();

/** A fault on an API, as a body or a step says it. */
const faultSchema = z.discriminatedUnion("effect", [
  z.strictObject({ ...standing, effect: z.literal("status"), ...canned }),
  z.strictObject({ ...standing, effect: z.literal("execute-then-status"), ...canned }),
  z.strictObject({ ...standing, effect: z.literal("hang") }),
  z.strictObject({ ...standing, effect: z.literal("reset") }),
  z.strictObject({ ...standing, effect: z.literal("delay"), by: durationSchema }),
  z.strictObject({ ...standing, effect: z.literal("execute-then-reset") }),
  z.strictObject({ ...standing, effect: z.literal("execute-then-hang") }),
  z.strictObject({ ...standing, effect: z.literal("truncate"), afterEvents }),
  z.strictObject({ ...standing, effect: z.literal("hang-mid-stream"), afterEvents }),
  z.strictObject({ ...standing, effect: z.literal("end"), afterEvents }),
  z.strictObject({
    ...standing,
    effect: z.literal("drop-events"),
    of: z.array(z.string().min(1)).min(1).optional(),
  }),
  z.strictObject({
    ...standing,
    effect: z.literal("error-event"),
    code: z.int().min(100).max(599),
    reason: z.string().optional(),
    message: z.string().optional(),
    afterEvents,
  }),
]);

const marks = {
  labels: z.record(z.string(), z.string().nullable()).optional(),
  annotations: z.record(z.string(), z.string().nullable()).optional(),
  taints: z
    .array(
      z.strictObject({ key: z.string().min(1), value: z.string().optional(), effect: z.string().min(1) }),
    )
    .optional(),
  removeTaints: z.array(z.string().min(1)).optional(),
  unschedulable: z.boolean().optional(),
  deleting: z.boolean().optional(),
};

/** A Node object that a node is to read as. */
const shownNode = z.looseObject({
  apiVersion: z.string(),
  kind: z.literal("Node"),
  metadata: z.looseObject({
    name: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    creationTimestamp: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
});

/** Everything that can be done to a simulator, as data: bodies of the control endpoint and steps of a scenario. */
export const commandSchema = z.discriminatedUnion("do", [
  z.strictObject({ do: z.literal("break"), ...target, ...breakage }),
  z.strictObject({ do: z.literal("heal"), ...target, fault: z.enum(NODE_FAULTS).optional() }),
  z.strictObject({
    do: z.literal("delete"),
    ...target,
    instance: z.boolean().optional(),
    reregister: z.boolean().optional(),
  }),
  z.strictObject({
    do: z.literal("allocate-gpus"),
    ...target,
    by: z.enum(GPU_ALLOCATIONS),
    labelled: z.boolean().optional(),
  }),
  z.strictObject({ do: z.literal("replace"), ...target }),
  z.strictObject({ do: z.literal("instance-gone"), ...target }),
  z.strictObject({ do: z.literal("forget-provider-id"), ...target }),
  z.strictObject({ do: z.literal("mark"), ...target, ...marks }),
  z.strictObject({ do: z.literal("bounce"), ...target }),
  z.strictObject({
    do: z.literal("show"),
    node: z.string().min(1),
    object: shownNode.nullable(),
    sick: z.boolean().optional(),
  }),
  z.strictObject({
    do: z.literal("add"),
    pool: z.string().min(1),
    name: z.string().min(1).optional(),
    count: z.int().min(1).max(5000).optional(),
    build: z.boolean().optional(),
  }),
  z.strictObject({ do: z.literal("fault"), fault: faultSchema }),
  z.strictObject({ do: z.literal("clear-faults"), api: api.optional(), id: z.int().min(1).optional() }),
  z.strictObject({ do: z.literal("outage"), api, kind: z.enum(["refuse", "hang", "off"]) }),
  z.strictObject({ do: z.literal("watches"), how: z.enum(["end", "reset", "freeze", "truncate"]) }),
  z.strictObject({
    do: z.literal("fail-watches"),
    code: z.int().min(100).max(599),
    message: z.string().optional(),
    reason: z.string().optional(),
  }),
  z.strictObject({ do: z.literal("compact") }),
  z.strictObject({ do: z.literal("expire-continue-tokens") }),
  z.strictObject({ do: z.literal("backup") }),
  z.strictObject({
    do: z.literal("restore"),
    to: z.int().min(1).optional(),
    bookmarks: z.boolean().optional(),
  }),
  z.strictObject({ do: z.literal("rotate-token"), token: z.string().min(1).optional() }),
  z.strictObject({ do: z.literal("rotate-api-key"), apiKey: z.string().min(1).optional() }),
]);

/** One command. */
export type Command = z.infer<typeof commandSchema>;
