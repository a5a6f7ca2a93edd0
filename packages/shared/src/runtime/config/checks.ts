import { isIP } from "node:net";
import type { Millis } from "../../core/time.ts";
import type { Role } from "./config.ts";
import { formatDuration } from "./durations.ts";
import { quote } from "./faults.ts";
import { subject } from "./parse.ts";
import type { Settings } from "./schema.ts";
import type { Sources } from "./sources.ts";

/** One relation that must hold between two settings; each is impossible or dangerous when broken. */
interface Relation {
  readonly key: string;
  readonly value: Millis;
  readonly holds: boolean;
  readonly expected: string;
}

function relations({ timings }: Settings): Relation[] {
  const { beatInterval, viewMaxAge, viewProbeInterval, stalledInterval, lockDuration } = timings;
  const { watchBackoffMin, watchBackoffMax } = timings;
  // One lost beat and one lost probe must not make the fleet blind while the cluster is quiet.
  const leastViewAge = 2 * (beatInterval + viewProbeInterval);
  return [
    {
      key: "timings.stalledInterval",
      value: stalledInterval,
      // BullMQ marks a job as stalled at one check and takes it at the next: the lock must outlive the interval.
      holds: stalledInterval < lockDuration,
      expected: `less than timings.lockDuration (${formatDuration(lockDuration)})`,
    },
    {
      key: "timings.viewMaxAge",
      value: viewMaxAge,
      holds: viewMaxAge >= leastViewAge,
      expected: `at least twice timings.beatInterval and timings.viewProbeInterval together (${formatDuration(leastViewAge)}), which is what a quiet cluster needs`,
    },
    {
      key: "timings.watchBackoffMax",
      value: watchBackoffMax,
      holds: watchBackoffMax >= watchBackoffMin,
      expected: `at least timings.watchBackoffMin (${formatDuration(watchBackoffMin)})`,
    },
  ];
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/u;

/** The API key is sent to whatever this names. */
function civoFaults({ civo }: Settings, sources: Sources): string[] {
  const { protocol, hostname } = new URL(civo.url);
  if (civo.allowInsecure || LOOPBACK.test(hostname)) return [];
  const named = isIP(hostname.replaceAll(/[[\]]/gu, "")) === 0;
  if (protocol === "https:" && named) return [];
  const expected =
    protocol === "https:" ? "a host name, not an IP address" : "https (http is for this machine only)";
  return [
    `${subject("civo.url", sources)}: expected ${expected}, got ${quote(civo.url)}; civo.allowInsecure: true lifts this`,
  ];
}

/** What a worker needs before it may call a cloud. */
function activeFaults({ monitorOnly, civo }: Settings, role: Role, hasApiKey: boolean): string[] {
  if (monitorOnly || role !== "worker") return [];
  const needed = [
    { present: hasApiKey, how: "CIVO_API_KEY or CIVO_API_KEY_FILE" },
    { present: civo.region !== undefined, how: "CIVO_REGION or the key civo.region" },
    { present: civo.clusterId !== undefined, how: "CIVO_CLUSTER_ID or the key civo.clusterId" },
  ];
  return needed
    .filter(({ present }) => !present)
    .map(
      ({ how }) =>
        `${how.split(" or ", 1)[0]}: missing, and needed to reboot (monitorOnly is false); set ${how}, or set monitorOnly: true`,
    );
}

function clusterFaults({ cluster, civo, monitorOnly }: Settings): string[] {
  if (cluster !== undefined || civo.clusterId !== undefined || monitorOnly) return [];
  return [
    "cluster: missing, and needed when monitorOnly is false; set the key cluster, --cluster or CIVO_CLUSTER_ID",
  ];
}

/** Above this share a typing error could reboot most of a cluster (G10). */
const MOST_PERCENT = 50;

function limitFaults({ limits, cureRate }: Settings, sources: Sources): string[] {
  const { percent } = limits.open.cluster;
  const faults: string[] = [];
  if (!limits.override && percent > MOST_PERCENT)
    faults.push(
      `${subject("limits.open.cluster.percent", sources)}: expected at most ${MOST_PERCENT}, got ${percent}; limits.override: true lifts this`,
    );
  if (cureRate.minimum > cureRate.latest)
    faults.push(
      `${subject("cureRate.minimum", sources)}: expected at most cureRate.latest (${cureRate.latest}), got ${cureRate.minimum}`,
    );
  return faults;
}

/** Faults that only show when settings are seen together. */
export function checkTogether(
  settings: Settings,
  { role, hasApiKey, parsed }: { role: Role; hasApiKey: boolean; parsed: boolean },
  sources: Sources,
): string[] {
  return [
    // With defaults in place of faulty values a relation may seem broken that is not.
    ...relations(settings)
      .filter(({ holds }) => parsed && !holds)
      .map(
        ({ key, value, expected }) =>
          `${subject(key, sources)}: expected ${expected}, got ${formatDuration(value)}`,
      ),
    ...civoFaults(settings, sources),
    ...limitFaults(settings, sources),
    // A worker without CIVO_CLUSTER_ID is told so once, by the check of what Civo needs.
    ...(role === "worker" ? [] : clusterFaults(settings)),
    ...activeFaults(settings, role, hasApiKey),
  ];
}

/** Settings that work but are rarely meant. */
export function adviseOn(settings: Settings): string[] {
  const { rebootWait, checkers, timings, monitorOnly, cluster, civo } = settings;
  const advice: string[] = [];
  if (rebootWait.gpu < rebootWait.standard)
    advice.push(
      `rebootWait.gpu (${formatDuration(rebootWait.gpu)}) is shorter than rebootWait.standard (${formatDuration(rebootWait.standard)}); GPU nodes usually take longer to boot`,
    );
  if (Object.values(checkers).every(({ enabled }) => !enabled))
    advice.push("every checker is disabled: no node will ever be judged");
  if (timings.shutdownGrace < timings.sendDeadline + timings.cloudCallDeadline)
    advice.push(
      `timings.shutdownGrace (${formatDuration(timings.shutdownGrace)}) is shorter than a reboot call may take; a call cut off counts as a reboot`,
    );
  if (monitorOnly && cluster === undefined && civo.clusterId === undefined)
    advice.push(
      'the cluster has no name and is called "default"; set the key cluster, --cluster or CIVO_CLUSTER_ID',
    );
  return advice;
}
