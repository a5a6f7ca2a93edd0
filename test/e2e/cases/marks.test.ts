/** Marks of other owners, by value, age and meaning: our own cases beside those of `../shared/cases`. */
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { DAY, SECOND } from "@node-agent/shared/core/time.ts";
import { aCase } from "./node-case.ts";
import { playCases } from "./play.ts";

const unix = (age: number): string => String(Math.floor((Date.now() - age) / SECOND));
const DISABLED = "cluster-autoscaler.kubernetes.io/scale-down-disabled";
const DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt";
const well = aNode();
const dead = aNode().unknown();
const pressed = aNode().diskPressure();
const held = (why: RegExp) => ({ gate: "ForeignOwner" as const, why });

playCases([
  aCase("do-not-disrupt-false", "reboot", {
    before: well.annotation(DO_NOT_DISRUPT, "false"),
    after: dead.annotation(DO_NOT_DISRUPT, "false"),
  }),
  aCase("do-not-disrupt-dead", "reboot", {
    before: well.annotation(DO_NOT_DISRUPT, "true"),
    after: dead.annotation(DO_NOT_DISRUPT, "true"),
  }),
  aCase("do-not-disrupt-pressed", "none", {
    before: well.annotation(DO_NOT_DISRUPT, "true"),
    after: pressed.annotation(DO_NOT_DISRUPT, "true"),
    held: held(/do-not-disrupt=true: Karpenter must not disrupt it, and its kubelet works/u),
  }),
  aCase("scale-down-disabled-pressed", "none", {
    before: well.annotation(DISABLED, "true"),
    after: pressed.annotation(DISABLED, "true"),
    held: held(/scale-down-disabled=true/u),
  }),
  aCase("scale-down-disabled-unknown", "none", {
    before: well.annotation(DISABLED, "until-friday"),
    after: pressed.annotation(DISABLED, "until-friday"),
    held: held(/a value that is not known and counts as set/u),
  }),
  aCase("candidate-fresh", "none", {
    before: well.taint("DeletionCandidateOfClusterAutoscaler", "PreferNoSchedule", unix(0)),
    after: dead.taint("DeletionCandidateOfClusterAutoscaler", "PreferNoSchedule", unix(0)),
    held: held(/the cluster autoscaler may remove it soon/u),
  }),
  aCase("to-be-deleted-old", "none", {
    before: well,
    after: dead.taint("ToBeDeletedByClusterAutoscaler", "NoSchedule", unix(30 * DAY)),
    held: held(/the cluster autoscaler removes it; since .*, longer than 12 h: ask the cluster autoscaler/u),
  }),
  aCase("deletion-timestamp", "none", {
    before: well,
    after: dead.deletedAt(Date.now()),
    held: held(/the Node object is being deleted/u),
  }),
  aCase("cordoned-by-nvsentinel", "none", {
    before: well,
    after: dead
      .cordoned()
      .label("k8saas.nvidia.com/cordon-by", "NVSentinel")
      .label("k8saas.nvidia.com/cordon-reason", "GPU-fatal-error-ruleset"),
    held: held(/^cordoned by NVSentinel \(reason GPU-fatal-error-ruleset\)$/u),
  }),
  aCase("cordoned-by-a-person", "none", {
    before: well,
    after: dead.cordoned(),
    held: held(/^cordoned; nothing on the node says by whom$/u),
  }),
  aCase("cluster-api-machine", "reboot", {
    before: well
      .annotation("cluster.x-k8s.io/machine", "md-0-7c9d8")
      .annotation("cluster.x-k8s.io/cluster-name", "c-1"),
    after: dead
      .annotation("cluster.x-k8s.io/machine", "md-0-7c9d8")
      .annotation("cluster.x-k8s.io/cluster-name", "c-1"),
  }),
]);
