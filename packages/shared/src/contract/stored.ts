/** What is stored in Redis is read with suspicion: these schemas are the border, and inside it types are trusted. */
import { z } from "zod";
import { CHECKER_NAMES } from "../core/check.ts";
import { FLAPS_KEPT } from "../core/flaps.ts";
import type { LiveWorker } from "../core/hosting.ts";
import type { NodeSnapshot } from "../core/node.ts";
import { PHASES } from "../core/phase.ts";
import { REBOOT_OUTCOMES, REBOOT_VERIFICATIONS, type NodeRecord } from "../core/record.ts";

const instant = z.number().min(0).max(8.64e15);
const name = z.string().min(1).max(253);
const text = z.string().max(1024);
const strings = z.record(z.string(), z.string());

/** A snapshot as the watchers write it. */
export const snapshotSchema: z.ZodType<NodeSnapshot> = z.object({
  schema: z.literal(1),
  name,
  uid: z.string().min(1).max(128),
  resourceVersion: z.string().regex(/^[1-9][0-9]{0,63}$/u),
  createdAt: instant.exactOptional(),
  deletionAt: instant.exactOptional(),
  providerId: text.exactOptional(),
  bootId: text.exactOptional(),
  kubeletVersion: text.exactOptional(),
  operatingSystem: text.exactOptional(),
  unschedulable: z.boolean(),
  labels: strings,
  annotations: strings,
  taints: z.array(z.object({ key: text, value: text.exactOptional(), effect: text })).max(64),
  conditions: z
    .array(
      z.object({
        type: text,
        status: z.enum(["True", "False", "Unknown"]),
        reason: text.exactOptional(),
        lastTransitionAt: instant.exactOptional(),
      }),
    )
    .max(64),
  capacity: strings,
  allocatable: strings,
});

const observed = z.number().min(0);
const failingCheck = z.object({
  since: instant,
  sinceObserved: observed,
  carried: z.number().min(0).exactOptional(),
  reason: text,
});
const drainingCheck = z.object({ since: instant, sinceObserved: observed, ran: z.number().min(0) });
const checkerFlaps = z.object({
  at: z.array(instant).max(FLAPS_KEPT),
  flappingSince: instant.exactOptional(),
});

const seenMark = z.object({
  value: text,
  since: instant,
  worked: z.object({ since: instant, until: instant }).exactOptional(),
  holds: z.literal(true).exactOptional(),
  told: z.literal(true).exactOptional(),
});

/** A record as the workers write it. */
export const recordSchema: z.ZodType<NodeRecord> = z.object({
  schema: z.literal(1),
  name,
  uid: z.string().min(1).max(128),
  phase: z.enum(PHASES),
  phaseSince: instant,
  firstSeenAt: instant,
  everReady: z.boolean(),
  gpuNode: z.boolean(),
  gpuHighWater: z.number().min(0),
  gpu: z
    .object({
      units: z.number().min(0).exactOptional(),
      strangers: z.array(text).max(32).exactOptional(),
      draSlices: z.literal(true).exactOptional(),
      accepted: z.int().min(0).exactOptional(),
    })
    .exactOptional(),
  pool: text.exactOptional(),
  providerId: text.exactOptional(),
  bootId: text.exactOptional(),
  bootSeenAt: instant.exactOptional(),
  foreignBootAt: instant.exactOptional(),
  monitorOnly: z.boolean(),
  failing: z.partialRecord(z.enum(CHECKER_NAMES), failingCheck),
  draining: z.partialRecord(z.enum(CHECKER_NAMES), drainingCheck).exactOptional(),
  flaps: z.partialRecord(z.enum(CHECKER_NAMES), checkerFlaps).exactOptional(),
  judgedBy: z.array(z.enum(CHECKER_NAMES)).max(CHECKER_NAMES.length).exactOptional(),
  skipped: z.partialRecord(z.enum(CHECKER_NAMES), z.object({ since: instant, reason: text })).exactOptional(),
  incident: z.object({ id: text, startedAt: instant, attempts: z.int().min(0) }).exactOptional(),
  lastIncident: z
    .object({ id: text, attempts: z.int().min(0), endedAt: instant, endedObserved: observed })
    .exactOptional(),
  lastReboot: z
    .object({
      incidentId: text,
      number: z.int().min(0),
      instanceId: text,
      token: text,
      intendedAt: instant,
      outcome: z.enum(REBOOT_OUTCOMES),
      detail: text,
      waitUntil: instant,
      bootIdBefore: text.exactOptional(),
      recoveredAt: instant.exactOptional(),
      verification: z.enum(REBOOT_VERIFICATIONS).exactOptional(),
      providerId: text.exactOptional(),
    })
    .exactOptional(),
  marks: z.record(text, seenMark).exactOptional(),
  retriedAt: instant.exactOptional(),
});

/** What a worker says of itself; its id is the field that this stands in. */
export const workerSchema: z.ZodType<Omit<LiveWorker, "id">> = z.object({
  schema: z.literal(1),
  node: name.exactOptional(),
  monitorOnly: z.boolean(),
  rules: z.string().max(64).exactOptional(),
  policy: name.exactOptional(),
  left: z.literal(true).exactOptional(),
});

/** Parses stored JSON; a fault is a sentence that names what was read and what is wrong with it. */
export function parseStored<T>(
  what: string,
  json: string,
  schema: z.ZodType<T>,
): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: string } {
  let raw: unknown;
  try {
    raw = JSON.parse(json);
  } catch {
    return { ok: false, fault: `${what}: expected JSON, got ${json.length} bytes that are not` };
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return { ok: true, value: parsed.data };
  const issue = parsed.error.issues[0];
  const path = issue === undefined || issue.path.length === 0 ? "value" : issue.path.map(String).join(".");
  return { ok: false, fault: `${what}: ${path}: ${issue?.message ?? "is not valid"}` };
}
