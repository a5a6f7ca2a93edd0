/** Cilium by the node's own evidence: our own cases beside those of `../shared/cases`. */
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { aCase } from "./node-case.ts";
import { playCases } from "./play.ts";

const TAINT = "node.cilium.io/agent-not-ready";
const network = (reason: string) => aNode().condition("NetworkUnavailable", "False", reason);

// The agent's pod of every node of the simulator is Ready here.
playCases([
  aCase("cilium-calico-now", "none", {
    before: network("CalicoIsUp"),
    after: network("CalicoIsUp").taint(TAINT),
  }),
  aCase("cilium-agent-ready", "none", {
    before: aNode().cilium(),
    after: aNode().cilium().taint(TAINT),
    held: { gate: "PodEvidence", why: /Cilium's agent \S+ is Ready/u },
  }),
  aCase("cilium-left-over-and-dead", "reboot", {
    before: network("FlannelIsUp"),
    after: network("FlannelIsUp").taint(TAINT).unknown(),
  }),
]);
