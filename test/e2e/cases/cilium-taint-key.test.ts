/** Another taint key of Cilium, and no look at pods: the Node object alone decides. */
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { aCase } from "./node-case.ts";
import { playCases } from "./play.ts";

const KEY = "ignore-taint.cluster-autoscaler.kubernetes.io/cilium-agent-not-ready";
const routed = aNode().condition("NetworkUnavailable", "False", "RouteCreated");

playCases(
  [
    aCase("cilium-own-key", "reboot", { before: aNode().cilium(), after: aNode().cilium().taint(KEY) }),
    aCase("cilium-own-key-routes", "reboot", { before: routed, after: routed.taint(KEY) }),
    aCase("cilium-default-key", "none", {
      before: aNode().cilium(),
      after: aNode().cilium().taint("node.cilium.io/agent-not-ready"),
    }),
  ],
  { config: { ciliumTaint: KEY, podEvidence: false } },
);
