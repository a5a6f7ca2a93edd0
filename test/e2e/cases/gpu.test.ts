/** GPUs by evidence, never by absence (decision 20): our own cases beside those of `../shared/cases`. */
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { aCase } from "./node-case.ts";
import { playCases } from "./play.ts";

const GPU = "nvidia.com/gpu";
const ACCEPTED = "node-agent.civo.com/accepted-gpus";
const bare = aNode();
const labelled = aNode().gpu(8);
const whole = bare.resource(GPU, 8);

playCases([
  aCase("gpu-device-unhealthy", "reboot", { before: whole, after: bare.resource(GPU, 8, 6) }),
  aCase("gpu-one-lost", "reboot", { before: labelled, after: aNode().gpu(7) }),
  aCase("gpu-all-lost", "reboot", { before: labelled, after: labelled.resource(GPU, 0) }),
  aCase("gpu-slices-16-to-8", "none", { before: bare.resource(GPU, 16), after: bare.resource(GPU, 8) }),
  aCase("gpu-slices-renamed", "none", {
    before: bare.resource(GPU, 16),
    after: bare.resource(GPU, 16, 0).resource("nvidia.com/gpu.shared", 16),
  }),
  aCase("gpu-renamed-by-product", "none", {
    before: labelled,
    after: labelled.resource(GPU, 0).resource("nvidia.com/h100", 8),
  }),
  aCase("gpu-renamed-by-class", "none", {
    before: whole,
    after: bare.resource(GPU, 8, 0).resource("nvidia.com/gpu-h100", 8),
  }),
  aCase("gpu-renamed-beside-nics", "reboot", {
    before: whole.resource("nvidia.com/mlnxnics", 8),
    after: bare.resource(GPU, 8, 0).resource("nvidia.com/mlnxnics", 8),
  }),
  aCase("gpu-divided-by-mig", "none", {
    before: whole,
    after: bare.resource(GPU, 8, 0).resource("nvidia.com/mig-1g.10gb", 56),
  }),
  aCase("gpu-mig-instances-gone", "none", {
    before: bare.resource("nvidia.com/mig-1g.10gb", 56),
    after: bare.resource("nvidia.com/mig-1g.10gb", 0),
  }),
  aCase("gpu-no-plugin-deployed", "none", {
    before: labelled,
    after: labelled
      .resource(GPU, 0)
      .labels({ "nvidia.com/gpu.deploy.driver": "true", "nvidia.com/gpu.deploy.container-toolkit": "true" }),
  }),
  aCase("gpu-dra-and-dead", "reboot", {
    before: labelled,
    after: labelled.resource(GPU, 0).label("nvidia.com/dra-kubelet-plugin", "true").unknown(),
  }),
  aCase("gpu-dra-compute-domains", "reboot", {
    before: labelled.label("nvidia.com/dra-kubelet-plugin", "true"),
    after: aNode().gpu(8, { allocatable: 6 }).label("nvidia.com/dra-kubelet-plugin", "true"),
  }),
  aCase("gpu-accepted", "none", { before: labelled, after: aNode().gpu(7).annotation(ACCEPTED, "7") }),
  aCase("gpu-fewer-than-accepted", "reboot", {
    before: aNode().gpu(7).annotation(ACCEPTED, "7"),
    after: aNode().gpu(6).annotation(ACCEPTED, "7"),
  }),
]);
