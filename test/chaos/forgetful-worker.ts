/**
 * @file A worker that judges nodes and never puts a pending reboot on the queue, to prove that the chaos run notices
 * nodes that nothing holds and nobody reboots. Everything else is the real worker. Only the chaos tests start it.
 */
import { BullJobQueues } from "@node-agent/shared/redis/job-queues.ts";
import { runRole } from "@node-agent/shared/runtime/role.ts";
import { startWorker } from "../../packages/worker/src/start.ts";

BullJobQueues.prototype.ensureReboot = async () => {};
BullJobQueues.prototype.ensureReboots = async () => {};
BullJobQueues.prototype.moveReboot = async () => {};

await runRole("worker", startWorker);
