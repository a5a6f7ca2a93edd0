import { MINUTE, SECOND, type Millis } from "@node-agent/shared/core/time.ts";

/** How long things take in the world, in milliseconds of world time: before the time scale divides them. */
export interface WorldTimings {
  /** From power-on to the first status that the kubelet posts. */
  readonly boot: Millis;
  /** How long the cloud shows an instance as REBOOTING. */
  readonly cloudReboot: Millis;
  /** How long a new instance is BUILDING. */
  readonly build: Millis;
  /** How long an instance is STOPPING before it is SHUTOFF. */
  readonly stop: Millis;
  /** From the kubelet's first status to Ready. */
  readonly kubeletReady: Millis;
  /** From the kubelet's first status to the device plugin's registration. */
  readonly devicePlugin: Millis;
  /** How often the kubelet posts an unchanged status (nodeStatusReportFrequency). */
  readonly statusPeriod: Millis;
  /** How often the kubelet renews its lease. */
  readonly leasePeriod: Millis;
  /** Silence after which the node controller writes Unknown (node-monitor-grace-period). */
  readonly nodeMonitorGrace: Millis;
  /** From the NoSchedule taint of a sick node to its NoExecute taint. */
  readonly evictionTaint: Millis;
  /** How often the cloud controller looks at nodes that are not Ready. */
  readonly cloudControllerPeriod: Millis;
  /** How long capacity survives a dead device plugin (endpointStopGracePeriod). */
  readonly pluginGrace: Millis;
  /** From the deletion of a Node object to its living kubelet registering it again. */
  readonly reregister: Millis;
  /** How often a watch that asked for bookmarks gets one. */
  readonly bookmarkPeriod: Millis;
  /** How long a `continue` token of a list stays valid. */
  readonly continueToken: Millis;
}

/** What a real cluster does by default (Kubernetes 1.32, Civo as far as it is known). */
export const DEFAULT_TIMINGS: WorldTimings = {
  boot: 60 * SECOND,
  cloudReboot: 45 * SECOND,
  build: 90 * SECOND,
  stop: 20 * SECOND,
  kubeletReady: 10 * SECOND,
  devicePlugin: 30 * SECOND,
  statusPeriod: 5 * MINUTE,
  leasePeriod: 10 * SECOND,
  nodeMonitorGrace: 50 * SECOND,
  evictionTaint: 5 * SECOND,
  cloudControllerPeriod: 5 * SECOND,
  pluginGrace: 5 * MINUTE,
  reregister: 10 * SECOND,
  bookmarkPeriod: MINUTE,
  continueToken: 5 * MINUTE,
};

/** Real durations: every timing divided by the scale (60 makes a minute of the world a second). */
export function scaleTimings(overrides: Partial<WorldTimings>, scale: number): WorldTimings {
  const world = { ...DEFAULT_TIMINGS, ...overrides };
  return {
    boot: world.boot / scale,
    cloudReboot: world.cloudReboot / scale,
    build: world.build / scale,
    stop: world.stop / scale,
    kubeletReady: world.kubeletReady / scale,
    devicePlugin: world.devicePlugin / scale,
    statusPeriod: world.statusPeriod / scale,
    leasePeriod: world.leasePeriod / scale,
    nodeMonitorGrace: world.nodeMonitorGrace / scale,
    evictionTaint: world.evictionTaint / scale,
    cloudControllerPeriod: world.cloudControllerPeriod / scale,
    pluginGrace: world.pluginGrace / scale,
    reregister: world.reregister / scale,
    bookmarkPeriod: world.bookmarkPeriod / scale,
    continueToken: world.continueToken / scale,
  };
}
