/**
 * Lists and judges every node in one process that keeps all in a map: the least that any agent has to do. Prints its CPU
 * time in milliseconds, from its start. Argument: the kubeconfig.
 */
import { connectKubernetes, createNodeLister } from "@node-agent/kubernetes";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { judge } from "@node-agent/shared/core/judge.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";

const connection = connectKubernetes({
  kubeconfig: process.argv[2] ?? "",
  userAgent: "node-recovery-agent/bench",
  clock: systemClock,
});
const rules = { checkers: createCheckers(DEFAULT_POLICY), policy: DEFAULT_POLICY };
const records = new Map<string, NodeRecord>();
const lister = createNodeLister({ connection, project: toSnapshot });
for await (const snapshot of lister.list(new AbortController().signal)) {
  const stored = { record: records.get(snapshot.name), damaged: false };
  records.set(snapshot.name, judge(snapshot, stored, rules, { now: Date.now(), observed: 0 }).after);
}
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ nodes: records.size, cpu: (user + system) / 1000 }));
await connection.close();
