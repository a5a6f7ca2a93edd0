/** Planned work of other controllers: our own cases beside those of `../shared/cases`. */
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { aCase } from "./node-case.ts";
import { playCases } from "./play.ts";

const DRIVER = "nvidia.com/gpu-driver-upgrade-state";
const MIG = "nvidia.com/mig.config.state";
const well = aNode().gpu(8);
const dead = aNode().gpu(8).unknown();
const lost = aNode().gpu(8, { allocatable: 6 });
const held = (why: RegExp) => ({ gate: "PlannedWork" as const, why });

playCases([
  aCase("driver-upgrade-drains", "none", {
    before: well.label(DRIVER, "upgrade-required"),
    after: dead.label(DRIVER, "drain-required"),
    held: held(/the GPU driver upgrade by the NVIDIA GPU operator is in progress/u),
  }),
  aCase("driver-upgrade-pressed", "none", {
    before: well,
    after: aNode().gpu(8).diskPressure().label(DRIVER, "pod-restart-required"),
    held: held(/pod-restart-required/u),
  }),
  aCase("driver-upgrade-waits", "reboot", {
    before: well.label(DRIVER, "upgrade-required"),
    after: dead.label(DRIVER, "upgrade-required"),
  }),
  aCase("driver-upgrade-done", "reboot", {
    before: well.label(DRIVER, "upgrade-done"),
    after: lost.label(DRIVER, "upgrade-done"),
  }),
  aCase("mig-unknown-state", "none", {
    before: well,
    after: dead.label(MIG, "draining-clients"),
    held: held(/in a state that is not known, and counts as in progress/u),
  }),
  aCase("mig-pending-gpus-gone", "none", {
    before: well,
    after: lost.label(MIG, "pending"),
  }),
  aCase("ofed-upgrade", "none", {
    before: well,
    after: dead.label("nvidia.com/ofed-driver-upgrade-state", "pod-restart-required"),
    held: held(/the NVIDIA network operator/u),
  }),
  aCase("amd-upgrade", "none", {
    before: aNode(),
    after: aNode().unknown().taint("amd-gpu-driver-upgrade", "NoSchedule", "true"),
    held: held(/the AMD GPU operator/u),
  }),
  aCase("openshift-update", "none", {
    before: aNode().annotation("machineconfiguration.openshift.io/state", "Done"),
    after: aNode().unknown().annotation("machineconfiguration.openshift.io/state", "Working"),
    held: held(/the OpenShift machine config operator/u),
  }),
]);
